#!/bin/sh
# kernels_compile.sh FOLDER: every cl/*.cl through clang's OpenCL C 1.2 front end, warnings are errors.
# Files that need defines name them, one set a line, as `// compile: -DKH=3 -DKW=3`.
set -eu
folder=$1
clang=$(command -v clang || command -v clang-14) || exit 77
echo '__kernel void k(__global float *x) { x[get_global_id(0)] = 0.0f; }' |
    "$clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -fsyntax-only - || exit 77
failed=0
compile() {
    # shellcheck disable=SC2086 # the defines are words
    "$clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -fsyntax-only -Wall -Werror \
        -I "$folder" $1 "$2" || {
        echo "failed: $2 $1" >&2
        failed=1
    }
}
for file in "$folder"/*.cl; do
    sets=$(sed -n 's|^.*// compile: *||p' "$file")
    if [ -z "$sets" ]; then
        compile "" "$file"
    else
        while read -r defines; do
            compile "$defines" "$file"
        done <<END
$sets
END
    fi
done
exit $failed
