#!/bin/sh
# The header alone compiles, in every standard that its users write, with every warning on.
# Usage: header_test.sh (from anywhere)
set -eu
cd "$(dirname "$0")/../.."
build=target/ffi-tests/c
mkdir -p "$build"
printf '#include "lifesign.h"\nextern int nothing;\n' >"$build/header.c"
cp "$build/header.c" "$build/header.cpp"
warnings='-Wall -Wextra -Wpedantic -Werror'
for standard in c99 c11 c17; do
    # shellcheck disable=SC2086
    "${CC:-cc}" -std=$standard $warnings -I include -fsyntax-only "$build/header.c"
done
# shellcheck disable=SC2086
"${CXX:-c++}" -std=c++17 $warnings -I include -fsyntax-only "$build/header.cpp"
echo "header: C99, C11, C17 and C++17"
