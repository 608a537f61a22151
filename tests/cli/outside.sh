# Trainers outside: ask, tell, enqueue; bad results; many askers at a time; the same trials as the built-in loop.
. "$(dirname "$0")/helper.sh"

cat >small.cfg <<'END'
study = "small"; seed = 3;
data = { type = "synthetic"; valid = 64; };
space = { type = "chain"; depth = [ 1, 2 ]; width = [ 8, 16 ]; };
strategy = { type = "evolution"; population = 3; given = [ "baseline" ]; };
train = { epochs = 4; batch = 32; };
budget = { trials = 5; lookahead = 2; };
retrain = { top = 0; };
END
token_of() { sed 's/.*"token":\([0-9]*\).*/\1/' out.txt; }

# The first asker makes the study; the lookahead lets two trials run at a time.
run ask missing.cfg; expect_code 5; expect_err "missing.cfg"
run ask small.cfg -s strategy.typ=local; expect_code 2; expect_err "did you mean \"type\""
[ ! -e small.study ] || fail "a study of a wrong config"
run ask small.cfg --device A100; expect_code 0
expect_json 'x["next"] == "trial" and x["trial"] == 0 and x["attempt"] == 1 and x["budget"] == 4 and x["parent"] is None'
expect_json '"conv2d" in x["graph"] and 0 <= x["seed"] < 2**31 and x["objectives"] == [{"metric": "valid_accuracy", "goal": "max"}]'
first=$(token_of); cp out.txt asked.json
run ask small.cfg; expect_code 0; expect_json 'x["trial"] == 1'; second=$(token_of)
run ask small.study; expect_code 7; expect_json 'x["next"] == "wait"'; expect_err "--wait"
run ask small.cfg -s seed=4; expect_code 5; expect_err "another config"
run ask small.study -s seed=4; expect_code 2; expect_err "seed=4"
run trials small.study -f json; expect_json 'x["trials"][0]["device"] == "A100"'

# Results that cannot be: nothing of them is written.
run tell small.study:0 valid_accuracy=0.5; expect_code 2; expect_err "--token"
run tell small.study --token 1 valid_accuracy=0.5; expect_code 2; expect_err "which trial"
run tell small.study:99 --token 1 valid_accuracy=0.5; expect_code 2; expect_err "0 … 1"
run tell missing.study:0 --token 1 valid_accuracy=0.5; expect_code 5
run tell small.study:0 --token 77 valid_accuracy=0.5; expect_code 1; expect_err "its token is $first now"
run tell small.study:0 --token "$first" valid_acuracy=0.5; expect_code 2; expect_err "valid_accuracy is missing"
run tell small.study:0 --token "$first" valid_accuracy=91; expect_code 2; expect_err "0 … 1"
run tell small.study:0 --token "$first" valid_accuracy=0.5 parameters=7; expect_code 2; expect_err "parameters is"
run tell small.study:0 --token "$first" valid_accuracy=good; expect_code 2; expect_err "no number"
run tell small.study:0 --token "$first" valid_accuracy=0.5 valid_accuracy=0.6; expect_code 2; expect_err "twice"
run tell small.study:0 --token "$first" '=3'; expect_code 2
run tell small.study:0 --token "$first" 'a~b=3' valid_accuracy=0.5; expect_code 2; expect_err "a~b"
run tell small.study:0 --token "$first" valid_accuracy=0.5 --give-back x; expect_code 2; expect_err "one at a time"
run tell small.study:0 --token "$first" --progress 1.5; expect_code 2; expect_err "0 … 1"
refuse() # JSON MESSAGE
{
    printf '%s' "$1" >told.json
    run tell small.study:0 --token "$first" --json told.json; expect_code 2; expect_err "$2"
}
refuse '' "empty"
refuse '[1]' "JSON object"
refuse '{"metrics": {"valid_accuracy": 0.5}' "told.json:1"
refuse '{"metrics": {"valid_accuracy": 0.5}} {}' "told.json:1"
refuse '{"metrics": {"valid_accuracy": NaN}}' "told.json:1"
refuse '{"metrics": {"valid_accuracy": 1e999}}' "told.json:1"
refuse '{"metrics": {"valid_accuracy": "0.5"}}' "no number"
refuse '{"metrics": {"valid_accuracy": 0.5, "valid_accuracy": 0.6}}' "told.json:1"
refuse '{"metrics": {"valid_accuracy": 0.5}, "measured": {"valid_accuracy": 0.6}}' "twice"
refuse '{"metrics": [0.5]}' "an object"
refuse '{"metric": {"valid_accuracy": 0.5}}' '"metrics"'
refuse '{"valid_accuracy": 0.5}' "none of a result"
refuse '{"metrics": {"valid_accuracy": 0.5}, "trial": 1}' "trial 0 or trial 1"
refuse '{"metrics": {"valid_accuracy": 0.5}, "token": 99}' "or token 99"
refuse '{"metrics": {"valid_accuracy": 0.5}, "trial": 0.5}' "number"
refuse '{"metrics": {"valid_accuracy": 0.5}, "arch": "0-000-0000"}' "not 0-000-0000"
refuse '{"metrics": {"valid_accuracy": 0.5}, "arch": "zebra"}' "zebra"
refuse '{"metrics": {"valid_accuracy": 0.5}, "curves": {"valid_accuracy": [0.1, null]}}' "valid_accuracy[1]"
refuse '{"metrics": {"valid_accuracy": 0.5}, "curves": {"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1],"g":[1],"h":[1],"i":[1]}}' "curves"
refuse '{"metrics": {"valid_accuracy": 0.5}, "seconds": -1}' "seconds"
refuse '{"failed": ""}' "reason"
refuse '{"metrics": {"parameters": 1, "valid_accuracy": 0.5}}' "parameters is"
refuse '{"curves": {}}' "valid_accuracy is missing"
printf '{"a":%s1%s}' "$(printf '[%.0s' $(seq 5000))" "$(printf ']%.0s' $(seq 5000))" >told.json
run tell small.study:0 --token "$first" --json told.json; expect_code 2
head -c 1100000 /dev/zero | tr '\0' ' ' >told.json
run tell small.study:0 --token "$first" --json told.json; expect_code 2; expect_err "1 MiB"
run tell small.study:0 --token "$first" --json absent.json; expect_code 2; expect_err "absent.json"
run trials small.study -f json
expect_json 'all(t["status"] == "running" and t["valid_accuracy"] is None for t in x["trials"])'

# A sign of life; a result with what ask printed still in it; a second result is refused.
run tell small.study:0 --token "$first" --progress 0.5; expect_code 0
sed 's/}$/, "metrics": {"valid_accuracy": 0.75}, "measured": {"latency_ms": 3.5}, "curves": {"valid_accuracy": [0.5, 0.75]}, "seconds": 12}/' \
    asked.json >told.json
run tell small.study --json told.json; expect_code 0
run show small.study:0 -f json
expect_json 'x["valid_accuracy"] == 0.75 and x["curves"] == {"valid_accuracy": [0.5, 0.75]} and x["seconds"] == 12 and x["parameters"] > 0'
run tell small.study --json told.json; expect_code 1; expect_err "its result already (complete)"
run tell small.study:0 --token "$first" --give-back no; expect_code 1

# NaN and bad luck are failed trials; one that is given back goes to the next asker, and the old token is worth nothing.
run tell small.study:1 --token "$second" valid_accuracy=nan; expect_code 0; expect_err "valid_accuracy is nan"
run ask small.study; expect_json 'x["trial"] == 2'; old=$(token_of)
run tell small.study:2 --token "$old" --give-back "the machine is needed"; expect_code 0
run tell small.study:2 --token "$old" valid_accuracy=0.6; expect_code 1; expect_err "given back"
run ask small.study; expect_json 'x["trial"] == 2 and x["attempt"] == 1'
run tell small.study:2 --token "$old" valid_accuracy=0.6; expect_code 1; expect_err "somebody else"
run tell small.study:2 --token 99999 --failed x; expect_code 1

# A lease that runs out, and a process that ends: the trial is handed out again, at most three times.
cp small.cfg lease.cfg
for attempt in 1 2 3; do
    sh -c '"$NAS_PROGRAM" ask lease.cfg -s study=lease --pid $$ >out.txt'
    expect_json "x['trial'] == 0 and x['attempt'] == $attempt"
done
run ask lease.study; expect_code 4; expect_err "lost 3 times"
run ask lease.study --pid 999999999; expect_code 2; expect_err "999999999"
run ask small.cfg -s study=brief --lease 5; expect_code 0; brief=$(token_of)
run ask brief.study --lease 1000; expect_json 'x["trial"] == 1'
run ask brief.study --wait 20; expect_code 0; expect_json 'x["trial"] == 0 and x["attempt"] == 2'
run tell brief.study:0 --token "$brief" valid_accuracy=0.5; expect_code 1; expect_err "somebody else"

# Enqueued: all or none, given ones before them, known ones left out, and evaluated even after the budget's end.
run enqueue small.cfg -s study=queue 0-000-0000 0-000-00; expect_code 2; expect_err "0-000-00"
run trials queue.study -f json; expect_json 'x["trials"] == []'
run enqueue queue.study 0-000-0000 baseline 0-100-0000 -f json; expect_code 0
expect_json '[e["trial"] for e in x["enqueued"]] == [1, 0, 2] and [e["known"] for e in x["enqueued"]] == [False, True, False]'
run enqueue queue.study 0-000-0000 --epochs 9; expect_code 2; expect_err "train.epochs"
run enqueue queue.study 0-000-0000 --epochs 1 -f json; expect_json 'x["enqueued"][0]["trial"] == 3'
for trial in 0 1 2 3 4; do
    run ask queue.study; expect_code 0; expect_json "x['trial'] == $trial"
    run tell queue.study:$trial --token "$(token_of)" valid_accuracy=0.$trial; expect_code 0
done
run ask queue.study; expect_code 0; expect_json 'x["next"] == "done"'
run enqueue queue.study 1-111-1110 -f json; expect_json 'x["enqueued"][0] == {"trial": 5, "known": False, "arch": "1-111-1110"}'
run ask queue.study; expect_json 'x["trial"] == 5 and x["arch"] == "1-111-1110"'

# What the bounds reject is a result without anybody training it.
sed "s/^retrain/bounds = ( { metric = \"parameters\"; min = 1000000; } );\n&/" small.cfg >bound.cfg
run ask bound.cfg -s study=bound; expect_code 0; expect_json 'x["next"] == "done"'
run trials bound.study -f json
expect_json 'len(x["trials"]) == 5 and all(t["status"] in ("failed", "alias") for t in x["trials"])'
expect_json 'x["trials"][0]["reason"].startswith("parameters = ")'

# Latency on a device that only the trainer has: an objective and bounds on it, told under its name, or the result is refused.
sed 's/^strategy = .*/strategy = { type = "nsga2"; population = 4; };/' small.cfg >phone.cfg
cat >>phone.cfg <<'END'
objectives = ( { metric = "valid_accuracy"; }, { metric = "latency_ms"; device = "phone"; goal = "min"; } );
bounds = ( { metric = "latency_ms"; device = "phone"; max = 5; }, { metric = "throughput"; device = "phone"; batch = 8; min = 100; } );
devices = ( { name = "phone"; match = "no device here is called so"; } );
END
tell_phone() # TRIAL METRIC…
{
    trial=$1; shift
    run ask phone.study; expect_json "x['next'] == 'trial' and x['trial'] == $trial"
    run tell "phone.study:$trial" --token "$(token_of)" "$@"; expect_code 0
}
run ask phone.cfg -s study=phone; expect_code 0
expect_json '[o["metric"] for o in x["objectives"]] == ["valid_accuracy", "latency_ms.phone"]'
expect_json 'x["bounds"] == [{"metric": "latency_ms.phone", "max": 5.0}, {"metric": "throughput.phone@8", "min": 100.0}]'
phone=$(token_of); sed 's/}$/, "metrics": {"valid_accuracy": 0.5}}/' out.txt >told.json
run tell phone.study --json told.json; expect_code 2; expect_err "the metric latency_ms.phone is missing, which the search goes by"
run tell phone.study:0 --token "$phone" valid_accuracy=0.5 --measured latency_ms.phone=3; expect_code 2
expect_err "the metric throughput.phone@8 is missing, which has a bound"; expect_err "--measured throughput.phone@8=VALUE"
run tell phone.study:0 --token "$phone" valid_accuracy=0.5 --measured latency_ms.phone=3 --measured throughput.phone@8=300; expect_code 0
tell_phone 1 valid_accuracy=0.9 --measured latency_ms.phone=5.5 --measured throughput.phone@8=200
expect_err "latency_ms.phone = 5.5 is over its bound of 5"
tell_phone 2 valid_accuracy=0.7 --measured latency_ms.phone=4 --measured throughput.phone@8=99
expect_err "throughput.phone@8 = 99 is under its bound of 100"
tell_phone 3 valid_accuracy=0.6 --measured latency_ms.phone=4.5 --measured throughput.phone@8=100
tell_phone 4 --failed "out of memory"
run best phone.study --pareto -f json
expect_json 'sorted((t["trial"], t["valid_accuracy"], t["latency_ms.phone"]) for t in x["trials"]) == [(0, 0.5, 3.0), (3, 0.6, 4.5)]'
run trials phone.study -f json; expect_json '[t["status"] for t in x["trials"]] == ["complete", "failed", "failed", "complete", "failed"]'

# A trial of 0 epochs is told what the strategy ranks by; the better one of the pool is trained then.
sed 's/^strategy = .*/strategy = { type = "warmup"; pool = 2; top = 1; measure = "naswot"; inner = { type = "random"; }; };/' small.cfg >pool.cfg
for value in 3 5; do
    run ask pool.cfg -s study=pool -s budget.lookahead=1; expect_code 0; expect_json 'x["budget"] == 0'; trial=$(sed 's/.*"trial":\([0-9]*\).*/\1/' out.txt)
    best=$(token_of)
    run tell pool.study:$trial --token "$best" --device mine; expect_code 2; expect_err "0 epochs"
    run tell pool.study:$trial --token "$best" naswot=$value; expect_code 0
done
run ask pool.study; expect_code 0; expect_json 'x["budget"] == 4 and x["parent"] == 1'
run tell pool.study:2 --token "$(token_of)" naswot=5; expect_code 2; expect_err "valid_accuracy is missing"

command -v python3 >/dev/null || exit 0

# Eight askers at a time share the trials, each told once; then the list is the one of a single loop.
cat >loop.py <<'END'
"""loop.py PROGRAM STUDY TABLE: asks, looks up, tells, until the search is done."""
import csv, json, subprocess, sys
program, study, table = sys.argv[1:]
rows = {row["arch"]: row for row in csv.DictReader(open(table))}
while True:
    asked = subprocess.run([program, "ask", study, "--wait", "60"], stdout=subprocess.PIPE, check=True)
    trial = json.loads(asked.stdout)
    if trial["next"] == "done":
        break
    row = rows.get(trial["arch"])
    told = {"trial": trial["trial"], "token": trial["token"]}
    if row is None:
        told["failed"] = "not in the table table.csv"
    else:
        budget = "v1" if trial["budget"] < 3 else "v3" if trial["budget"] < 9 else "v9"
        told["metrics"] = {"valid_accuracy": 0.01 * float(row[budget])}
    subprocess.run([program, "tell", study, "--json", "-"], input=json.dumps(told).encode(), check=True)
END
{
    echo "arch,v1,v3,v9"
    for depth in 0 1; do for a in 0 1 2; do for b in 0 1 2; do for k in 0 1; do for l in 0 1; do
        [ $depth = 1 ] || [ $b$l = 00 ] || continue
        v=$((50 + 10 * a + 5 * b * depth + 3 * k - 2 * l))
        echo "$depth-$k$a-$l$b,$((v - 5 * b)),$((v - b)),$v"
    done; done; done; done; done
} >table.csv
cat >table.cfg <<'END'
study = "table"; seed = 3;
data = { type = "synthetic"; valid = 64; };
space = { type = "chain"; depth = [ 1, 2 ]; op = "conv"; kernel = [ 3, 5 ]; width = [ 8, 16, 32 ]; stride = 1; mmacs = 0.0; };
strategy = { type = "evolution"; population = 5; tournament = 2; given = [ "0-00-00" ]; };
evaluate = { type = "table"; path = "table.csv"; metrics = [ "valid_accuracy = v1", "valid_accuracy = v3", "valid_accuracy = v9" ];
             budgets = [ 1, 3, 9 ]; scale = 0.01; };
train = { epochs = 9; };
budget = { trials = 14; lookahead = 3; };
retrain = { top = 0; };
END
for strategy in evolution reinforce asha local; do
    options=''
    [ $strategy != reinforce ] || options='lr = 0.1;'
    [ $strategy = evolution ] && cp table.cfg $strategy.cfg ||
        sed "s/^strategy = .*/strategy = { type = \"$strategy\"; $options given = [ \"0-00-00\" ]; };/" table.cfg >$strategy.cfg
    run enqueue $strategy.cfg -s study=$strategy 0-00-00; expect_code 0
    pids=""
    workers=1; [ $strategy != evolution ] || workers=8
    for i in $(seq $workers); do
        python3 loop.py "$NAS_PROGRAM" $strategy.study table.csv 2>loop$i.err & pids="$pids $!"
    done
    for pid in $pids; do wait $pid || { cat loop*.err >&2; code=$?; fail "a loop failed"; }; done
    run trials $strategy.study --canonical; expect_code 0; cp out.txt $strategy.txt
    grep -q complete $strategy.txt || fail "nothing was found in the table"
    [ "$(wc -l <$strategy.txt)" = 14 ] || fail "not 14 trials"
    have_device || continue
    run search $strategy.cfg -s study=$strategy-in --no-retrain -q; expect_code 0
    run trials $strategy-in.study --canonical
    cmp out.txt $strategy.txt || fail "the loop outside gave other trials than the one inside"
done
