# Ctrl-C: 130 or 143, resumable, and the same trials in the end as without it.
. "$(dirname "$0")/helper.sh"
write_small_config
sed -i 's/trials = 4/trials = 12/; s/epochs = 1; batch/epochs = 3; batch/' small.cfg
have_device || exit 77

interrupt() # SIGNAL STUDY: starts a search in a process of its own and ends it after its second trial
{
    last="search, then SIG$1"
    : >err.txt
    "$NAS_PROGRAM" search small.cfg --study "$2" --no-retrain >out.txt 2>>err.txt </dev/null &
    process=$!
    tries=0
    while ! grep -q "trials 2/" err.txt && [ $tries -lt 600 ] && kill -0 $process 2>/dev/null; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s "$1" $process 2>/dev/null || true
    code=0
    wait $process || code=$?
}

interrupt TERM term.study
if [ $code != 0 ]; then # 0: it was done before the signal came
    expect_code 143; expect_err "resume"
    run resume term.study --no-retrain; expect_code 0
fi
run search small.cfg --study whole.study --no-retrain; expect_code 0
"$NAS_PROGRAM" trials term.study --canonical >a.txt
"$NAS_PROGRAM" trials whole.study --canonical >b.txt
cmp a.txt b.txt || fail "an interrupted search ended with other trials"

# A kill that nobody can handle.
interrupt KILL killed.study
run resume killed.study --no-retrain; expect_code 0
"$NAS_PROGRAM" trials killed.study --canonical >a.txt
cmp a.txt b.txt || fail "a killed search ended with other trials"

# All of it stopped for longer than a lease and than five seconds (host/session/supervisor.c), as ^Z does: no worker is taken for one that hangs.
last="search, stopped and continued"
: >err.txt
setsid "$NAS_PROGRAM" search small.cfg --study paused.study --no-retrain -s budget.lease_s=2 >out.txt 2>>err.txt </dev/null &
process=$!
while ! grep -q "trials 1/" err.txt && kill -0 $process 2>/dev/null; do
    sleep 0.1
done
if kill -s STOP -- -$process 2>/dev/null; then
    sleep 6
    kill -s CONT -- -$process
fi
code=0
wait $process || code=$?
expect_code 0; no_err "stopped making steps"
"$NAS_PROGRAM" trials paused.study --canonical >a.txt
cmp a.txt b.txt || fail "a search that was stopped for a while ended with other trials"

# A driver whose compiler puts handlers of its own in the place of a worker's: PoCL's does when it builds the first kernel.  The
# order to claim nothing new must still arrive.
mkdir kernels
last="a search of 0.05 minutes, all kernels built anew"
POCL_CACHE_DIR=$PWD/kernels CLNAS_KERNEL_CACHE=never "$NAS_PROGRAM" search small.cfg --study built.study --no-retrain -f json \
    -s budget.minutes=0.05 -s budget.trials=400 -s train.epochs=20 >out.txt 2>err.txt || fail "exit code $?"
expect_json '"minutes" in x["ended_by"] and x["trials"] < 400'

# SIGINT is ignored in background jobs of sh, so it needs a process group that handles it: python's, where there is one.
command -v python3 >/dev/null || exit 0
cat >interrupt.py <<'END'
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
err = open("err.txt", "w")
process = subprocess.Popen([os.environ["NAS_PROGRAM"], "search", "small.cfg", "--study", "int.study", "--no-retrain"],
                           stdout=open("out.txt", "w"), stderr=err, stdin=subprocess.DEVNULL)
for _ in range(600):
    if process.poll() is not None or "trials 1/" in open("err.txt").read():
        break
    time.sleep(0.1)
for _ in range(int(sys.argv[1])):
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
sys.exit(process.wait() % 256)
END
last="search, then SIGINT"
code=0; python3 interrupt.py 1 || code=$?
[ $code = 0 ] || expect_code 130
last="search, then SIGINT twice"
rm -rf int.study*
code=0; python3 interrupt.py 2 || code=$?
[ $code = 0 ] || expect_code 130
[ ! -f int.study ] || { run trials int.study; expect_code 0; }
