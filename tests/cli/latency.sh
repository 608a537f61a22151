# clnas-bench latency --choices: the table has each row and choice once, `none` is free, work is not; `clnas search` takes it, and refuses it for another space.
NAS_PROGRAM="$NAS_BUILD_FOLDER/bin/clnas-bench"
. "$(dirname "$0")/helper.sh"
clnas="$NAS_BUILD_FOLDER/bin/clnas"
[ -x "$NAS_PROGRAM" ] || exit 77
"$clnas" devices >/dev/null 2>&1 || exit 77

cat >small.cfg <<'END'
study = "small";
data = { type = "synthetic"; shape = [1, 8, 8]; classes = 4; train = 192; test = 16; valid = 64; };
space = { type = "cell"; cells = 2; channels = 4; nodes = 2; reductions = [1]; };
strategy = { type = "proxylessnas"; epochs = 2; share = 0.5; alpha = { start = 0; every = 1; }; };
train = { batch = 32; optimizer = "sgd"; lr = 0.05; };
retrain = { top = 0; };
END
run latency --choices small.cfg --repeats 3 --output latency.csv; expect_code 0
expect_err "of each choice at batch 1"
grep -q '^# device: ' latency.csv || fail "no device in the table"
grep -v '^#' latency.csv | sed 1d >lines
[ "$(wc -l <lines)" = 80 ] || fail "not the choices of ten edges"
[ "$(cut -d, -f1,2 lines | sort -u | wc -l)" = 80 ] || fail "a choice stands twice"
awk -F, '$2 == 0 && $3 != 0 || $2 >= 4 && !($3 > 0) { bad = 1 } END { exit bad }' lines ||
    fail "none is not free, or a convolution is"
run latency --choices small.cfg --repeats 2; expect_code 0; expect_out "row,choice,seconds"

search()
{
    last="search $*"
    code=0
    "$clnas" search small.cfg --quiet "$@" >out.txt 2>err.txt </dev/null || code=$?
}
search -s strategy.latency.table=latency.csv -s strategy.latency.weight=0.5; expect_code 0
"$clnas" show small.study:1 | grep -q 'curve expected_latency' || fail "no curve of the latency"
search --new -s strategy.latency.table=latency.csv -s space.nodes=3; expect_code 6
expect_err "latency.csv:3: measured for another space"
search --new -s strategy.latency.table=none.csv; expect_code 1; expect_err "strategy.latency.table"
run latency --choices; expect_code 2; expect_err "usage"
run latency --choices small.cfg --batch 0; expect_code 2
run latency --choices missing.cfg; expect_code 2

# clnas-bench latency: the steps of a space's networks as a table, whole networks predicted by it.
cat >steps.cfg <<'END'
study = "steps";
data = { type = "synthetic"; shape = [1, 8, 8]; classes = 4; train = 192; test = 16; valid = 64; };
space = { type = "chain"; depth = [1, 2]; op = [ "conv", "max_pool" ]; kernel = [ 3 ]; width = [ 4, 8 ]; };
strategy = { type = "random"; };
budget = { trials = 4; };
END
run latency steps.cfg --batch 1,4 --repeats 2 --networks 8 --verify 3 --output steps.csv; expect_code 0
expect_out "chain, batch 1, 3 random networks"; expect_out "chain, batch 4, 3 random networks"
expect_out "100.0 % of the steps in the table"
[ "$(head -1 steps.csv)" = "# clnas latency table 1" ] || fail "no table"
[ "$(grep -c '^1,.*,conv2d out = [48] | 1x8x8 raw' steps.csv)" = 2 ] || fail "not both first layers"
[ "$(grep -c '^1,' steps.csv)" = "$(grep -c '^4,' steps.csv)" ] || fail "not the same steps at both batches"
run latency steps.cfg --table steps.csv --batch 4 --verify 2 --repeats 1 --format json; expect_code 0
expect_out '"networks":[{"arch":'; expect_out '"samples_ms":['
# A table by which every network takes as long: no ranks, which JSON leaves out.
sed 's/^# model: 4, .*/# model: 4, 1e-5, 0, 0, 0/' steps.csv >flat.csv
run latency steps.cfg --table flat.csv --batch 4 --verify 2 --repeats 1 --format json; expect_code 0
expect_out '"median_error":'; grep -q spearman out.txt && fail "ranks of equal numbers"
run latency steps.cfg --table flat.csv --batch 4 --verify 2 --repeats 1; expect_code 0; expect_out "Spearman –"
run latency steps.cfg --table steps.csv --batch 2 --verify 2; expect_code 2; expect_err "not measured at batch 2"
run latency steps.cfg --table latency.csv --verify 2; expect_code 6; expect_err "latency.csv:1:"
run latency steps.cfg --batch 1,,4; expect_code 2; expect_err "usage"
run latency steps.cfg --batch 0; expect_code 2
run latency missing.cfg; expect_code 2
