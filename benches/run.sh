#!/bin/bash
# Runs all benches in one go, and then the report: `make bench`. What each part says goes to build/bench/PART.log.
# Usage: run.sh [PART…], without parts all of them. Those that are named are measured anew, the figures of the others stay.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=$root/build/venv/bin/python
export LIFESIGN_BENCH=$root/build/bench
export CRITERION_HOME=$root/target/bench/criterion
cargo=(cargo bench --locked --target-dir target/bench)
began=$SECONDS
mkdir -p "$LIFESIGN_BENCH"

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }
say() { printf '== %s  %s\n' "$(clock $((SECONDS - began)))" "$*"; }

# Runs a function of the same name, with dashes for underlines; what it said is shown only if it fails.
part() {
    local name=$1 start=$SECONDS log=$LIFESIGN_BENCH/$1.log
    shift
    say "$name"
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "bench: the part \"$name\" failed after $(clock $((SECONDS - start))); all it said is in ${log#"$root"/}" >&2
        exit 1
    fi
    grep -h '^SKIPPED' "$log" || true
    say "$name: done in $(clock $((SECONDS - start)))"
}

# Without this, sleep and scheduling aside, a bench of a busy machine is a bench of its neighbours.
warn_if_busy() {
    local load
    load=$(cut -d' ' -f1 /proc/loadavg)
    if python3 -c "import os, sys; sys.exit(not float('$load') > 0.5 * os.cpu_count())"; then
        echo "the machine is busy already (load $load): ratios hold better than times, but neither is at its best"
    fi
}

build() {
    cargo build --release --locked
    "${cargo[@]}" --no-run
    (cd go && go test -count=1 -run '^$' . && cd ../benches/go && go test -count=1 -run '^$' ./...)
}
programs() { for file in benches/*.rs; do basename "$file" .rs; done | grep -vx instructions; }
program() {
    rm -f "$LIFESIGN_BENCH/$1.jsonl"
    "${cargo[@]}" --bench "$1"
}
instructions() {
    rm -f "$LIFESIGN_BENCH/instructions.jsonl"
    command -v valgrind >/dev/null || { echo "SKIPPED: instruction counts (valgrind is not installed)"; return; }
    # What has grown is said, and judged, by the report.
    "$python" benches/instructions.py || [ -s "$LIFESIGN_BENCH/instructions.jsonl" ]
}
go_text() {
    (cd "$1" && CGO_ENABLED=1 go test -run '^$' -bench . -benchmem -count "$2" -benchtime "$3" ./...) | tee "$LIFESIGN_BENCH/$4.txt"
}
python_benches() {
    rm -f "$LIFESIGN_BENCH/python.jsonl"
    PYTHONPATH=$root/python/src "$python" benches/python/bench.py --inherit-environ PYTHONPATH
}
# The same bench without and with a break that does a part of its work twice: what is slower must be seen to be.
honesty() {
    local name
    for name in once twice; do
        rm -rf "$LIFESIGN_BENCH/honesty/$name"
        LIFESIGN_BREAK=$([ $name = once ] || echo walk-twice) CRITERION_HOME=$LIFESIGN_BENCH/honesty/$name \
            "${cargo[@]}" --features mutants --bench members -- '^flip-members/lifesign/1000$'
    done
}

all=(build $(programs) instructions go consul python honesty)
if [ $# -eq 0 ]; then
    rm -rf "$CRITERION_HOME" "$LIFESIGN_BENCH"/*.jsonl "$LIFESIGN_BENCH"/*.txt
    set -- "${all[@]}"
fi
warn_if_busy
for wanted; do
    case $wanted in
    build | instructions | honesty) part "$wanted" "$wanted" ;;
    go) part go go_text go 3 100ms go ;;
    consul) part consul go_text benches/go 1 200ms go-consul ;;
    python) part python python_benches ;;
    *)
        [ -f "benches/$wanted.rs" ] || { echo "bench: there is no part \"$wanted\"; there are: ${all[*]}" >&2; exit 2; }
        part "$wanted" program "$wanted"
        ;;
    esac
done
say "all measured"
PYTHONPATH=benches "$python" -m report --docs docs
say "the page is docs/benchmarks.md"
