// Command lines reads what "go test -bench" prints and writes its figures, one
// JSON object a line: the median of a benchmark's runs, with their quartiles.
//
//	BenchmarkFlipUntilAlias/consul/1000-2  264  4500000 ns/op
//
// becomes go-flip-until-alias/consul/1000 in ns. What else a benchmark reports
// is a row of its own: go-flip-until-alias-allocs, -bytes, -writes. Of those
// named Parallel the number of processors becomes the parameter, and the figure
// what all of them do in a second: go-status-parallel/consul/2 in ops/s.
//
// What was measured by turns is a figure of each side, the unit having its name:
// 140 engine-ns/op of BenchmarkSnapshotPaired is go-snapshot-paired/engine. To
// these it adds what the row may cost: the engine's part and so many bare calls,
// such as go-snapshot-paired/engine-and-2-calls.
//
// It fails if a benchmark failed, or if there is none.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := convert(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lines:", err)
		os.Exit(1)
	}
}

func convert(from io.Reader, to io.Writer) error {
	figures, err := parse(from)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(to)
	for _, each := range append(figures, allowed(figures)...) {
		if err := encoder.Encode(each); err != nil {
			return err
		}
	}
	return nil
}

// figure is a line of the output.
type figure struct {
	ID    string  `json:"id"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// calls is how many calls into C a row may cost beside the engine's own part.
var calls = []struct {
	row   string
	calls int
}{{"go-snapshot-paired", 2}, {"go-flip-paired", 1}, {"go-heartbeat-paired", 1}, {"go-batch-paired", 3}}

// allowed is what those rows may cost.
func allowed(figures []figure) []figure {
	measured := map[string]figure{}
	for _, each := range figures {
		measured[each.ID] = each
	}
	var sums []figure
	for _, each := range calls {
		engine, measuredEngine := measured[each.row+"/engine"]
		call, measuredCall := measured[each.row+"/call"]
		if !measuredEngine || !measuredCall {
			continue
		}
		n := float64(each.calls)
		plural := "s"
		if each.calls == 1 {
			plural = ""
		}
		sums = append(sums, figure{
			ID:    fmt.Sprintf("%s/engine-and-%d-call%s", each.row, each.calls, plural),
			Value: engine.Value + n*call.Value, Unit: "ns",
			Low: engine.Low + n*call.Low, High: engine.High + n*call.High,
		})
	}
	return sums
}
