#!/bin/sh
# Makes one object of the static library that cargo has built, and of that the archive that is installed and what Go links: everything in it is local but the functions of the
# header, so that a program may link another Rust library beside it.
# Usage: object.sh GOARCH (from anywhere; target/release/liblifesign.{a,so} are there)
set -eu
cd "$(dirname "$0")/.."
built=target/release/liblifesign.a
out=build/lib
native=go/internal/native
mkdir -p "$out"

# Several makes may look at once whether there is anything to do.
functions=$(mktemp "$out/functions.XXXXXX")
trap 'rm -f "$functions"' EXIT
nm -D --defined-only target/release/liblifesign.so | awk '{ print $3 }' >"$functions"
if [ -f "$out/liblifesign.a" ] && [ "$out/liblifesign.a" -nt "$built" ] && cmp -s "$functions" "$out/functions.txt" &&
    [ -f "$native/lifesign_linux_$1.syso" ] && cmp -s include/lifesign.h "$native/lifesign.h"; then
    exit 0
fi
mv "$functions" "$out/functions.txt"
# Without --gc-sections, with which GNU ld 2.40 forgets that a symbol is only wanted where it exists; so does objcopy with --keep-global-symbols.
# The groups are dissolved: another Rust library has some of the same name, and of two the linker throws one away, to which the other's symbols are strangers.
# shellcheck disable=SC2046
ld -r --force-group-allocation $(sed 's/^/-u /' "$out/functions.txt") "$built" -o "$out/all.o"
# The standard library carries the compiler's own code too, for which some tools take the whole for the compiler's.
objcopy --strip-debug --remove-section=.llvmbc --remove-section=.llvmcmd "$out/all.o" "$out/lifesign.o"
nm -g --defined-only "$out/lifesign.o" | awk '{ print $3 }' | grep -vxF -f "$out/functions.txt" >"$out/local.txt"
objcopy --localize-symbols="$out/local.txt" "$out/lifesign.o"
rm -f "$out/all.o" "$out/liblifesign.a"
ar rcsD "$out/liblifesign.a" "$out/lifesign.o"
cp include/lifesign.h "$native/lifesign.h"
mv "$out/lifesign.o" "$native/lifesign_linux_$1.syso"
