#!/bin/sh
# examples.sh FOLDER SOURCES: the examples in FOLDER do what they say, and each of their SOURCES has at most 60 lines.
#
# The packages' test runs this as well, on the examples that it has built against what it installed.
set -eu
folder=$1
sources=$2

fail() {
    echo "$*" >&2
    exit 1
}

for source in "$sources"/*.c; do
    lines=$(wc -l <"$source")
    [ "$lines" -le 60 ] || fail "$source has $lines lines, more than 60"
    [ -x "$folder/$(basename "$source" .c)" ] || fail "$source was not built"
done

# Loss falls from epoch to epoch, and four classes are told far better than by guessing.
"$folder/train_graph" >train.txt || { [ $? -eq 3 ] && exit 77; fail "train_graph failed"; }
cat train.txt
awk '/^epoch/ { loss = $6; if (n++ && loss >= last) { print "the loss does not fall"; exit 1 } last = loss }
     /it knows/ { known = $7 } END { if (n != 4 || known < 60) { print "it has not learned"; exit 1 } }' train.txt
if "$folder/train_graph" '{ data = { type = "synthetc"; }; }' 2>error.txt; then fail "train_graph takes a wrong data set"; fi
grep -q 'did you mean "synthetic"' error.txt || fail "train_graph does not say what is wrong: $(cat error.txt)"

# 40 trials, a best that never gets worse; called again there is nothing left to do.
rm -rf guess.study*
"$folder/own_evaluator" guess.study >search.txt || fail "own_evaluator failed"
tail -n 2 search.txt
awk '/^trial/ { if (n++ && $6 < best) { print "the best got worse"; exit 1 } best = $6 }
     /^the best is/ { said = $6 } END { if (said != best || n < 30) { print "not the best"; exit 1 } }' search.txt
"$folder/own_evaluator" guess.study >again.txt || fail "own_evaluator does not go on"
[ "$(cat again.txt)" = "$(tail -n 1 search.txt)" ] || fail "called again it says otherwise: $(cat again.txt)"

# A name, a rate, three batches.
"$folder/bench_device" >bench.txt || fail "bench_device failed"
cat bench.txt
grep -Eq '^copies: [0-9.]+ GB/s$' bench.txt || fail "no rate of copies"
[ "$(grep -Ec '^batch +[0-9]+: [0-9.]+ ms, [0-9]+ images/s$' bench.txt)" -eq 3 ] || fail "not three batches"
if "$folder/bench_device" no-such-device 2>error.txt; then fail "bench_device takes any name"; fi
grep -q 'no-such-device' error.txt || fail "bench_device does not say what it lacks"
