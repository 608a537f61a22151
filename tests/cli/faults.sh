# A search whose worker meets what drivers do (the layer of tests/shim): an error, a crash, no memory, NaN, wrong numbers, a hang, a
# device that is lost.  The trial is repeated or failed with its reason and nothing else is disturbed: what the fault has left alone are
# the trials of an undisturbed search, by canonical text; so is all when a search that has stopped is resumed without it.
. "$(dirname "$0")/helper.sh"
write_small_config
[ -n "${NAS_SHIM:-}" ] && [ -e "$NAS_SHIM" ] || exit 77
have_device || exit 77
limit_s=200 # of each command

# listed NAME: NAME.txt has its study's canonical text
listed()
{
    run trials $1.study --canonical; expect_code 0
    cp out.txt $1.txt
}
run search small.cfg --study whole.study --no-retrain -q; expect_code 0
listed whole
export OPENCL_LAYERS="$NAS_SHIM"

# under NAME FAULT [search options]: in every worker
under()
{
    name=$1
    about="$1 ($2)"
    export NAS_SHIM_ONLY=worker NAS_SHIM_FAULT="$2"
    shift 2
    run search small.cfg --study $name.study --no-retrain "$@"
    unset NAS_SHIM_ONLY NAS_SHIM_FAULT
}
# with NAME FAULT [search options]: once, in one worker
with()
{
    rm -f once
    export NAS_SHIM_ONCE="$scratch/once"
    under "$@"
    unset NAS_SHIM_ONCE
    [ -e once ] || fail "the fault did not happen"
}
same()
{
    listed $name
    cmp $name.txt whole.txt || fail "other trials than without the fault"
}
# same_but_one STATUS: one trial has another end, and this one
same_but_one()
{
    listed $name
    diff whole.txt $name.txt >differences || :
    [ "$(grep -c '^[<>]' differences)" = 2 ] || fail "not one trial differs: $(cat differences)"
    [ "$(sed -n 's/^[<>] \(.*\) budget=.*/\1/p' differences | uniq | wc -l)" = 1 ] || fail "another network: $(cat differences)"
    grep -q "^> .* $1" differences || fail "the trial that differs is not $1: $(cat differences)"
}
# stops NAME FAULT WORDS: in every worker; what is there can be resumed
stops()
{
    under "$1" "$2"; expect_code 4; expect_err "$3"
    run resume $name.study --no-retrain -q; expect_code 0; same
}

with error clEnqueueNDRangeKernel:300:-5; expect_code 0; expect_err "clEnqueueNDRangeKernel failed"; same
with crash clEnqueueNDRangeKernel:300:crash; expect_code 0; expect_err "signal 11"; same
with memory clCreateBuffer:40:-4; expect_code 0; expect_err "CL_MEM_OBJECT_ALLOCATION_FAILURE"; same
with nan clEnqueueNDRangeKernel:300:nan; expect_code 0; same_but_one failed
run trials nan.study -f json
expect_json 'any(t["status"] == "failed" and "nan" in t["reason"] for t in x["trials"])'
# Wrong for a moment: nobody can notice, and nothing but that trial has wrong numbers.  Wrong from then on: nothing at all has.
with wrong clEnqueueNDRangeKernel:300:wrong; expect_code 0; same_but_one complete
with lies clEnqueueNDRangeKernel:300+:wrong; expect_code 0; expect_err "computes wrong numbers"; same
stops lost '*:3000+:-5' CL_OUT_OF_RESOURCES
stops liar clEnqueueNDRangeKernel:1+:wrong "computes wrong numbers"
if [ "${1:-}" = full ]; then
    with hang clEnqueueNDRangeKernel:300:hang -s budget.lease_s=5; expect_code 0; expect_err "stopped making steps"; same
    with hanging_read clEnqueueReadBuffer:12:hang -s budget.lease_s=5; expect_code 0; expect_err "stopped making steps"; same
    for fault in clFinish:2:-36 clEnqueueReadBuffer:3:-5 clBuildProgram:2:-6 clEnqueueNDRangeKernel:100:-54 clFlush:9:crash; do
        with "$(echo $fault | tr : _)" $fault; expect_code 0; same
    done
    stops crashing clEnqueueNDRangeKernel:300:crash "signal 11"
    stops uncompiled clBuildProgram:1+:-11 CL_BUILD_PROGRAM_FAILURE
fi

# The doctor: wrong numbers, kernels that do nothing, no compiler, no device.
about="doctor"
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
