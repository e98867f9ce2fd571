#!/bin/sh
# The shared library exports the functions that the header declares, and nothing else.
# Usage: symbols_test.sh (from anywhere)
set -eu
cd "$(dirname "$0")/../.."
build=target/ffi-tests/c
library=target/release/liblifesign.so
mkdir -p "$build"
# Declarations as the compiler sees them: without comments, macros and line breaks inside.
"${CC:-cc}" -E -P -I include -include lifesign.h -x c /dev/null |
    tr '\n' ' ' | grep -o 'lifesign_[a-z0-9_]* *([^;{}]*) *;' |
    sed 's/ *(.*//' | LC_ALL=C sort -u >"$build/declared.txt"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u >"$build/exported.txt"
test -s "$build/declared.txt"
diff -u "$build/declared.txt" "$build/exported.txt"
echo "symbols: $(wc -l <"$build/declared.txt") declared and exported"
