# The doctor: right on a good device, calm about a broken driver, helpful without any.
. "$(dirname "$0")/helper.sh"

mkdir -p empty crash
last="doctor, no driver"
code=0
OCL_ICD_VENDORS=$scratch/empty "$NAS_PROGRAM" doctor >out.txt 2>err.txt || code=$?
expect_code 3; expect_out "pocl-opencl-icd"
code=0
OCL_ICD_VENDORS=$scratch/empty "$NAS_PROGRAM" doctor -f json >out.txt 2>err.txt || code=$?
expect_code 3; expect_json 'any(f["fix"] and "pocl-opencl-icd" in f["fix"] for f in x["findings"])'

# A driver that aborts takes its child down, not the doctor.
if [ -n "${NAS_CRASH_ICD:-}" ]; then
    echo "$NAS_CRASH_ICD" >crash/crash.icd
    last="doctor, a driver that crashes"
    code=0
    OCL_ICD_VENDORS=$scratch/crash "$NAS_PROGRAM" doctor -f json >out.txt 2>err.txt || code=$?
    expect_code 3; expect_json 'any(f["status"] == "failed" and "crashed" in f["detail"] for f in x["findings"])'
fi

# A kernel cache that cannot be written is a warning with a fix.
last="doctor, no cache"
: >file
code=0
CLNAS_CACHE=$scratch/file/cache OCL_ICD_VENDORS=$scratch/empty "$NAS_PROGRAM" doctor -f json >out.txt 2>err.txt || code=$?
expect_json 'any(f["check"] == "kernel cache" and f["status"] == "warning" and "CLNAS_CACHE" in f["fix"] for f in x["findings"])'

have_device || exit 0
run doctor --device 99:99; expect_code 2
run doctor --quick -f json; expect_code 0
expect_json 'not any(f["status"] == "failed" for f in x["findings"])'
expect_json 'sum(f["check"].startswith("op ") for f in x["findings"]) >= 10'
expect_json 'all(f["error"] <= f["tolerance"] for f in x["findings"] if f["error"] is not None)'
# The same bits from one thread.
expect_json 'all(f["bits"] for f in x["findings"] if f["check"].startswith("op "))'
bits='import json,sys; print([(f["check"], f["bits"]) for f in json.load(sys.stdin)["findings"] if f["bits"]])'
python3 -c "$bits" <out.txt >bits.txt
POCL_MAX_PTHREAD_COUNT=1 POCL_CPU_MAX_CU_COUNT=1 "$NAS_PROGRAM" doctor --quick -q -f json | python3 -c "$bits" >bits1.txt
cmp bits.txt bits1.txt || { echo "bits depend on threads"; exit 1; }
