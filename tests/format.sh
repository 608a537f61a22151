#!/bin/sh
# format.sh SOURCE-FOLDER: clang-format would change nothing.  `clang-format -i FILE` mends a file.
set -eu
format=$(command -v clang-format || command -v clang-format-14) || exit 77
cd "$1"
find examples host include tests tools -name '*.[ch]' -exec "$format" --dry-run --Werror {} +
