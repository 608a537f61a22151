#!/bin/sh
# packages.sh - what is installed is enough to build programs with: by find_package and by pkg-config, shared and static, from a folder that was moved
# since; the programs work there, and everything that belongs to them is there.
set -eu
: "${NAS_BUILD_FOLDER:?}" "${NAS_SOURCE_FOLDER:?}"
for program in cmake pkg-config cc; do
    command -v $program >/dev/null || { echo "no $program here"; exit 77; }
done
if grep -qE '^NAS_SANITIZE:[A-Z]+=(ON|thread)' "$NAS_BUILD_FOLDER/CMakeCache.txt"; then
    echo "programs that are built here would lack the sanitizers"
    exit 77
fi
scratch="$NAS_BUILD_FOLDER/scratch/packages-$$"
rm -rf "$scratch"
mkdir -p "$scratch"
trap 'cd /; rm -rf "$scratch"' EXIT
cd "$scratch"
fail() { echo "FAILED: $*" >&2; [ ! -s log.txt ] || tail -n 30 log.txt >&2; exit 1; }
step() { "$@" >log.txt 2>&1 || fail "$*"; }

step cmake --install "$NAS_BUILD_FOLDER" --prefix "$scratch/first"
mv first moved
prefix="$scratch/moved"
library=$(dirname "$(find "$prefix" -name 'libclnas.a')")
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$NAS_BUILD_FOLDER/CMakeCache.txt")
series=${version%.*}
! grep -rlF "$NAS_SOURCE_FOLDER" "$library/pkgconfig" "$library/cmake" || fail "files for other builds name the folder that they were made in"
! grep -rlF "$scratch/first" "$prefix" --include='*.pc' --include='*.cmake' || fail "files for other builds name the folder that they were installed to"

# By pkg-config.
export PKG_CONFIG_PATH="$library/pkgconfig"
[ "$(pkg-config --modversion clnas)" = "$version" ] || fail "pkg-config says clnas $(pkg-config --modversion clnas), not $version"
source="$NAS_SOURCE_FOLDER/tests/consumer"
# shellcheck disable=SC2046 # flags are words
step cc -std=c11 "$source/consumer.c" $(pkg-config --cflags --libs clnas) -o shared
LD_LIBRARY_PATH="$library" ./shared >out.txt || fail "the program of pkg-config: $(cat out.txt)"
grep -q "^clnas $version, strategies, reads$" out.txt || fail "it says $(cat out.txt)"
! ./shared 2>/dev/null || fail "it found a libclnas without being told where"
mkdir alone
cp "$library/libclnas.a" alone
# shellcheck disable=SC2046
step cc -std=c11 "$source/consumer.c" -Lalone $(pkg-config --static --cflags --libs clnas | sed "s|-L$scratch[^ ]*||g") -o static
./static >out.txt || fail "the static program of pkg-config"
! ldd static | grep -q libclnas || fail "the static program needs libclnas.so"

# By CMake.
for link in shared static; do
    step cmake -S "$source" -B "$link-build" -DCMAKE_PREFIX_PATH="$prefix" -DLINK=$link -DVERSION="$series"
    step cmake --build "$link-build"
    "$link-build/consumer" >out.txt || fail "the $link program of CMake"
    grep -q "^clnas $version" out.txt || fail "it says $(cat out.txt)"
done
! ldd static-build/consumer | grep -q libclnas || fail "clnas::static needs libclnas.so"
! cmake -S "$source" -B newer -DCMAKE_PREFIX_PATH="$prefix" -DLINK=shared -DVERSION=99 >log.txt 2>&1 || fail "clnas 99 was found"
! cmake -S "$source" -B other -DCMAKE_PREFIX_PATH="$prefix" -DLINK=other -DVERSION="$series" >log.txt 2>&1 || fail "a component that there is not was found"

# The programs, with what belongs to them.
[ "$("$prefix/bin/clnas" --version)" = "clnas $version" ] || fail "the program says $("$prefix/bin/clnas" --version)"
for program in "$prefix"/bin/*; do
    name=$(basename "$program")
    "$program" --help >/dev/null || fail "$name --help"
    [ -s "$prefix/share/man/man1/$name.1" ] || fail "no man page of $name"
    for file in bash-completion/completions/$name zsh/site-functions/_$name fish/vendor_completions.d/$name.fish; do
        [ -s "$prefix/share/$file" ] || fail "no $file"
    done
done
[ -s "$prefix/share/man/man5/clnas.cfg.5" ] && [ -s "$prefix/share/man/man1/clnas-search.1" ] || fail "man pages are missing"
"$prefix/bin/clnas" check "$prefix/share/clnas/configs/synthetic.cfg" --format json >out.txt 2>log.txt || {
    code=$?
    [ $code = 3 ] || fail "clnas check ended with $code"
}
[ ! -x "$prefix/bin/clnas-bench" ] || [ -s "$prefix/bin/../share/clnas/peers/network.py" ] || fail "clnas-bench has no peers"
