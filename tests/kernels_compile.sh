#!/bin/sh
# kernels_compile.sh FOLDER [TARGET…]: every cl/*.cl through clang's OpenCL C 1.2 front end, warnings are errors.
# Files that need defines name them, one set a line, as `// compile: -DKH=3 -DKW=3`.
#
# With TARGETs (amdgcn, nvptx64, spir64) down to that processor's assembly, or to LLVM's code where clang has no more (spir64): what a GPU's own
# compiler is built on takes the kernels, though no GPU ran them.  Prints a line for each.  A target that this clang lacks is passed over.
# conv2d.cl and depthwise.cl are for CPUs (host/ops/convolution.c gives GPUs conv2d_plain.cl): the front end is enough there.  What they pack
# into private memory is too much for amdgcn.
set -eu
folder=$1
shift
clang=$(command -v clang || command -v clang-14) || exit 77
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo '__kernel void k(__global float *x) { x[get_global_id(0)] = 0.0f; }' >"$scratch/small.cl"
front() {
    "$clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header "$@"
}
front -fsyntax-only "$scratch/small.cl" || exit 77

# compile FLAGS: every file with every set of defines.
compile() {
    good=0
    failed=0
    for file in "$folder"/*.cl; do
        depth=$1
        case $(basename "$file") in
        conv2d.cl | depthwise.cl) depth="$1 -fsyntax-only" ;;
        esac
        { grep '// compile:' "$file" || echo '// compile:'; } | sed 's|^.*// compile: *||' >"$scratch/sets"
        while read -r defines; do
            # shellcheck disable=SC2086 # flags and defines are words
            if front -Wall -Werror $depth -I "$folder" $defines "$file"; then
                good=$((good + 1))
            else
                echo "failed: $file $defines" >&2
                failed=$((failed + 1))
            fi
        done <"$scratch/sets"
    done
}

if [ $# = 0 ]; then
    compile -fsyntax-only
    [ "$failed" = 0 ]
    exit
fi

total=0
for target in "$@"; do
    case $target in
    amdgcn) flags="-target amdgcn-amd-amdhsa -mcpu=gfx90a -nogpulib" ;;
    nvptx64) flags="-target nvptx64-nvidia-cuda -nogpulib" ;;
    spir64) flags="-target spir64 -emit-llvm" ;;
    *)
        echo "kernels_compile.sh: unknown target $target" >&2
        exit 2
        ;;
    esac
    # What only prefetching reads is unused where there is none (cl/convolution.clh); a loop that is not unrolled costs time only.
    flags="$flags -Wno-unused-variable -Wno-unused-but-set-variable -Wno-pass-failed -Wno-unused-command-line-argument -S -o $scratch/out"
    # shellcheck disable=SC2086 # flags are words
    if ! front $flags "$scratch/small.cl" 2>/dev/null; then
        echo "$target: not in this clang"
        continue
    fi
    compile "$flags"
    echo "$target: $good of $((good + failed)), $("$clang" --version | head -n 1)"
    total=$((total + failed))
done
[ $total = 0 ]
