#!/bin/bash
# Runs all benches in one go, and then the report: `make bench`. What each part says goes to build/bench/PART.log.
# Usage: run.sh [PART…], without parts all of them. With parts only these are measured anew, the figures of the others stay, and the page is not written.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
python=$root/build/venv/bin/python
export LIFESIGN_BENCH=$root/build/bench
export CRITERION_HOME=$root/target/bench/criterion
cargo=(cargo bench --locked --package lifesign-benches --target-dir target/bench)
began=$SECONDS
mkdir -p "$LIFESIGN_BENCH"

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }
say() { printf '== %s  %s\n' "$(clock $((SECONDS - began)))" "$*"; }

# Runs what follows the name; what it said is shown only if it fails. The functions below chain their steps, because here a failure ends none by itself.
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

warn_if_busy() {
    local load cores
    load=$(cut -d' ' -f1 /proc/loadavg) cores=$(nproc)
    if [ "${load%.*}" -ge "$cores" ]; then
        echo "The machine is busy already (load $load on $cores cores): ratios hold better than times, and neither is at its best."
    fi
}

build() {
    make -s libraries && "${cargo[@]}" --no-run
}
programs() { for file in benches/*.rs; do basename "$file" .rs; done | grep -vx instructions; }
program() {
    rm -f "$LIFESIGN_BENCH/$1.jsonl"
    "${cargo[@]}" --bench "$1"
}
instructions() {
    rm -f "$LIFESIGN_BENCH/instructions.jsonl"
    if ! command -v valgrind; then
        echo "SKIPPED: instruction counts (valgrind is not installed)"
        return
    fi
    # What has grown is said, and judged, by the report.
    "$python" benches/instructions.py || [ -s "$LIFESIGN_BENCH/instructions.jsonl" ]
}
go_benches() {
    rm -f "$LIFESIGN_BENCH/go.jsonl"
    LIFESIGN_BENCH_COUNT=3 LIFESIGN_BENCH_TIME=100ms benches/go/run.sh
}
python_benches() {
    rm -f "$LIFESIGN_BENCH/python.jsonl"
    PYTHONPATH=$root/python/src "$python" benches/python/bench.py --inherit-environ PYTHONPATH
}
# Last, because a build with breaks replaces the one without. The same bench without and with a break that does its work twice: what is slower must be seen to be.
snapshots() {
    rm -rf "$LIFESIGN_BENCH/honesty/$1"
    LIFESIGN_BREAK=$2 CRITERION_HOME=$LIFESIGN_BENCH/honesty/$1 "${cargo[@]}" --features mutants --bench reads -- '^alias-snapshot/lifesign$'
}
honesty() {
    snapshots once none && snapshots twice snapshot-read-twice || return
    # And by the instructions, which are the same each time.
    if command -v valgrind; then (cd benches && "$python" -m pytest -q -m slow); else echo "SKIPPED: honesty by instructions (valgrind is not installed)"; fi
}

all=(build $(programs) instructions go python honesty)
docs=()
if [ $# -eq 0 ]; then
    docs=(--docs docs)
    rm -rf "$CRITERION_HOME" "$LIFESIGN_BENCH"/*.jsonl "$LIFESIGN_BENCH"/*.txt
    set -- "${all[@]}"
fi
warn_if_busy
for wanted; do
    case $wanted in
    build | instructions | honesty) part "$wanted" "$wanted" ;;
    go) part go go_benches ;;
    python) part python python_benches ;;
    *)
        [ -f "benches/$wanted.rs" ] || { echo "bench: there is no part \"$wanted\"; there are: ${all[*]}" >&2; exit 2; }
        part "$wanted" program "$wanted"
        ;;
    esac
done
say "measured; the report"
PYTHONPATH=benches "$python" -m report "${docs[@]}"
[ ${#docs[@]} -eq 0 ] || say "the page is docs/benchmarks.md"
