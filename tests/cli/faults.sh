# A search whose worker meets what drivers do (the layer of tests/shim): an error, a crash, no memory, NaN, a hang, a device that is lost.
# The trial is repeated or failed with its reason; without the fault the study ends with the trials of an undisturbed one.
. "$(dirname "$0")/helper.sh"
write_small_config
[ -n "${NAS_SHIM:-}" ] && [ -e "$NAS_SHIM" ] || exit 77
have_device || exit 77
run search small.cfg --study whole.study --no-retrain -q; expect_code 0
"$NAS_PROGRAM" trials whole.study --canonical >whole.txt
export OPENCL_LAYERS="$NAS_SHIM"

# with NAME FAULT [search options]: once, in one worker
with()
{
    name=$1
    rm -f once
    export NAS_SHIM_ONLY=worker NAS_SHIM_ONCE="$scratch/once" NAS_SHIM_FAULT="$2"
    shift 2
    run search small.cfg --study $name.study --no-retrain "$@"
    unset NAS_SHIM_ONLY NAS_SHIM_ONCE NAS_SHIM_FAULT
    [ -e once ] || fail "the fault did not happen"
}
same()
{
    "$NAS_PROGRAM" trials $name.study --canonical >$name.txt
    cmp $name.txt whole.txt || fail "other trials than without the fault"
}

with error clEnqueueNDRangeKernel:300:-5; expect_code 0; expect_err "clEnqueueNDRangeKernel failed"; same
with crash clEnqueueNDRangeKernel:300:crash; expect_code 0; expect_err "signal 11"; same
with memory clCreateBuffer:40:-4; expect_code 0; expect_err "CL_MEM_OBJECT_ALLOCATION_FAILURE"; same
with nan clEnqueueNDRangeKernel:300:nan; expect_code 0
run trials nan.study -f json
expect_json 'any(t["status"] == "failed" and "nan" in t["reason"] for t in x["trials"])'
if [ "${1:-}" = full ]; then
    with hang clEnqueueNDRangeKernel:300:hang -s budget.lease_s=5; expect_code 0; expect_err "stopped making steps"
    for fault in clFinish:2:-36 clEnqueueReadBuffer:3:-5 clBuildProgram:2:-6 clEnqueueNDRangeKernel:100:-54 clFlush:9:crash; do
        with "$(echo $fault | tr : _)" $fault; expect_code 0; same
    done
fi

# Lost for good: exit code 4, and what is there can be resumed.
export NAS_SHIM_ONLY=worker NAS_SHIM_FAULT='*:3000+:-5'
run search small.cfg --study lost.study --no-retrain; expect_code 4; expect_err "CL_OUT_OF_RESOURCES"
unset NAS_SHIM_ONLY NAS_SHIM_FAULT
run resume lost.study --no-retrain -q; expect_code 0
name=lost; same

# The doctor: wrong numbers, kernels that do nothing, no compiler, no device.
export NAS_SHIM_FAULT=clEnqueueNDRangeKernel:1+:wrong
run doctor --quick; expect_code 4
export NAS_SHIM_FAULT=clEnqueueNDRangeKernel:1+:skip
run doctor --quick; expect_code 4
unset NAS_SHIM_FAULT
export NAS_SHIM_DEVICE=compiler=no
run doctor --quick; expect_code 3; expect_out "no compiler"
run search small.cfg --study none.study; expect_code 3; expect_err "no compiler"
unset NAS_SHIM_DEVICE
export NAS_SHIM_HIDE=devices
run devices; expect_code 3
export NAS_SHIM_HIDE=platforms
run search small.cfg --study none.study --no-retrain; expect_code 3
