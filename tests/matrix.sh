#!/bin/sh
# matrix.sh VARIANT PROGRAM [ARGUMENT…] - runs a device test on another OpenCL, or on PoCL made to behave like another machine.
#
#   rusticl       Mesa's llvmpipe: another compiler (SPIR-V, NIR), no fp64, launches a hundred times dearer
#   oclgrind      an interpreter that sees data races, accesses out of bounds and wrong API calls
#   pocl-1thread  what depends on the number of threads shows against the plain test
#   avx2, sse     PoCL's code for other processors, with 8 and 4 lanes
#   pocl          as it is
#   pocl-new      Debian 13's PoCL, in a folder made by debootstrap (CLNAS_DEBIAN13); root only, for it takes chroot
#   pocl-pypi     PoCL with a compiler of its own: pip install pocl-binary-distribution in the virtual environment CLNAS_RUNTIMES
#   intel         Intel's runtime for CPUs (AMD's too): pip install intel-opencl-rt intel-cmplr-lib-rt there
#   nvidia, rocm, intel-gpu   that driver alone
#
# One OpenCL per process, always: two vendors' libraries in one process get in each other's way.  Interpreted and
# emulated ones are slow, so tests keep to their smaller cases where CLNAS_TEST_SMALL is set.  Exit code 77: not on this machine.
#
# Environment: NAS_BUILD_FOLDER, whose cache/ gets each variant's kernels.
set -eu
variant=$1
shift
vendors=/etc/OpenCL/vendors
cache=${NAS_BUILD_FOLDER:-/tmp}/cache

skip() {
    echo "skipped: $*"
    exit 77
}

# use_icd FILE PACKAGE: that OpenCL alone.
use_icd() {
    [ -e "$vendors/$1" ] || skip "no $vendors/$1 (Debian: $2)"
    export OCL_ICD_VENDORS="$vendors/$1"
}

# use_target CPU LIBRARY FLAG LANES: PoCL compiles for CPU and links its library of built-in functions for it.
use_target() {
    use_icd pocl.icd pocl-opencl-icd
    [ -e "/usr/share/pocl/kernel-x86_64-pc-linux-gnu-$2.bc" ] || skip "PoCL has no library for $2 here"
    grep -qw "$3" /proc/cpuinfo || skip "this processor has no $3"
    export POCL_LLVM_CPU_NAME="$1" POCL_KERNELLIB_NAME="$2" POCL_CACHE_DIR="$cache/pocl-$2" CLNAS_LANES="$4"
    mkdir -p "$POCL_CACHE_DIR"
}

# Its API checks speak on standard error, its findings in kernels go to the log, and its exit code is the program's:
# so the log must be empty.  Tests provoke wrong API calls on purpose, and look at the answer themselves.
run_oclgrind() {
    command -v oclgrind >/dev/null || skip "no oclgrind"
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    # Inlining makes its compiler emit an intrinsic (noalias.scope.decl) that its interpreter lacks.  A binary kept on
    # disk would bring it back.
    # It has one compute unit: two shares, so that it sees what threads do to each other (cl/share.clh).
    CLNAS_KERNEL_CACHE=never CLNAS_TEST_SMALL=1 CLNAS_SHARES=2 \
        oclgrind --data-races --check-api --build-options "-O1 -fno-inline" --log "$log" "$@" || exit $?
    if [ -s "$log" ]; then
        echo "FAILED: Oclgrind has found:" >&2
        head -n 60 "$log" >&2
        exit 1
    fi
    exit 0
}

# use_library NAME PACKAGE: the driver lib/…/NAME of the virtual environment CLNAS_RUNTIMES alone.  The .icd files that packages bring
# name places where they were built.
use_library() {
    [ -n "${CLNAS_RUNTIMES:-}" ] || skip "CLNAS_RUNTIMES names no folder (python3 -m venv FOLDER; FOLDER/bin/pip install $2)"
    library=$(find "$CLNAS_RUNTIMES/lib" -name "$1" | head -n 1)
    [ -n "$library" ] || skip "no $1 in $CLNAS_RUNTIMES/lib (pip install $2)"
    mkdir -p "$cache"
    echo "$library" >"$cache/$variant.$$.icd"
    export OCL_ICD_VENDORS="$cache/$variant.$$.icd"
    trap 'rm -f "$cache/$variant.$$.icd"' EXIT
    shift 2
    code=0
    "$@" || code=$?
    exit $code
}

# In Debian 13 as it lies in a folder, with this machine's build, sources and data in their places.
run_in_debian13() {
    [ -x "${CLNAS_DEBIAN13:-/nowhere}/bin/sh" ] || skip "CLNAS_DEBIAN13 names no folder with Debian 13 (docs/devices.md)"
    [ "$(id -u)" = 0 ] || skip "chroot is for root"
    export OCL_ICD_VENDORS="$vendors/pocl.icd" POCL_CACHE_DIR="$cache/pocl-new"
    mkdir -p "$POCL_CACHE_DIR"
    # shellcheck disable=SC2016 # the inner shell's variables
    exec unshare --mount sh -eu -c '
        root=$1; shift
        for folder in /proc /sys /dev /usr/share/datasets "$NAS_BUILD_FOLDER" "$NAS_SOURCE_FOLDER" "$PWD"; do
            [ -e "$folder" ] || continue
            mkdir -p "$root$folder"
            mount --bind "$folder" "$root$folder"
        done
        here=$PWD
        exec chroot "$root" /usr/bin/env -C "$here" LD_LIBRARY_PATH="$NAS_BUILD_FOLDER/lib" "$@"' sh "$CLNAS_DEBIAN13" "$@"
}

case $variant in
pocl) use_icd pocl.icd pocl-opencl-icd ;;
pocl-new) run_in_debian13 "$@" ;;
pocl-pypi)
    export POCL_CACHE_DIR="$cache/pocl-pypi"
    mkdir -p "$POCL_CACHE_DIR"
    use_library 'libpocl-*.so' pocl-binary-distribution "$@"
    ;;
intel) use_library libintelocl.so 'intel-opencl-rt intel-cmplr-lib-rt' "$@" ;;
nvidia) use_icd nvidia.icd nvidia-opencl-icd ;;
rocm) use_icd amdocl64.icd rocm-opencl-icd ;;
intel-gpu) use_icd intel.icd intel-opencl-icd ;;
rusticl)
    use_icd rusticl.icd mesa-opencl-icd
    export RUSTICL_ENABLE=llvmpipe CLNAS_TEST_SMALL=1 MESA_SHADER_CACHE_DIR="$cache/mesa"
    mkdir -p "$MESA_SHADER_CACHE_DIR"
    ;;
oclgrind) run_oclgrind "$@" ;;
pocl-1thread)
    use_icd pocl.icd pocl-opencl-icd
    # Its old name, and the new one from PoCL 4 on.
    export POCL_MAX_PTHREAD_COUNT=1 POCL_CPU_MAX_CU_COUNT=1
    ;;
avx2) use_target haswell avx2 avx2 8 ;;
sse)
    export CLNAS_SHARES=5 # more than threads
    use_target x86-64 sse2 sse2 4
    ;;
*)
    echo "matrix.sh: unknown variant $variant" >&2
    exit 2
    ;;
esac
exec "$@"
