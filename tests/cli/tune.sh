# clnas-tune from outside: a table in seconds, candidates that fail are out, a device takes its table up, a study that may differ keeps its own.
. "$(dirname "$0")/helper.sh"
tune=$(dirname "$NAS_PROGRAM")/clnas-tune
[ -x "$tune" ] || exit 77
have_device || exit 77
export CLNAS_TUNING="$scratch/tuning"
unset CLNAS_LANES || true
tune()
{
    last="(tune) $*"
    code=0
    "$tune" "$@" >out.txt 2>err.txt </dev/null || code=$?
}
the_table() { ls "$CLNAS_TUNING"/*.tuning; }

# One convolution, narrow: few candidates.
cat >net.txt <<'END'
input 3x8x8
1 conv2d(0) out = 8
2 pool(1) kind = "global_average"
3 dense(2) out = 10
END
tune --nonsense; expect_code 2; expect_err "usage"
tune no_such_network; expect_code 2; expect_err "no_such_network"
tune --compare; expect_code 2; expect_err "run clnas-tune first"
run devices -f json; expect_json 'all(d["tuned"] == "no" for d in x["devices"] if d["usable"])'

# Each kind of failure disqualifies one candidate; the rest goes on, in another process where it must.
for fault in crash:1 wrong:1 build:1; do
    rm -rf "$scratch/tuning"
    CLNAS_TUNE_FAULT=$fault tune net.txt --seconds 5 --all --format json
    expect_code 0
    expect_json 'len([r for r in x["rows"] if not r["outcome"] in ("kept", "measured")]) == 1'
    head -n 1 "$(the_table)" | grep -qx "clnas-tuning 1" || fail "no table"
    [ ! -e "$(the_table).journal" ] || fail "the journal is left over"
done
rm -rf "$scratch/tuning"
CLNAS_TUNE_FAULT=hang:1 tune net.txt --seconds 8 --hang 4 --format json
expect_code 0; expect_json 'any("did not end within 4 s" in r["outcome"] for r in x["rows"])'

# A run that was killed leaves its journal; what it was at is out next time.
table=$(the_table)
cp "$table" saved
printf 'begin exact 0 0.000000 "conv2d 3x3 s1 d1 forward narrow" lanes=16 kt=4 pt=1\n' >"$table.journal"
tune net.txt --seconds 4 --format json
expect_code 0; expect_json 'any("an earlier run ended" in r["outcome"] for r in x["rows"])'

# Devices say so; another driver's table is stale.
run devices -f json; expect_json 'any("row" in d["tuned"] for d in x["devices"] if d["usable"])'
sed 's/^driver .*/driver other/' saved >"$table"
run devices -f json; expect_json 'any(d["tuned"] == "stale" for d in x["devices"] if d["usable"])'
echo nonsense >"$table"
run devices -f json; expect_json 'any(d["tuned"] == "broken" for d in x["devices"] if d["usable"])'

# A search gives the same on a tuned device, and sums in another order only where the config allows it; then the study keeps its table.
command -v python3 >/dev/null || exit 0
grep -v -e '^row' -e '^end' saved >head.txt
write_small_config
make_table() { { cat head.txt; printf '%s\n' "$1" "end 1"; } >"$table"; }
search()
{
    last="search $*"
    "$NAS_PROGRAM" search small.cfg -s "study=$1" -s 'space.op=["conv"]' -s 'space.kernel=[3]' -s 'space.stride=[1]' -s "$2" -s "$3" -s retrain.top=0 \
        >out.txt 2>err.txt </dev/null || fail "no search"
}
trials()
{
    last="trials $1"
    "$NAS_PROGRAM" trials "$1.study" --format csv >out.txt 2>err.txt || fail "no trials"
    python3 -c '
import csv
for row in csv.DictReader(open("out.txt")):
    print(row["trial"], row["valid_loss"], row["valid_accuracy"])' >"$1.txt" || fail "no figures"
}
rm -f "$table"
search plain exact=true budget.trials=4; trials plain
grep -q '^3 [0-9]' plain.txt || fail "no figures to compare"
make_table 'row exact 1.5 "conv2d 3x3 s1 d1 forward narrow" lanes=16 kt=2 pt=4'
search tuned exact=true budget.trials=4; trials tuned
cmp plain.txt tuned.txt || fail "a tuned device gave other results"
make_table 'row inexact 1.5 "conv2d 3x3 s1 d1 forward narrow" way=3'
search careful exact=true budget.trials=4; trials careful
cmp plain.txt careful.txt || fail "an inexact row counted with exact = true"
search loose exact=false budget.trials=4; trials loose
! cmp -s plain.txt loose.txt || fail "an inexact row did not count with exact = false"
search begun exact=false budget.trials=2
rm "$table"
run resume begun.study --trials 4 --no-retrain; expect_code 0
trials begun
cmp loose.txt begun.txt || fail "the study did not resume on its own table"
