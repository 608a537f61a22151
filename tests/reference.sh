#!/bin/sh
# reference.sh DOXYFILE SOURCE-FOLDER: everything in the public headers is documented: Doxygen has nothing to warn of.  Then the other way round:
# of a header with a function, a struct and a member that nobody documented it must name all three.  Exit code 77: no Doxygen.
set -eu
doxygen=$(command -v doxygen) || exit 77
doxyfile=$1
source=$2

# warnings INPUT …: what Doxygen says; the exit status is its own.
warnings() {
    {
        cat "$doxyfile"
        printf 'OUTPUT_DIRECTORY = %s\nINPUT =' "$PWD"
        printf ' "%s"' "$@"
        echo
    } | "$doxygen" - 2>&1
}

if ! said=$(warnings "$source/include/clnas" "$source/docs/reference.md"); then
    echo "$said"
    echo "Doxygen's line numbers may be off by a few; a comment in front of a declaration or behind it documents it (cmake/reference.awk)."
    exit 1
fi
[ -z "$said" ] || { echo "$said"; exit 1; }
for page in search_8h.html structnas__space.html index.html; do
    [ -s "html/$page" ] || { echo "Doxygen made no page $page"; exit 1; }
done
grep -q 'Where messages go' html/base_8h.html || { echo "the comments did not come through"; exit 1; }

rm -rf planted html
mkdir planted
cp "$source/include/clnas/report.h" planted/report.h
cat >>planted/report.h <<'END'
NAS_API int nas_planted_function(void);

struct nas_planted {
    int first; /* documented */
    int planted_member;
};
END
if said=$(warnings planted/report.h); then
    echo "Doxygen is content with a header that is not documented"
    exit 1
fi
for name in 'nas_planted_function' 'Compound nas_planted ' 'planted_member'; do
    echo "$said" | grep -q "$name" || { echo "not noticed: $name"; echo "$said"; exit 1; }
done
if echo "$said" | grep -q 'Member first'; then
    echo "$said"
    exit 1
fi
