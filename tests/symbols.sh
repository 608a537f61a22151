#!/bin/sh
# symbols.sh LIBRARY VERSION-SCRIPT SOURCE-FOLDER NODE: the shared library exports exactly what the public headers declare, as the preprocessor
# sees them, each under the version NODE, and nothing of its own (nas__…).  Then a library with a stray symbol is linked with the same
# version script, which must keep it in.
set -eu
library=$1
map=$2
source=$3
node=$4
for program in nm gcc; do
    command -v $program >/dev/null || exit 77
done

# Names of defined symbols with their versions: "name@@NODE".
exported() {
    nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' | sort
}

# Every declaration that is marked as visible, one a line; its name is the last word before the parenthesis or the end.
printf '#include <clnas/%s>\n' $(cd "$source/include/clnas" && ls) |
    gcc -std=c11 -I"$source/include" -E -P -x c - | tr '\n' ' ' | sed 's/;/;\n/g' |
    sed -n 's/^ *__attribute__((visibility("default"))) *//p' | sed 's/[(;].*//; s/.*[ *]//' | sort >declared
[ "$(wc -l <declared)" -gt 400 ] || { echo "the headers could not be read"; exit 1; }
sed "s/$/@@$node/" declared >wanted
exported "$library" >found
if ! diff wanted found; then
    echo "< is declared by a header and not exported; > is exported and no header's (the version counts)"
    exit 1
fi
if grep -q nas__ found; then
    echo "internal symbols are exported"
    exit 1
fi

cat >stray.c <<'END'
#define SEEN __attribute__((visibility("default")))
SEEN int nas_text_add(void);
SEEN int nas__hidden(void);
SEEN int nas_stray_symbol(void);
int nas_text_add(void) { return 1; }
int nas__hidden(void) { return 2; }
int nas_stray_symbol(void) { return 3; }
END
gcc -shared -fPIC -o stray.so stray.c -Wl,--version-script="$map"
[ "$(exported stray.so)" = "nas_text_add@@$node" ] || { echo "the version script lets through:"; exported stray.so; exit 1; }
