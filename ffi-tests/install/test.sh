#!/bin/sh
# What `make install` puts somewhere is all that programs outside the tree need: C and C++, with the shared library and with the static one, with no flag but pkg-config's.
# Usage: test.sh (from anywhere)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
prefix=$outside/usr

if ! command -v pkg-config >/dev/null; then
    echo "SKIPPED: programs that use an installed library (pkg-config is not installed)"
    [ -z "${CI:-}" ] || { echo "pkg-config is missing and CI is set: a skip is a failure" >&2; exit 1; }
    exit 0
fi
make -s -C "$root" install PREFIX="$prefix" >"$outside/install.txt" 2>&1 || { cat "$outside/install.txt" >&2; exit 1; }
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
pkg-config --validate lifesign
cp "$here/outside.c" "$outside/"
cd "$outside"
abi=$(sed -n 's/^#define LIFESIGN_ABI_VERSION //p' usr/include/lifesign.h)
expected="Lifesign $(pkg-config --modversion lifesign), ABI $abi: 1"

# says WHAT PROGRAM: it runs, and says which library it has found.
says() {
    said=$("./$2")
    [ "$said" = "$expected" ] || { echo "$1: it says \"$said\" and not \"$expected\"" >&2; exit 1; }
    echo "installed: $1"
}
needs() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
strict="-Wall -Wextra -Wpedantic -Werror"

# The words of pkg-config and of the warnings are words of the command.
# shellcheck disable=SC2046,SC2086
{
    "${CC:-cc}" -std=c11 $strict outside.c $(pkg-config --cflags --libs lifesign) -o shared
    "${CXX:-c++}" -std=c++17 $strict -x c++ outside.c -x none $(pkg-config --cflags --libs lifesign) -o shared-cxx
    "${CC:-cc}" -std=c11 $strict outside.c $(pkg-config --cflags lifesign) -Wl,-Bstatic -llifesign -Wl,-Bdynamic \
        $(pkg-config --static --libs lifesign | sed 's/-llifesign//') -L"$prefix/lib" -o static
}
export LD_LIBRARY_PATH="$prefix/lib"
says "C, the shared library" shared
says "C++, the shared library" shared-cxx
needs shared | grep -qx "liblifesign.so.$abi" || { echo "the program does not ask for liblifesign.so.$abi" >&2; exit 1; }
unset LD_LIBRARY_PATH
says "C, the static library" static
if needs static | grep -q lifesign; then
    echo "the program with the static library asks for the shared one" >&2
    exit 1
fi

# The system's libraries that the static one needs are those that the compiler names.
named=$(cd "$root" && cargo rustc --quiet --release --locked --lib --crate-type staticlib --target-dir target/install -- --print native-static-libs 2>&1 |
    sed -n 's/.*native-static-libs: //p')
private=$(sed -n 's/^Libs.private: //p' "$PKG_CONFIG_PATH/lifesign.pc")
[ "$named" = "$private" ] || { echo "the compiler names the libraries \"$named\", lifesign.pc \"$private\"" >&2; exit 1; }
echo "installed: $private"

nm -D --defined-only usr/lib/liblifesign.so | awk '{ print $3 }' | LC_ALL=C sort >exported.txt
if grep -v '^lifesign_' exported.txt; then
    echo "the shared library exports what is not Lifesign's" >&2
    exit 1
fi
usr/bin/lifesign-agent -h >agent.txt 2>&1 || [ $? -le 2 ]
grep -qi usage agent.txt || { cat agent.txt >&2; exit 1; }
echo "installed: the agent"
for what in dashmap github.com/hashicorp/hcl; do
    grep -q "^$what " usr/share/doc/lifesign/THIRD-PARTY-LICENSES || { echo "the licence of $what is not installed" >&2; exit 1; }
done
echo "installed: the licences of what is linked in"

# The Go module as it is packed, where there is no cargo: as it lies, vendored, beside another Rust library, and with the system's shared library.
make -s -C "$root" go-module >/dev/null 2>&1
tar -xzf "$root"/build/lifesign-go-*.tar.gz
grep -q "^dashmap " lifesign-go-*/THIRD-PARTY-LICENSES || { echo "the licence of dashmap is not in the Go module" >&2; exit 1; }
mkdir program other
cp "$here/program.go" "$here/other.go" program/
rustc --crate-type staticlib -O "$here/other.rs" -o other/libother.a
go_only="$(dirname "$(command -v go)"):/usr/bin:/bin"
cd program
without_cargo() { env PATH="$go_only" CGO_ENABLED=1 "$@"; }
if without_cargo sh -c 'command -v cargo' >/dev/null; then
    echo "cargo stands beside the C compiler here: not shown that Go does without it"
fi
without_cargo go mod init example.com/program 2>/dev/null
without_cargo go mod edit -require=lifesign.dev/lifesign@v0.0.0 -replace=lifesign.dev/lifesign="$(echo "$outside"/lifesign-go-*)"
runs() {
    said=$(./program)
    [ "$said" = "$2" ] || { echo "$1: it says \"$said\" and not \"$2\"" >&2; exit 1; }
    echo "installed: $1"
}
version=$(pkg-config --modversion lifesign)
without_cargo go build -o program .
runs "Go, the module with its engine" "Lifesign $version: passing, 0"
without_cargo go mod vendor
without_cargo go build -mod=vendor -o program .
runs "Go, vendored" "Lifesign $version: passing, 0"
CGO_LDFLAGS="-L$outside/other -lother" without_cargo go build -tags other -mod=vendor -o program .
runs "Go, beside another Rust library" "Lifesign $version: passing, 42"
export LD_LIBRARY_PATH="$prefix/lib"
without_cargo go build -tags lifesign_system -mod=vendor -o program .
runs "Go, the system's shared library" "Lifesign $version: passing, 0"
needs program | grep -qx "liblifesign.so.$abi" || { echo "with lifesign_system it does not ask for liblifesign.so.$abi" >&2; exit 1; }
unset LD_LIBRARY_PATH
cd ..

make -s -C "$root" uninstall PREFIX="$prefix" >/dev/null
left=$(find usr ! -type d)
[ -z "$left" ] || { echo "left after make uninstall: $left" >&2; exit 1; }
echo "installed: nothing is left when it is taken away"
