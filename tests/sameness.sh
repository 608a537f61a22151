#!/bin/bash
# sameness.sh - one config and seed give one list of trials and one set of weights, whatever happens on the way.
#
#   tests/sameness.sh PROGRAM CONFIG [--full] [-s KEY=VALUE]...
#
# A plain run is the reference.  Compared with it, byte for byte (`clnas trials --canonical` and every safetensors file
# that the study keeps): two workers, PoCL with one and two threads, and a run that is killed with SIGKILL - the whole
# process group, at random moments - and resumed each time (3 kills; 20 with --full).  Exit 77: no device.
set -u
program=$(realpath "$1")
config=$(realpath "$2")
kills=3
shift 2
[ "${1:-}" = "--full" ] && { kills=20; shift; }
overrides=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
RANDOM=${SAMENESS_SEED:-$$}
echo "sameness: seed $RANDOM, set SAMENESS_SEED to repeat it"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# fingerprint STUDY: canonical trials and the hash of each model, by name.
fingerprint() {
    "$program" trials "$1" --canonical || fail "trials --canonical of $1"
    (cd "$1.d" && for model in *.safetensors; do echo "$model $(sha256sum <"$model")"; done)
}

# compare NAME: NAME.study against reference.study.
compare() {
    fingerprint "$1.study" >"$1.print"
    if ! cmp -s reference.print "$1.print"; then
        diff reference.print "$1.print" | head -20 >&2
        fail "$1 differs from the reference"
    fi
    echo "ok: $1"
}

search() { # search NAME [options]
    local name=$1
    shift
    "$program" search "$config" "${overrides[@]}" --trials 40 --study "$name.study" "$@" >"$name.out" 2>"$name.err"
}

search reference
code=$?
[ $code = 3 ] && { echo "no device"; exit 77; }
[ $code = 0 ] || { cat reference.err >&2; fail "the reference run ended with $code"; }
fingerprint reference.study >reference.print
[ "$(grep -c safetensors reference.print)" -ge 2 ] || fail "the reference keeps no models"

search twice || fail "second run"
compare twice
search workers --workers 2 || { cat workers.err >&2; fail "two workers"; }
compare workers
for threads in 1 2; do
    POCL_MAX_PTHREAD_COUNT=$threads search "threads$threads" || fail "$threads threads"
    compare "threads$threads"
done

# One run, killed again and again.  The moments are spread over the reference's own running time.
begin=$(date +%s%N)
search timing || fail "timing run"
span_ms=$((($(date +%s%N) - begin) / 1000000))
done=0
resumes=0
while [ $done -lt $kills ]; do
    if [ ! -e killed.study ]; then
        setsid "$program" search "$config" "${overrides[@]}" --trials 40 --study killed.study >killed.out 2>>killed.err &
    else
        setsid "$program" resume killed.study >killed.out 2>>killed.err &
        resumes=$((resumes + 1))
    fi
    process=$!
    delay=$((RANDOM * (span_ms + 1) / 32768 * 9 / 10 + 20))
    sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
    if kill -KILL -- -$process 2>/dev/null; then
        done=$((done + 1))
    else # it was quicker than that: begin a new study, its kills count all the same
        wait $process
        compare killed
        rm -rf killed.study*
        resumes=0
    fi
    wait $process 2>/dev/null
done
[ -e killed.study ] || search killed || fail "killed: begun anew"
"$program" resume killed.study >killed.out 2>>killed.err || { tail -5 killed.err >&2; fail "resume"; }
compare killed
echo "sameness: the same after $done kills ($resumes resumes of the last study)"
