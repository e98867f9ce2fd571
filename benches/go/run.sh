#!/bin/bash
# Runs the benchmarks of this folder; doc.go says what comes of it.
set -eu -o pipefail

here=$(dirname "$0")
out=${LIFESIGN_BENCH:-$here/../../build/bench}
count=${LIFESIGN_BENCH_COUNT:-5}
time=${LIFESIGN_BENCH_TIME:-200ms}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$here"

# 1, 2, 4, 8 … and as many as there are.
cores=$(nproc)
cpus=1
for ((n = 2; n < cores; n *= 2)); do cpus+=,$n; done
if ((cores > 1)); then cpus+=,$cores; fi

export CGO_ENABLED=1
go build -o "$out/go-lines" ./lines
# The go command does not see that the library it linked has changed.
rm -f "$out/go-benches"
go test -c -o "$out/go-benches" .
measure() { "$out/go-benches" -test.run '^TestPeersAreRight$' -test.timeout 10m -test.benchtime "$time" "$@"; }
for ((round = 1; round <= count; round++)); do
	echo "== Go: round $round of $count" >&2
	measure -test.bench . -test.skip Parallel
	measure -test.bench Parallel -test.cpu "$cpus"
done | tee "$out/go.txt"
"$out/go-lines" <"$out/go.txt" >"$out/go.jsonl"
