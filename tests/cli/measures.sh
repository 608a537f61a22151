# Objectives and bounds on a device: what is over a bound is not trained, a network is measured once, a table predicts, errors have their line.
. "$(dirname "$0")/helper.sh"
"$NAS_PROGRAM" devices >/dev/null 2>&1 || exit 77

config() # OBJECTIVES BOUNDS
{
    cat >small.cfg <<END
study = "small";
data = { type = "synthetic"; shape = [1, 8, 8]; classes = 4; train = 192; test = 16; valid = 64; };
space = { type = "chain"; depth = [1, 2]; op = [ "conv" ]; kernel = [ 3 ]; width = [ 4, 8 ]; };
strategy = { type = "nsga2"; population = 4; };
train = { epochs = 2; batch = 32; optimizer = "sgd"; lr = 0.05; };
budget = { trials = 4; order = "index"; };
objectives = ( { metric = "valid_accuracy"; } $1 );
bounds = ( $2 );
devices = ( { name = "home"; match = "type:cpu"; }, { name = "twin"; match = "type:cpu"; } );
retrain = { top = 0; };
END
}

# A bound that nothing meets: every trial fails before it is trained.
config '' '{ metric = "latency_ms"; device = "home"; max = 1e-9; }'
run search small.cfg --quiet; expect_code 0
run trials small.study -f csv; expect_code 0
[ "$(grep -c ',failed,' out.txt)" = 4 ] || fail "not all failed"
run show small.study:2 -f json; expect_out "latency_ms.home = "; expect_out "is over its bound of 1e-09"
no_out train_loss; no_out train_seconds

# Two devices, each measured from both workers; throughput is the other side of the latency; the front has all of it.
config ', { metric = "latency_ms"; device = "home"; goal = "min"; }, { metric = "latency_ms"; device = "twin"; batch = 16; goal = "min"; }' \
    '{ metric = "throughput"; device = "twin"; batch = 16; min = 1; }, { metric = "memory"; device = "twin"; max = 1e9; }'
run search small.cfg --quiet --new; expect_code 0
study=small-2.study
run trials "$study" -f json; expect_code 0
expect_json 'len(x["trials"]) == 4 if "trials" in x else len(x) == 4'
run best "$study" --pareto; expect_out "latency_ms.home"; expect_out "latency_ms.twin@16"
run show "$study:0" -f json
expect_json 'abs(x["latency_ms.twin@16"] * x["throughput.twin@16"] - 16000) < 1e-6 * 16000 and x["memory.twin@1"] > 0'
run best "$study" --pareto --device home; expect_code 0
run best "$study" --pareto --device hom; expect_code 2; expect_err 'did you mean "home"'

# The same architecture at another budget takes the value from the log, to the last bit.
run show "$study:0" -f json
python3 - <<'END' >first.txt
import json
x = json.load(open("out.txt"))
print(x["arch"], repr(x["latency_ms.home"]))
END
"$NAS_PROGRAM" enqueue "$study" "$(cut -d' ' -f1 first.txt)" --epochs 1 >/dev/null
run resume "$study" --quiet -s budget.trials=5; expect_code 0
run show "$study:4" -f json
python3 - <<'END' >again.txt
import json
x = json.load(open("out.txt"))
print(x["arch"], repr(x["latency_ms.home"]))
END
cmp first.txt again.txt || fail "measured again"

# A table predicts without a device of its own: 1 + 2·steps + 3·Σ warm seconds.
cat >steps.csv <<'END'
# clnas latency table 1
# model: batch, fixed_s, step_s, warm, cold
# model: 1, 1, 2, 3, 0
batch,warm_s,cold_s,macs,bytes,step
1,10,1,1,1,conv2d out = 4 | 1x8x8 raw | batch_norm
1,10,1,1,1,pool kind = "global_average" | 4x8x8 relu
1,10,1,1,1,dense out = 4 | 4x1x1 raw
END
config ', { metric = "latency_ms"; source = "predicted"; table = "steps.csv"; goal = "min"; }' ''
run search small.cfg --quiet --new; expect_code 0
run trials small-3.study -f csv; expect_out "latency_ms"
python3 - <<'END' || fail "not the sum of the rows"
import csv
rows = list(csv.DictReader(open("out.txt")))
# Every network has a first convolution, its norm, n − 1 further ones, a pooling and a dense layer, each of 10 seconds or (all rows of an operator
# being alike) fitted to 10 seconds: (n + 2) steps of 2 + 3 · 10, and 1.
for row in rows:
    steps = (float(row["latency_ms"]) / 1000 - 1) / 32
    assert abs(steps - round(steps)) < 1e-6 and round(steps) in (3, 4), row
END

# A study has one table: another one under its name, or none, is refused before anything is trained; a search that is over needs none.
cp steps.csv kept.csv
sed 's/^1,10,1,1,1,dense/1,11,1,1,1,dense/' kept.csv >steps.csv
run resume small-3.study --quiet; expect_code 0
for table in changed missing; do
    run resume small-3.study --quiet -s budget.trials=6; expect_code 6
    expect_err "steps.csv: "; expect_err "clnas"
    rm -f steps.csv
done
run trials small-3.study -f json; expect_json 'len(x["trials"]) == 4'
sed 's/^1,10,1,1,1,dense/1,11,1,1,1,dense/' kept.csv >steps.csv
run resume small-3.study --quiet; expect_code 6; expect_err "steps.csv: not the table of latency that small-3.study began with"
expect_err "--new"
cp kept.csv steps.csv
run resume small-3.study --quiet; expect_code 0
run trials small-3.study -f json; expect_json 'len(x["trials"]) == 6'
run check small.cfg; expect_code 0
run check small.cfg -s objectives.1.table=none.csv; expect_code 6; expect_err "none.csv: "; expect_err "clnas-bench latency"
sed 's/^1,10,1,1,1,dense/1,ten,1,1,1,dense/' steps.csv >bad.csv
sed 's/steps.csv/bad.csv/' small.cfg >bad.cfg
run search bad.cfg --quiet --study bad.study; expect_code 6; expect_err "bad.csv:7:"

# One-shot strategies: epochs have no latency, candidates have and are held against a bound (ten seconds a step, whatever it is).
one_shot() # STRATEGY OBJECTIVES BOUNDS OPTIONS
{
    cat >one.cfg <<END
study = "one"; seed = 3;
data = { type = "synthetic"; shape = [1, 8, 8]; classes = 4; train = 192; test = 16; valid = 64; };
space = { type = "cell"; cells = 2; channels = 4; nodes = 2; reductions = [1]; };
strategy = { type = "$1"; epochs = 1; $4 };
train = { batch = 32; optimizer = "sgd"; lr = 0.05; };
devices = ( { name = "home"; match = "type:cpu"; } );
objectives = ( $2 );
bounds = ( $3 );
retrain = { top = 0; };
END
}
{
    printf '# clnas latency table 1\n# model: batch, fixed_s, step_s, warm, cold\n# model: 1, 0, 0, 1, 0\n'
    echo batch,warm_s,cold_s,macs,bytes,step
    "$NAS_PROGRAM" describe -f csv | sed -n 's/^op,\([a-z0-9_]*\),.*/1,10,1,0,0,\1 any/p'
} >ten.csv
one_shot spos '{ metric = "valid_accuracy"; }' '{ metric = "latency_ms"; source = "predicted"; table = "ten.csv"; max = 305e3; }' 'candidates = 12;'
run search one.cfg --quiet; expect_code 0
run trials one.study -f json
expect_json 'x["trials"][0]["status"] == "complete" and x["trials"][0]["latency_ms"] is None and len(x["trials"]) == 13'
expect_json 'all(t["latency_ms"] % 10000 == 0 for t in x["trials"][1:])'
expect_json 'all(("over its bound of 305000" in (t["reason"] or "")) == (t["latency_ms"] > 305e3) for t in x["trials"][1:])'
expect_json 'len({t["status"] for t in x["trials"][1:] if t["latency_ms"] > 305e3}) == 1 and any(t["status"] == "complete" for t in x["trials"][1:])'
run best one.study -f json; expect_json 'x["trials"][0]["trial"] >= 1 and x["trials"][0]["latency_ms"] <= 305e3'
for strategy in darts snas gdas pcdarts proxylessnas; do
    one_shot $strategy '{ metric = "valid_accuracy"; }' '{ metric = "parameters"; max = 1e6; }, { metric = "latency_ms"; device = "home"; max = 5; }' ''
    run check one.cfg; expect_code 2; expect_err "one.cfg:8: the trials of $strategy are epochs"; expect_err "spos"
    one_shot $strategy '{ metric = "throughput"; }' '' ''
    run search one.cfg --new; expect_code 2; expect_err "one.cfg:7: the trials of $strategy are epochs"
    one_shot $strategy '{ metric = "valid_accuracy"; }' '{ metric = "parameters"; max = 1e6; }, { metric = "memory"; max = 1e9; }' ''
    run check one.cfg; expect_code 0
done
one_shot fairnas '{ metric = "valid_accuracy"; }, { metric = "latency_ms"; goal = "min"; }' '' ''
run check one.cfg; expect_code 2; expect_err "one.cfg:4: fairnas works with 1 objective, not 2"; expect_err "bounds"

# A device that is measured on and is away, optional or not: nothing is begun, nothing left behind.
config '' '{ metric = "latency_ms"; device = "pi"; max = 1e9; }'
pi='{ name = "pi"; match = "no device here is called so"; optional = true; }'
sed -i "s/^devices.*/devices = ( { name = \"home\"; match = \"type:cpu\"; }, $pi );/; s/^study.*/study = \"away\";/" small.cfg
away() # COMMAND…
{
    run "$@"; expect_code 3
    expect_err 'latency_ms.pi cannot be measured: device "pi": '; expect_err "predicted"
}
away search small.cfg --quiet
away search small.cfg --quiet -s devices.1.optional=false
run search small.cfg --quiet --device type:cpu; expect_code 2; expect_err 'no entry of devices has the name "pi"'
[ ! -e away.study ] && [ ! -e away.study.d ] || fail "something was begun"
run search small.cfg --quiet -s devices.1.match=type:cpu; expect_code 0
away resume away.study --quiet -s budget.trials=5 -s 'devices.1.match="no device here is called so"'
run resume away.study --quiet -s devices.1.match=type:cpu; expect_code 0
run trials away.study -f json; expect_json 'len(x["trials"]) == 5 and all(t["latency_ms.pi"] > 0 for t in x["trials"])'

# What cannot be asked.
config ', { metric = "latency_ms"; device = "hoem"; goal = "min"; }' ''
run check small.cfg; expect_code 2; expect_err "small.cfg:7: "; expect_err 'did you mean "home"'
config ', { metric = "latency_ms"; source = "predicted"; goal = "min"; }' ''
run check small.cfg; expect_code 2; expect_err "small.cfg:7: "; expect_err "needs table"
config ', { metric = "parameters"; device = "home"; goal = "min"; }' ''
run check small.cfg; expect_code 2; expect_err "small.cfg:7: "; expect_err "of no device"
config ', { metric = "latency_ms"; goal = "min"; }' '{ metric = "latency_ms"; source = "predicted"; table = "steps.csv"; max = 1; }'
run check small.cfg; expect_code 2; expect_err "small.cfg:8: "; expect_err "another source"
