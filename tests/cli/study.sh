# A whole small search and every command that reads what it left.
. "$(dirname "$0")/helper.sh"
write_small_config
have_device || exit 77

run search small.cfg -f json; expect_code 0
expect_json 'x["trials"] == 4 and x["study"].endswith("small.study") and 0 <= x["results"][0]["test_accuracy"] <= 1'
[ -f small.study ] || fail "no study"
grep -q "trials 4/4" err.txt || fail "no progress lines"

# Never overwritten.
cp small.study before.study
run search small.cfg; expect_code 5; expect_err "resume"; expect_err "--new"
cmp small.study before.study || fail "an existing study was touched"
run search small.cfg --new --trials 2 --no-retrain --quiet; expect_code 0; expect_out "small-2.study"
[ ! -s err.txt ] || fail "--quiet is not quiet"

run status small.study; expect_code 0; expect_out "random"
run status small.study -f json; expect_json 'x["done"] == 4 and x["failed"] == 0'
run trials small.study; expect_code 0; expect_out "complete"
run trials small.study -f json; expect_json '[t["trial"] for t in x["trials"]] == [0, 1, 2, 3]'
expect_json 'all(0 <= t["valid_accuracy"] <= 1 for t in x["trials"] if t["status"] == "complete")'
run trials small.study -f jsonl; expect_jsonl trial status arch parameters
run trials small.study -f csv; expect_csv trial status arch parameters
run trials small.study --curves -f csv; expect_code 0; expect_csv trial arch point train_loss valid_accuracy
# The last point of a curve is the result.
"$NAS_PROGRAM" trials small.study -f csv >trials.csv
pick() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR > 1 { last[$1] = $at }
    END { for (trial in last) print trial, last[trial] }' "$2" | sort; }
pick valid_accuracy out.txt >last.txt; pick valid_accuracy trials.csv | cmp - last.txt || fail "curves end elsewhere"
run trials small.study --canonical; expect_code 0; cp out.txt canonical.txt
[ "$(wc -l <canonical.txt)" = 4 ] || fail "not four canonical lines"
run show small.study:0; expect_code 0; expect_out "conv2d"
run show small.study:0 -f json; expect_json 'x["trial"] == 0 and "conv2d" in x["graph"] and "curves" in x'
run show small.study:99; expect_code 2; expect_err "0 … 3"
run show small.study; expect_code 2; expect_err "small.study:0"
run best small.study; expect_code 0; expect_out "test_accuracy"
run best small.study --top 3 -f json; expect_code 0; expect_json '1 <= len(x["trials"]) <= 3'
run best small.study --pareto -f json; expect_code 0; expect_json 'len(x["trials"]) >= 1'

# Retrain and test by hand.
run train small.study:1 --epochs 1 -o model.safetensors -f json; expect_code 0
expect_json '0 <= x["test_accuracy"] <= 1 and x["trial"] == 1'
run eval model.safetensors small.cfg -f json; expect_code 0
expect_json 'sum(map(sum, x["confusion"])) == x["samples"]'
expect_json 'abs(sum(r[i] for i, r in enumerate(x["confusion"])) / x["samples"] - x["accuracy"]) < 1e-6'
run eval model.safetensors small.study --split valid; expect_code 0; expect_out "Confusion matrix"
run eval small.cfg small.cfg; [ "$code" != 0 ] || fail "a config is no model"
run eval missing.safetensors small.cfg; [ "$code" != 0 ] || fail "no such model"

# Resume: nothing left to do, then a larger budget; the old trials stay what they were.
run resume small.study --trials 6 --no-retrain; expect_code 0
run trials small.study --canonical; head -n 4 out.txt >head.txt
cmp head.txt canonical.txt || fail "resume changed committed trials"
[ "$(wc -l <out.txt)" = 6 ] || fail "not six trials"

# One seed, one list: whatever the number of workers.
run search small.cfg --study two.study --trials 6 --workers 2 --no-retrain; expect_code 0
run trials two.study --canonical
"$NAS_PROGRAM" trials small.study --canonical >one.txt
cmp out.txt one.txt || fail "two workers gave other trials than one"

# What is no study.
for command in status trials best resume train; do
    run $command missing.study; expect_code 5; expect_err "missing.study"
done
head -c 5000 small.study >torn.study
echo "no study" >text.study
: >empty.study
for file in torn text empty; do
    run trials $file.study; expect_code 5; expect_err "$file.study"
done

# A study that was removed without what lay beside it: its write-ahead log must not get into a new one of that name.
cp small.study gone.study
echo "trials of before" >gone.study-wal
rm gone.study
run search small.cfg -s study=gone --trials 1 --no-retrain --quiet; expect_code 5; expect_err "gone.study-wal is left of a study that is gone"
[ ! -e gone.study ] || fail "a study beside the log of another"
run search small.cfg -s study=gone --new --trials 1 --no-retrain --quiet; expect_code 0; expect_out "gone-2.study"
rm gone.study-wal
run search small.cfg -s study=gone --trials 1 --no-retrain --quiet; expect_code 0
