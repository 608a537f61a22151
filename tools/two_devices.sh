#!/bin/sh
# two_devices.sh - two devices of unlike speed in one search, 10 : 1, and the fast one alone.
#
#     tools/two_devices.sh BUILD [TRIALS] [ROUNDS]            (build/test; 300 trials, 3 rounds)
#
# PoCL with one thread stands in a vendors' folder under two names; the shim (tests/shim/shim.h) makes the second one ten
# times slower by sleeping, so that each has a core of its own.  Prints how busy each is and what both get done beside
# the fast one alone, round by round and in the median.  A first run, which builds the kernels, does not count.
set -eu
build=$(cd "$1" && pwd)
trials=${2:-300}
rounds=${3:-3}
source=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/vendors"
cp /etc/OpenCL/vendors/pocl.icd "$scratch/vendors/fast.icd"
cp /etc/OpenCL/vendors/pocl.icd "$scratch/vendors/slow.icd"
export OCL_ICD_VENDORS="$scratch/vendors" POCL_MAX_PTHREAD_COUNT=1
export OPENCL_LAYERS="$build/tests/libnas_shim.so" NAS_SHIM_ONLY=driver=slow.icd NAS_SHIM_DEVICE="name=slow one;slow=10"
cd "$scratch"

# search NAME DEVICES
search() {
    "$build/bin/clnas" search "$source/configs/synthetic.cfg" -q --study "$1.study" --no-retrain -f json \
        -s 'space={ type = "chain"; depth = [2, 3]; width = [8, 16]; kernel = [3, 5]; op = ["conv", "max_pool", "avg_pool"]; }' \
        -s strategy='{ type = "random"; }' -s data.train=2048 -s train.epochs=3 -s train.batch=32 \
        -s budget.trials="$trials" -s budget.keep=0 -s "devices=( $2 )" >"$1.json"
}
fast='{ name = "fast"; driver = "fast.icd"; }'
slow='{ name = "slow"; driver = "slow.icd"; }'
search warm "$fast"
for round in $(seq "$rounds"); do
    search "alone$round" "$fast"
    search "both$round" "$fast, $slow"
done
python3 - "$rounds" <<'EOF'
import json
import statistics
import sys


def devices(name):
    return sorted(json.load(open(name + ".json"))["devices"], key=lambda d: -d["done"])


def rate(rows):
    return sum(d["done"] for d in rows) / max(d["done"] / d["per_minute"] for d in rows)


gains = []
print(f"{'round':<7}{'search':<12}{'device':<8}{'trials':>7}{'busy':>8}{'trials/min':>12}")
for round in range(1, int(sys.argv[1]) + 1):
    alone, both = devices(f"alone{round}"), devices(f"both{round}")
    for name, rows in (("fast alone", alone), ("both", both)):
        for d in rows:
            print(f"{round:<7}{name:<12}{d['device']:<8}{d['done']:>7}{d['busy_percent']:>7.1f}%{d['per_minute']:>12.1f}")
    gains.append(rate(both) / rate(alone))
print("both together beside the fast one alone:", ", ".join(f"{gain:.3f}" for gain in gains), f"times; median {statistics.median(gains):.3f}")
EOF
