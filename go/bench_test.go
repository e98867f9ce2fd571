package lifesign_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"lifesign.dev/lifesign"
)

// The loops of what takes a nanosecond count to b.N themselves, which costs
// less than b.Loop does, and stand where they are used, because a call of a
// closure costs more than such a read. What they add up shows that every read
// was made and was right.

func BenchmarkStatus(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		http, _, _ := probed(b)
		b.ReportAllocs()
		b.ResetTimer()
		sum := uint64(0)
		for i := 0; i < b.N; i++ {
			sum += uint64(http.Status())
		}
		eachWas(b, sum, uint64(lifesign.Passing))
	})
	b.Run("atomic-load", func(b *testing.B) {
		word := new(uint64)
		atomic.StoreUint64(word, uint64(lifesign.Passing))
		b.ReportAllocs()
		b.ResetTimer()
		sum := uint64(0)
		for i := 0; i < b.N; i++ {
			sum += atomic.LoadUint64(word)
		}
		eachWas(b, sum, uint64(lifesign.Passing))
	})
	b.Run("cgo-call", func(b *testing.B) {
		version := uint64(lifesign.ABIVersion())
		b.ReportAllocs()
		b.ResetTimer()
		sum := uint64(0)
		for i := 0; i < b.N; i++ {
			sum += uint64(lifesign.ABIVersion())
		}
		eachWas(b, sum, version)
	})
}

func BenchmarkAliasStatus(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		_, alias, _ := probed(b)
		b.ReportAllocs()
		b.ResetTimer()
		sum := uint64(0)
		for i := 0; i < b.N; i++ {
			sum += uint64(alias.Status())
		}
		eachWas(b, sum, uint64(lifesign.Passing))
	})
}

func BenchmarkSnapshot(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		http, _, _ := probed(b)
		b.ReportAllocs()
		for b.Loop() {
			snapshot, err := http.Snapshot()
			if err != nil || snapshot.Status != reports[0].status || snapshot.Output != reports[0].output {
				b.Fatalf("read %v %q, %v", snapshot.Status, snapshot.Output, err)
			}
		}
	})
}

func BenchmarkFlip(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		http, alias, token := probed(b)
		before := must(http.Snapshot())(b)
		b.ReportAllocs()
		flips := 0
		for b.Loop() {
			flips++
			report := reports[flips%2]
			if err := token.Update(report.status, report.output); err != nil {
				b.Fatal(err)
			}
		}
		last := must(http.Snapshot())(b)
		if want := reports[flips%2]; last.Status != want.status || last.Output != want.output || alias.Status() != want.status {
			b.Errorf("the check is %v %q, its alias %v, want %v %q", last.Status, last.Output, alias.Status(), want.status, want.output)
		}
		if made := last.Version - before.Version; made != uint64(flips) {
			b.Errorf("%d flips made %d versions", flips, made)
		}
	})
}

func BenchmarkHeartbeat(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		http, _, token := probed(b)
		before := must(http.Snapshot())(b)
		b.ReportAllocs()
		for b.Loop() {
			if err := token.Update(reports[0].status, reports[0].output); err != nil {
				b.Fatal(err)
			}
		}
		if after := must(http.Snapshot())(b); after.Version != before.Version {
			b.Errorf("heartbeats made %d versions", after.Version-before.Version)
		}
	})
}

// A batch is 64 flips of as many checks: its figure is that of all of them.
func BenchmarkBatch64(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		engine := open(b, lifesign.Config{})
		writes, checks := make([]lifesign.Write, 64), make([]*lifesign.Check, 64)
		for i := range writes {
			id := fmt.Sprintf("web-%02d", i)
			checks[i] = register(b, engine, id+":http", service(b, engine, id))
			token, err := checks[i].Acquire("probe")
			writes[i].Token = hold(b, token, err)
		}
		b.ReportAllocs()
		flips := 0
		for b.Loop() {
			flips++
			for i := range writes {
				writes[i].Status, writes[i].Output = reports[flips%2].status, reports[flips%2].output
			}
			if err := lifesign.UpdateBatch(writes); err != nil {
				b.Fatal(err)
			}
		}
		for i, each := range checks {
			if each.Status() != reports[flips%2].status {
				b.Errorf("check %d is %v, want %v", i, each.Status(), reports[flips%2].status)
			}
		}
	})
}

// Two reports as a prober makes them, by turns.
var reports = [2]struct {
	status lifesign.Status
	output string
}{
	{lifesign.Passing, "HTTP GET http://127.0.0.1:8080/: 200 OK"},
	{lifesign.Critical, "HTTP GET http://127.0.0.1:8080/: no answer"},
}

// probed is a passing check of a service, an alias of that service, and the
// check's writer.
func probed(b *testing.B) (http, alias *lifesign.Check, token *lifesign.Token) {
	engine := open(b, lifesign.Config{})
	http = register(b, engine, "web:http", service(b, engine, "web"))
	alias = must(engine.RegisterCheck(lifesign.CheckSpec{ID: "sidecar:alias", AliasOf: "web"}))(b)
	acquired, err := http.Acquire("probe")
	token = hold(b, acquired, err)
	check(b, token.Update(reports[0].status, reports[0].output))
	return http, alias, token
}

// eachWas fails unless every one of b.N reads gave that value.
func eachWas(b *testing.B, sum, value uint64) {
	b.Helper()
	b.StopTimer()
	if want := uint64(b.N) * value; sum != want {
		b.Errorf("%d reads add up to %d, want %d", b.N, sum, want)
	}
}
