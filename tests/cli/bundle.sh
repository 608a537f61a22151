# clnas doctor --bundle: has what a bug report needs, and nobody's names; a driver that errs or crashes costs its own part.
. "$(dirname "$0")/helper.sh"

home="$scratch/aldegonde zwiebel" # telling names, with a blank
here="$home/topsecret project"
mkdir -p "$here" empty
cd "$here"
# report ARGUMENT…: as that user, on a host with that name, in that folder.
report()
{
    last="doctor --bundle report.json $*"
    code=0
    HOME="$home" USER=zwiebel LOGNAME=zwiebel HOSTNAME=knollenberg CLNAS_NOTE="$here" CLNAS_WORD=knollenberg \
        "$NAS_PROGRAM" doctor --bundle report.json "$@" >out.txt 2>err.txt </dev/null || code=$?
}
check_private()
{
    for name in aldegonde zwiebel topsecret knollenberg "$scratch" "$(uname -n)" "$(basename "$scratch")"; do
        [ "$name" = localhost ] || ! grep -qiF -- "$name" report.json || fail "the bundle says '$name'"
    done
    ! grep -E '"(/|.*[ =:]/)[a-z]' report.json || fail "the bundle has a path"
}
expect_bundle()
{
    cp report.json out.txt
    expect_json "$1"
}

OCL_ICD_VENDORS=$scratch/empty report --quick
expect_code 3; expect_err "report.json"; check_private
expect_bundle 'x["machine"]["clnas"] and x["machine"]["kernel"] and x["environment"]["OCL_ICD_VENDORS"] == "(set)"'
expect_bundle 'x["devices"] == [] and any(f["status"] == "failed" for f in x["findings"])'
expect_bundle 'x["environment"]["CLNAS_NOTE"] == "(set)" and x["environment"]["CLNAS_WORD"] == "(hidden)"'
report --bundle /nowhere/report.json --quick --device 99:99
[ "$code" != 0 ] || fail "a file in a folder that is not there"

have_device || exit 0
report --quick --format json; expect_code 0; check_private
expect_json '"(hidden)" not in str(x)' # the screen shows all
expect_bundle 'len(x["devices"]) >= 1 and x["timings"][0]["fma_gflops"] > 0 and x["timings"][0]["launch_us"] > 0'
expect_bundle 'sum(f["check"].startswith("op ") and len(f["bits"]) == 16 for f in x["findings"]) >= 10'

shim="$NAS_BUILD_FOLDER/tests/libnas_shim.so"
[ -e "$shim" ] || exit 0
export OPENCL_LAYERS="$shim" OCL_ICD_VENDORS="${OCL_ICD_VENDORS:-/etc/OpenCL/vendors/pocl.icd}"
NAS_SHIM_FAULT=clBuildProgram:2:-11 CLNAS_KERNEL_CACHE=never report --quick; expect_code 4; check_private
expect_bundle 'sum(not b["built"] for b in x["builds"]) == 1 and all(b["program"] and "-cl-std" in b["options"] for b in x["builds"])'
expect_bundle 'x["timings"]'
NAS_SHIM_FAULT=clEnqueueReadBuffer:30:crash report --quick; expect_code 4; check_private
expect_bundle 'any(f["status"] == "failed" and "crashed" in f["detail"] for f in x["findings"]) and not x["timings"]'
expect_bundle 'any(f["status"] == "ok" and f["check"].startswith("op ") for f in x["findings"])'
