#!/bin/sh
# bench_net.sh BENCH CLNAS CONFIG - `clnas-bench net` trains and runs references, a graph's text, model files and a trial of a study; `peers` without a peer has
# our own rows; every subcommand speaks every format.  No figure is judged, but all are there and above 0.  Exit code 77: there is no device.
set -eu
program=$1
clnas=$2
quick="--repeats 2 --milliseconds 0"
"$clnas" devices >/dev/null 2>&1 || exit 77
fail() { echo "$*"; cat net.err; exit 1; }
bench() { "$program" "$@" >net.out 2>net.err || fail "$*: exit code $?"; }
refused() { want=$1; shift; status=0; "$program" "$@" >net.out 2>net.err || status=$?
            [ $status -eq "$want" ] || fail "$*: exit code $status, not $want"; }

bench net small_cnn --batch 32 --infer 1,32 --profile $quick --format csv
head -n 1 net.out | grep -q '^work,batch,median,lowest,highest,unit,samples,images/s,planned MB' || fail "head"
for row in train,32 infer,1 infer,32 "kernel conv2d_forward,32"; do
    grep -q "^$row,[0-9.e-]*[1-9]" net.out || fail "no row $row"
done
# Twice as many samples in a batch are not twice the rows, and images per second are batch / median.
awk -F, 'NR > 1 && $1 !~ /kernel/ { d = $8 - 1000 * $2 / $3; if (d * d > 1e-6 * $8 * $8) { print; bad = 1 } }
         END { exit bad }' net.out || fail "images per second"

printf 'input 1x6x6\n1 conv2d(0) out = 4\n2 pool(1) kind = "global_average"\n3 dense(2) out = 3\n' >graph.txt
bench net graph.txt --batch 4 --infer none $quick --format json
grep -q '"network": "graph.txt"' net.out || fail "the graph's file"
grep -q '"profile": "events add up to' net.out || fail "no cross-check"
refused 2 net graph.txt --infer 1,x
refused 2 net graph.txt:3 --infer none
refused 2 net nothing
grep -q "small_cnn, resnet20" net.err || fail "names"

rm -rf bench.study*
"$clnas" search "$3" --trials 2 -s study=bench -s retrain.top=0 >search.out 2>&1 || { cat search.out; exit 1; }
for network in bench.study bench.study:1; do
    bench net $network --batch 0 --infer 2 $quick --format jsonl
    [ "$(grep -c '"work":"infer"' net.out)" = 1 ] || fail "$network"
done
refused 2 net bench.study:7 --infer 1
"$clnas" train bench.study:1 --epochs 1 -q -o bench.safetensors >train.out 2>&1 || { cat train.out; exit 1; }
CLNAS_PEER_PYTHON=/nowhere/python "$clnas" export bench.safetensors --to onnx -o bench.onnx >train.out 2>&1 || { cat train.out; exit 1; }
for network in bench.safetensors bench.onnx; do
    bench net $network --batch 4 --infer 2 $quick --format jsonl
    [ "$(grep -c '"work":"infer"' net.out)" = 1 ] || fail "$network"
done
rm -rf bench.study*

bench peers small_cnn --python /nowhere --batch 8 --infer 2 --repeats 1 --milliseconds 0 --format md
grep -q '^| small_cnn | train, batch 8 | clnas |' net.out || fail "peers alone"
grep -q "clnas stands alone" net.err || fail "nobody says that the peer is missing"
refused 2 peers small_cnn,nothing --python /nowhere --batch 0 --infer 1 --repeats 1 --milliseconds 0
bench cores --repeats 1 --format csv
refused 2 search --format xml
refused 2 nonsense
