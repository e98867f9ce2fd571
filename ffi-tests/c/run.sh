#!/bin/sh
# Runs the C tests: header, symbols, the client against its transcript, reading without a call, and the generated abuse;
# programs run plain and under valgrind. Without valgrind that part is skipped by name, which fails where CI is set.
# Usage: run.sh (from anywhere; the release build of the libraries is there)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
build=target/ffi-tests/c
mkdir -p "$build/claims"

"$here/header_test.sh"
"$here/symbols_test.sh"

compile() {
    output=$1
    shift
    "${CC:-cc}" -std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror -I include -I "$here" "$@" \
        build/lib/liblifesign.a -lpthread -ldl -lm -o "$output"
}
grind() {
    valgrind --quiet --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite "$@"
}
# Runs a program and prints, behind a name, what it said; fails if it did.
tell() {
    name=$1
    shift
    said=$("$@")
    echo "$name: $said"
}
# What differs from run to run: process numbers, machines, times, paths and ids.
normalise() {
    sed -E -e "s/pid [0-9]+/pid N/g" -e "s/on $(uname -n)/on MACHINE/g" -e "s#/[^ ,)]*/client#CLIENT#g" \
        -e 's/20[0-9-]{8}T[0-9:]{8}Z/TIME/g' -e "s#in /[^ ]*/claims#in CLAIMS#g" \
        -e 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/UUID/g'
}

compile "$build/client" "$here/client.c"
"$build/client" "$build/export.json" >"$build/client.txt"
normalise <"$build/client.txt" | diff -u "$here/expected.txt" -
echo "client: transcript as expected"

# The header's inline function is compiled into its users: as C++ too.
compile "$build/readers" "$here/readers.c"
tell readers "$build/readers"
"${CXX:-c++}" -std=c++17 -x c++ -g -O2 -Wall -Wextra -Wpedantic -Werror -I include "$here/readers.c" -x none \
    build/lib/liblifesign.a -lpthread -ldl -lm -o "$build/readers-cxx"
tell "readers in C++" "$build/readers-cxx"

compile "$build/forked" "$here/forked.c"
tell forked "$build/forked"

python3 "$here/generate_abuse.py" include/lifesign.h >"$build/abuse.c"
compile "$build/abuse" "$build/abuse.c" "$here/world.c"
tell abuse "$build/abuse"

if ! command -v valgrind >/dev/null; then
    echo "SKIPPED: the client and the abuse under valgrind (valgrind is not installed)"
    [ -z "${CI:-}" ] || { echo "valgrind is missing and CI is set: a skip is a failure" >&2; exit 1; }
    exit 0
fi
grind "$build/client" "$build/export.json" >"$build/client-valgrind.txt"
normalise <"$build/client-valgrind.txt" | diff -u "$here/expected.txt" -
echo "client under valgrind: transcript as expected"
# Not for leaks: a forked child has lost hold of everything that stood in the pages that the fork wiped.
tell "readers under valgrind" grind --leak-check=no --fair-sched=try "$build/readers" without-fault
tell "abuse under valgrind" grind "$build/abuse"
