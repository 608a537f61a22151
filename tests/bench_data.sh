#!/bin/sh
# bench_data.sh BENCH CLNAS - `clnas-bench data` trains on resident, streamed and no samples, whose ratios to resident ones are those of the samples, and
# times the loading alone.  No figure is judged, but all are there and above 0.  Exit code 77: there is no device.
set -eu
program=$1
"$2" devices >/dev/null 2>&1 || exit 77
fail() { echo "$*"; cat data.out data.err; exit 1; }
bench() { "$program" data "$@" >data.out 2>data.err || fail "$*: exit code $?"; }

printf 'input 3x8x8\n1 conv2d(0) out = 4\n2 pool(1) kind = "global_average"\n3 dense(2) out = 5\n' >data_graph.txt
bench small_cnn,data_graph.txt --batch 24 --samples 100 --repeats 3 --milliseconds 0 --format csv
awk -F, '
    NR == 1 { if ($0 !~ /^network,work,samples are,median,lowest,highest,unit,samples,images\/s,x resident,x processor,host us,share of a step$/) { print "head: " $0; exit 1 }; next }
    { gsub(/"/, ""); n = split($0, f, ","); row = f[1] f[2] f[4]; rows[row] = f[5]   # "train, batch 24" has a comma of its own
      if (!(f[5] > 0 && f[6] > 0 && f[6] <= f[5] && f[7] >= f[5] && f[9] == 3)) { print "row: " $0; bad = 1 }
      d = f[10] - 24000 / f[5]; if (d * d > 1e-6 * f[10] * f[10]) { print "images per second: " $0; bad = 1 }
      if (f[2] == "train" && f[4] == "resident" && f[11] != 1) { print "not its own ratio: " $0; bad = 1 }
      if (f[2] == "train" && !(f[11] > 0 && f[12] > 0 && f[13] > 0)) { print "ratios: " $0; bad = 1 }
      if (f[2] == "load" && !(f[14] > 0)) { print "share: " $0; bad = 1 } }
    END {
        split("small_cnn data_graph.txt", networks, " ")
        split("trainresident trainstreamed trainnone loadresident loadstreamed", wanted, " ")
        for (i in networks) for (k in wanted) if (!rows[networks[i] wanted[k]]) { print "no " networks[i] " " wanted[k]; bad = 1 }
        exit bad
    }' data.out || fail "a row"
# By hand from the samples: the ratio is the median of the turns' ratios.
if command -v python3 >/dev/null; then
    bench data_graph.txt --batch 16 --samples 48 --repeats 5 --milliseconds 0 --format json
    python3 - <<'CODE' || fail "another ratio"
import json, statistics
rows = {(r["work"].split(",")[0], r["samples are"]): r for r in json.load(open("data.out"))["rows"]}
base = rows["train", "resident"]["samples"]
for place in ("streamed", "none"):
    row = rows["train", place]
    ratio = statistics.median(a / b for a, b in zip(row["samples"], base))
    told = row["x resident"]
    assert len(base) == 5 and abs(told - ratio) < 1e-6 * ratio, (told, ratio)
CODE
fi
for wrong in "--batch 0" "--samples x" "--format xml" "nothing" "small_cnn --batch 64 --samples 10"; do
    status=0
    # shellcheck disable=SC2086 # words
    "$program" data $wrong --repeats 1 --milliseconds 0 >data.out 2>data.err || status=$?
    [ $status -eq 2 ] || fail "$wrong: exit code $status"
done
grep -q "train.batch" data.err || fail "a batch of more than there is"
