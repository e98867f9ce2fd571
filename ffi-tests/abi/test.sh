#!/bin/sh
# The ABI of the built library is as it is described, and each kind of change that an older program would notice is found: planted ones, in copies of the description.
# Usage: test.sh (from anywhere; target/abi has a build with full debug information)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/abi.py"

planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
# plant WHAT FILE EXPRESSION: the description said something else, and the library of today is found to differ.
plant() {
    cp "$here"/lifesign-* "$planted/"
    sed -i -E "$3" "$planted/$2"
    if cmp -s "$here/$2" "$planted/$2"; then
        echo "abi: nothing was planted: $1" >&2
        exit 1
    fi
    if "$here/abi.py" --descriptions "$planted" >"$planted/said" 2>&1; then
        echo "abi: not found: $1" >&2
        exit 1
    fi
    grep -q "would notice" "$planted/said" || { cat "$planted/said" >&2; exit 1; }
    echo "abi: found: $1"
}
plant "a function that is gone" lifesign-1.abi 's/lifesign_check_status"/lifesign_check_gone"/'
plant "a parameter that is gone" lifesign-1.abi '/name="lifesign_token_write"/,/<\/function-decl>/ s|(<parameter .*name="status".*)|\1\1|'
plant "a member that has moved" lifesign-1.abi '/class-decl name="lifesign_snapshot"/,/<\/class-decl>/ s/layout-offset-in-bits="64"/layout-offset-in-bits="96"/'
plant "a struct that has grown" lifesign-1.abi 's/(class-decl name="lifesign_span" size-in-bits=)"64"/\1"32"/'
plant "a constant with another value" lifesign-1.constants 's/^(LIFESIGN_CLOSED) .*/\1 11/'
plant "a constant that is gone" lifesign-1.constants 's/^LIFESIGN_BUSY /LIFESIGN_IDLE /'
