package main

import (
	"strings"
	"testing"
)

const printed = `goos: linux
cpu: Some CPU
BenchmarkStatus/cgo-call-2         	 1000000	        60 ns/op	       0 B/op	       0 allocs/op
BenchmarkSnapshotPaired-2          	 1000000	        50.0 call-ns/op	       100 engine-ns/op
BenchmarkSnapshotPaired-2          	 1000000	        70.0 call-ns/op	       300 engine-ns/op
BenchmarkSnapshotPaired-2          	 1000000	        60.0 call-ns/op	       120 engine-ns/op
BenchmarkFlipUntilAlias/consul/1000-2 	 100	       4.5e+06 ns/op
BenchmarkStatusByID/consul 	 100	       7.25 ns/op	  1000 writes/s
BenchmarkStatusParallel/sync-map   	     100	        50.0 ns/op
BenchmarkStatusParallel/sync-map-4 	     100	        20.0 ns/op
PASS
`

func TestFigures(t *testing.T) {
	want := []string{
		`{"id":"go-status/cgo-call","value":60,"unit":"ns","low":60,"high":60}`,
		`{"id":"go-status-bytes/cgo-call","value":0,"unit":"bytes","low":0,"high":0}`,
		`{"id":"go-status-allocs/cgo-call","value":0,"unit":"allocs","low":0,"high":0}`,
		`{"id":"go-snapshot-paired/call","value":60,"unit":"ns","low":55,"high":65}`,
		`{"id":"go-snapshot-paired/engine","value":120,"unit":"ns","low":110,"high":210}`,
		`{"id":"go-flip-until-alias/consul/1000","value":4500000,"unit":"ns","low":4500000,"high":4500000}`,
		`{"id":"go-status-by-id/consul","value":7.25,"unit":"ns","low":7.25,"high":7.25}`,
		`{"id":"go-status-by-id-writes/consul","value":1000,"unit":"ops/s","low":1000,"high":1000}`,
		`{"id":"go-status-parallel/sync-map/1","value":20000000,"unit":"ops/s","low":20000000,"high":20000000}`,
		`{"id":"go-status-parallel/sync-map/4","value":50000000,"unit":"ops/s","low":50000000,"high":50000000}`,
		`{"id":"go-snapshot-paired/engine-and-2-calls","value":240,"unit":"ns","low":220,"high":340}`,
	}
	var out strings.Builder
	if err := convert(strings.NewReader(printed), &out); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("too much: %s", got[i])
		case got[i] != want[i]:
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

func TestFailures(t *testing.T) {
	for what, text := range map[string]string{
		"nothing measured": "goos: linux\nPASS\n",
		"a failure":        printed + "--- FAIL: BenchmarkFlip/consul\n",
		"a panic":          printed + "panic: no\n",
		"an unknown unit":  "BenchmarkFlip/consul-2 \t 100\t 5 parsecs/op\n",
		"a number amiss":   "BenchmarkFlip/consul-2 \t 100\t x ns/op\n",
	} {
		if err := convert(strings.NewReader(text), new(strings.Builder)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
