# helper.sh - sourced by every script here: a scratch folder, and words to say what is expected.
#
#   run ARGUMENT…      runs the program; $code, out.txt and err.txt hold what came of it; where limit_s is set, a program that takes
#                      longer is ended, and the test fails
#   expect_code N      its exit code
#   expect_out TEXT    stdout contains TEXT (expect_err: stderr); no_out, no_err: it does not
#   expect_json FILTER stdout is JSON for which the python expression FILTER (of x) is true
set -eu
: "${NAS_PROGRAM:?}" "${NAS_BUILD_FOLDER:?}"
scratch="$NAS_BUILD_FOLDER/scratch/$(basename "$0" .sh)-$$"
rm -rf "$scratch"
mkdir -p "$scratch"
cd "$scratch"
trap 'cd /; rm -rf "$scratch"' EXIT
[ -x "$NAS_PROGRAM" ] || exit 77
unset NO_COLOR COLUMNS limit_s about || true

# about: the case, where the command alone does not tell it
fail()
{
    echo "FAILED: ${about:+$about: }clnas $last: $*" >&2
    echo "--- exit code $code, stdout:" >&2
    head -n 40 out.txt >&2
    echo "--- stderr:" >&2
    head -n 40 err.txt >&2
    exit 1
}
run()
{
    last="$*"
    code=0
    ${limit_s:+timeout -k 10 "$limit_s"} "$NAS_PROGRAM" "$@" >out.txt 2>err.txt </dev/null || code=$?
    case ${limit_s:+limited}$code in
    limited124 | limited137) fail "no end after $limit_s s" ;;
    esac
}
expect_code() { [ "$code" = "$1" ] || fail "exit code $code, not $1"; }
expect_out() { grep -qF -- "$1" out.txt || fail "stdout lacks '$1'"; }
expect_err() { grep -qF -- "$1" err.txt || fail "stderr lacks '$1'"; }
no_err() { ! grep -qF -- "$1" err.txt || fail "stderr has '$1'"; }
no_out() { ! grep -qF -- "$1" out.txt || fail "stdout has '$1'"; }
expect_json()
{
    command -v python3 >/dev/null || return 0
    python3 -c '
import json, sys
x = json.load(open("out.txt"))
assert eval(sys.argv[1]), sys.argv[1]' "$1" || fail "not the JSON that was expected: $1"
}
# Every line is a JSON object with these keys, each line of the CSV has as many fields as its head.
expect_jsonl()
{
    command -v python3 >/dev/null || return 0
    python3 -c '
import json, sys
for line in open("out.txt"):
    x = json.loads(line)
    for key in sys.argv[1:]:
        assert key in x, key' "$@" || fail "not the JSON lines that were expected"
}
expect_csv()
{
    command -v python3 >/dev/null || return 0
    python3 -c '
import csv, sys
rows = list(csv.reader(open("out.txt")))
for key in sys.argv[1:]:
    assert key in rows[0], key
assert all(len(row) == len(rows[0]) for row in rows)' "$@" || fail "not the CSV that was expected"
}
have_device() { "$NAS_PROGRAM" devices >/dev/null 2>&1; }

# A search that takes seconds and needs no data files.
write_small_config()
{
    cat >small.cfg <<'END'
study = "small"; seed = 3;
data = { type = "synthetic"; valid = 64; };
space = { type = "chain"; depth = [ 1, 2 ]; width = [ 8, 16 ]; };
strategy = { type = "random"; };
train = { epochs = 1; batch = 32; };
budget = { trials = 4; lookahead = 2; };
devices = ( { name = "cpu"; match = "any"; } );
retrain = { top = 1; epochs = 1; };
END
}
