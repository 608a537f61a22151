#!/bin/sh
# bench_peers.sh BENCH - PyTorch, with our weights in layers that it made from our graph's text, has our outputs, for every reference (clnas-bench
# peers fails where it has not), and a peer whose network is another one is found out.  CLNAS_PEER_PYTHON names a Python with torch; exit
# code 77: there is none.
set -eu
program=$1
python=${CLNAS_PEER_PYTHON:-python3}
"$python" -c 'import torch' >/dev/null 2>&1 || exit 77
script=$(dirname "$0")/../tools/peers/network.py
"$program" peers small_cnn,resnet20,mobilenetv2,darts_v2_small,darts_v2,quickstart --python "$python" --batch 4 --infer 1 \
    --repeats 1 --milliseconds 0 --format json >peers.json 2>peers.err || {
    [ $? -ne 3 ] || exit 77
    cat peers.err
    exit 1
}
grep -q '"engine": "PyTorch, default"' peers.json
# Planted: node 3, the first ReLU, is left out.
sed 's/self.layers\[str(i)\] = layer.eval/self.layers[str(i)] = nn.Identity() if i == 3 else layer.eval/' "$script" >planted.py
! cmp -s "$script" planted.py
status=0
"$program" peers small_cnn --python "$python" --script planted.py --batch 4 --infer 1 --repeats 1 --milliseconds 0 \
    >peers.out 2>peers.err || status=$?
[ $status -eq 1 ] || { echo "the planted network: exit code $status"; cat peers.err; exit 1; }
grep -q "another network" peers.err
