# Man pages: one for each program and command, with every option that --help names, for mandoc and groff without a warning; the environment's table is whole.
. "$(dirname "$0")/helper.sh"
bin=$(dirname "$NAS_PROGRAM")
export SOURCE_DATE_EPOCH=86400

run --manual /dev/null/no; expect_code 1; expect_err "/dev/null"
programs=
for program in clnas clnas-bench clnas-tune clnas-simulate clnas-rank clnas-linear; do
    [ -x "$bin/$program" ] || continue
    programs="$programs $program"
    last="$program --manual"; "$bin/$program" --manual man >out.txt 2>err.txt || fail "no pages"
done

# What a page says, as people see it: with mandoc, or man where that is not.
if command -v mandoc >/dev/null; then
    show() { mandoc -Tutf8 -O width=200 "$1" | sed 's/.\x08//g'; }
elif command -v man >/dev/null; then
    show() { MANWIDTH=200 MAN_KEEP_FORMATTING=  man -l "$1" 2>/dev/null; }
else
    show() { sed 's/\\-/-/g; s/\\f[BR]//g' "$1"; }
fi
has() { grep -qF -- "$1" page.txt || fail "the page $page lacks '$1'"; }
for program in $programs; do
    for page in "$program" $("$bin/$program" --help | sed -n "/^Commands/,/^\$/s/^  \([a-z]*\) .*/$program-\1/p"); do
        last="$page.1"
        [ -s "man/$page.1" ] || fail "it is not there"
        show "man/$page.1" >page.txt
        for part in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" "SEE ALSO" "device or kernel error"; do has "$part"; done
        [ "$page" != "$program" ] || has "CLNAS_CACHE"
        command=${page#"$program"}
        "$bin/$program" ${command#-} --help | sed -n 's/^  [ -][a-z ][, ] \(--[a-z-]*\).*/\1/p' >options.txt
        while read -r option; do has "$option"; done <options.txt
    done
done
page=clnas.1; show man/clnas.1 >page.txt
for part in SIGNALS FILES ENVIRONMENT "130, 143"; do has "$part"; done
page=clnas.cfg.5; show man/clnas.cfg.5 >page.txt
for part in "lookahead" "drop_path" "SEARCH SPACES" "1970-01-02"; do has "$part"; done
page=clnas-study.5; show man/clnas-study.5 >page.txt
for part in fencing "sqlite3 -readonly" "CHECKPOINT"; do has "$part"; done

# Every variable that the sources look up is told of, but those that the tests inject faults by.
last="environment"
grep -rhoE 'getenv\("CLNAS_[A-Z_]+' "$NAS_SOURCE_FOLDER/host" "$NAS_SOURCE_FOLDER/tools" | sed 's/.*"//' | sort -u |
    grep -vE '^CLNAS_(TEST_|TUNE_FAULT)' >variables.txt
[ "$(wc -l <variables.txt)" -ge 5 ] || fail "where are the variables?"
page=clnas.1; show man/clnas.1 >page.txt
while read -r variable; do has "$variable"; done <variables.txt

# The same pages on the same day.
"$NAS_PROGRAM" --manual again && for page in again/*; do cmp "$page" "man/${page#again/}" || fail "$page is another one"; done

last="warnings"
if command -v mandoc >/dev/null; then
    mandoc -Tlint -W warning man/* >out.txt 2>&1 || fail "mandoc warns"
    [ ! -s out.txt ] || fail "mandoc warns"
else
    echo "no mandoc here: its warnings were not asked for"
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
    for page in man/*; do LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null; done >out.txt
    [ ! -s out.txt ] || fail "groff warns"
fi
