#!/bin/sh
# abi.sh SOURCE-FOLDER: tools/abi says what was done to the interface.  In copies of the headers a function is added (compatible, exit code 0),
# one is removed, a member is put into a struct, an argument and a constant change (each incompatible, exit code 1, and named).  At last the
# headers as they are, against the description that is kept.  Exit code 77: no abidiff.
set -eu
source=$1
command -v abidiff >/dev/null || exit 77
command -v gcc >/dev/null || exit 77

"$source/tools/abi" --update before.h

# try WHAT EXIT-CODE WORDS FILE SED-COMMAND: the headers with one change.
try() {
    rm -rf headers
    mkdir headers
    cp -r "$source/include/clnas" headers/
    sed "$5" "$source/include/clnas/$4" >"headers/clnas/$4"
    if cmp -s "$source/include/clnas/$4" "headers/clnas/$4"; then
        [ "$1" = nothing ] || { echo "$1: the change was not made; adapt this test to $4"; exit 1; }
    fi
    code=0
    "$source/tools/abi" -I headers before.h >said 2>&1 || code=$?
    if [ $code -ne "$2" ] || { [ -n "$3" ] && ! grep -q "$3" said; }; then
        echo "$1: exit code $code, wanted $2 and the words \"$3\":"
        cat said
        exit 1
    fi
}
try nothing 0 '' base.h ''
[ ! -s said ] || { cat said; exit 1; }
try "a function added" 0 'nas_new_one' base.h 's/^NAS_API void nas_error_clear(void);/&\nNAS_API int nas_new_one(int number);/'
try "a function removed" 1 'nas_error_clear' base.h '/^NAS_API void nas_error_clear/d'
try "a struct that grows" 1 'nas_random' base.h 's/^    int left; .*/    int left, fresh;/'
try "members in another order" 1 'nas_metric' study.h 's/^    double value;.*measured.*//; s/^    bool measured;.*/    bool measured; double other;/'
try "another argument" 1 'nas_file_read' base.h 's/^NAS_API nas_status nas_file_read(const char \*path, size_t limit/NAS_API nas_status nas_file_read(const char *path, int limit/'
try "a longer array" 1 'nas_text_list\|nas_option\|nas_config' base.h 's/NAS_TEXT_SIZE = 512/NAS_TEXT_SIZE = 513/'

"$source/tools/abi"
