# Numbers and weighted classes: searched, retrained and tested for real; `clnas eval` shows what each output is worth.
. "$(dirname "$0")/helper.sh"
[ -x "$NAS_PROGRAM" ] || exit 77
"$NAS_PROGRAM" devices >/dev/null 2>&1 || exit 77

cat >numbers.cfg <<'END'
study = "numbers"; seed = 1;
data = { type = "synthetic"; task = "regress"; train = 1200; test = 200; valid = 200; classes = 2; shape = [1, 8, 8]; noise = 0.3; };
space = { type = "chain"; depth = [1, 2]; op = [ "conv", "max_pool" ]; kernel = [3]; width = [8, 16]; };
strategy = { type = "random"; };
train = { epochs = 2; batch = 32; optimizer = "adam"; huber = 2.0; };
budget = { trials = 4; };
retrain = { top = 1; epochs = 12; };
END
run search numbers.cfg --quiet --format json; expect_code 0
expect_json 'x["best_metric"] == "valid_r2" and 0.6 < x["results"][0]["test_r2"] <= 1 and "test_accuracy" not in x["results"][0]'
model=$(ls numbers.study.d/retrained-*.safetensors)
run eval "$model" numbers.study; expect_code 0; expect_out "rmse"
run eval "$model" numbers.study --format json; expect_code 0
# The pictures' contrast lies between 24 and 40: in its own units, and better told than by the mean.
expect_json 'x["task"] == "regress" and len(x["each"]) == 2 and x["each"][0]["mae"] < 4 and x["each"][1]["r2"] > 0.6 and x["each"][0]["rmse"] >= x["each"][0]["mae"]'
# What is exported gives contrast and brightness in their own units; the C file is compiled, run and compared before success.
if command -v "${CC:-cc}" >/dev/null; then
    run export numbers.study --to c -o numbers.c; expect_code 0; expect_out "difference"
fi
run export numbers.study --to json -o numbers.json; expect_code 0
grep -q '"task": "regress"' numbers.json || fail "the layers as data do not tell the task"
run search numbers.cfg --new -s 'objectives=({metric="valid_accuracy";})'; expect_code 2; expect_err "scored by valid_r2"

sed 's/task = "regress"/class_weights = [1, 0]/; s/"numbers"/"weights"/' numbers.cfg >weights.cfg
run search weights.cfg --quiet -s data.classes=3; expect_code 2; expect_err "2 values"
run search weights.cfg --quiet --format json; expect_code 0
model=$(ls weights.study.d/retrained-*.safetensors)
run eval "$model" weights.study --format json; expect_code 0
# A class that counts nothing is never told.
expect_json 'x["each"][1]["recall"] == 0 and x["each"][0]["recall"] == 1 and abs(x["balanced_accuracy"] - 0.5) < 1e-9'
expect_json 'sum(map(sum, x["confusion"])) == x["samples"]'

# New samples: an array that Python makes, and files that are none.
printf 'hello\n' >hello.txt
run predict "$model" hello.txt; expect_code 6; expect_err "hello.txt"
run predict "$model"; expect_code 2; expect_err "wants MODEL FILE"
if command -v python3 >/dev/null; then
    python3 -c '
head = b"{\x27descr\x27: \x27|u1\x27, \x27fortran_order\x27: False, \x27shape\x27: (3, 8, 8), }"
head += b" " * (117 - len(head)) + b"\n"
open("new.npy", "wb").write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(range(192)))'
    run predict "$model" new.npy --format jsonl; expect_code 0; expect_jsonl file sample class probability
    [ "$(wc -l <out.txt)" = 3 ] || fail "not a line for each sample"
    run predict "$model" new.npy --top 2 --format csv; expect_code 0
    [ "$(wc -l <out.txt)" = 7 ] || fail "not two lines for each sample"
fi
