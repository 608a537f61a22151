#!/bin/sh
# two_devices.sh - two devices of unlike speed in one search, 10 : 1, and the fast one alone.
#
#     tools/two_devices.sh BUILD [TRIALS]            (build/test; 300 trials)
#
# PoCL with one thread stands in a vendors' folder under two names; the shim (tests/shim/shim.h) makes the second one ten
# times slower by sleeping, so that each has a core of its own.  Prints how busy each is and what both get done beside
# the fast one alone.  The first run, which builds the kernels, does not count.
set -eu
build=$(cd "$1" && pwd)
trials=${2:-300}
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
search alone "$fast"
search both "$fast, $slow"
python3 - <<'EOF'
import json
alone, both = (json.load(open(name + ".json"))["devices"] for name in ("alone", "both"))
rate = {name: sum(d["done"] for d in rows) / max(d["done"] / d["per_minute"] for d in rows) for name, rows in (("alone", alone), ("both", both))}
print(f"{'search':<12}{'device':<8}{'trials':>7}{'busy':>8}{'trials/min':>12}")
for name, rows in (("fast alone", alone), ("both", both)):
    for d in sorted(rows, key=lambda d: -d["done"]):
        print(f"{name:<12}{d['device']:<8}{d['done']:>7}{d['busy_percent']:>7.1f}%{d['per_minute']:>12.1f}")
print(f"both together: {rate['both']:.1f} trials/min, {rate['both'] / rate['alone']:.3f} times the fast one alone")
EOF
