#!/bin/sh
# bench_ops.sh BENCH CLNAS - `clnas-bench ops` has rows for every operator that `clnas describe` knows, forward and backward, and for every
# optimizer; the list of shapes and CLBlast stand beside them.  No figure is judged, but all are there and above 0.  Exit code 77: there is
# no device.
set -eu
program=$1
"$2" describe --format csv >kinds.csv
quick="--repeats 1 --milliseconds 0"
"$program" ops --cases $quick --format csv >ops.csv 2>ops.err || {
    [ $? -ne 3 ] || exit 77
    cat ops.err
    exit 1
}
head -n 1 ops.csv | grep -qx 'group,shape,pass,bound,median,lowest,highest,unit,samples,GFLOP/s,GB/s,share' ||
    { echo "head: $(head -n 1 ops.csv)"; exit 1; }
for name in $(sed -n 's/^op,\([^,]*\),.*/\1/p' kinds.csv); do
    for pass in forward 'backward\|weight gradient'; do
        grep -q "^other,\"$name[ ,].*,\($pass\)," ops.csv || { echo "$name: no $pass"; exit 1; }
    done
done
[ "$(grep -c '^op,' kinds.csv)" -gt 10 ] || { echo "describe lists no operators"; exit 1; }
for name in $(sed -n 's/^optimizer,\([^,]*\),.*/\1/p' kinds.csv); do
    grep -q "^optimizer step,\"$name, .*,update," ops.csv || { echo "$name: no update"; exit 1; }
done
# Every row has a time and a share above 0.
awk -F, 'NR > 1 && !($NF > 0) { print "row: " $0; bad = 1 } END { exit bad }' ops.csv

"$program" ops $quick --only "kernel = 1, 32x16x16" --format json >ops.json
[ "$(grep -c '"x CLBlast": [1-9.]' ops.json)" = 3 ] || { echo "not three passes beside CLBlast"; exit 1; }
grep -q '"fma peak": ".*GFLOP/s' ops.json
grep -q '"1x1 and dense": "3 rows' ops.json
for wrong in "--repeats 0" "--format xml" "--clock sun" "--only"; do
    status=0
    "$program" ops $wrong 2>ops.err || status=$?
    [ $status -eq 2 ] || { echo "$wrong: exit code $status"; exit 1; }
done
grep -q "^usage: clnas-bench ops" ops.err
