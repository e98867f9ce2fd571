package benches

import (
	"sync/atomic"
	"testing"

	"lifesign.dev/lifesign"
)

func BenchmarkStatus(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		passing, critical := p.statuses(b.N)
		all(b, passing, critical)
	})
	b.Run("atomic-load", func(b *testing.B) {
		word := new(uint64)
		atomic.StoreUint64(word, uint64(lifesign.Passing))
		b.ReportAllocs()
		b.ResetTimer()
		passing, critical := 0, 0
		for i := 0; i < b.N; i++ {
			switch lifesign.Status(atomic.LoadUint64(word)) {
			case lifesign.Passing:
				passing++
			case lifesign.Critical:
				critical++
			}
		}
		all(b, passing, critical)
	})
	b.Run("cgo-call", func(b *testing.B) {
		version, same := lifesign.ABIVersion(), 0
		b.ReportAllocs()
		b.ResetTimer()
		for i := 0; i < b.N; i++ {
			if lifesign.ABIVersion() == version {
				same++
			}
		}
		all(b, same, 0)
	})
}

// By turns: see engine_test.go. The loops stand where they are measured and add
// up what they read, because a closure's call costs more than a read, and so does
// a branch on what it was.
func BenchmarkStatusPaired(b *testing.B) {
	e := newLifesign(b, node)
	e.watch(b)
	check, alias, word := e.checks[0], e.alias, new(uint64)
	atomic.StoreUint64(word, uint64(lifesign.Passing))
	byTurns(b, []side{
		{"lifesign", 4096, func(times int) int {
			sum := uint64(0)
			for i := 0; i < times; i++ {
				sum += uint64(check.Status())
			}
			return int(sum) / int(lifesign.Passing)
		}},
		{"alias", 4096, func(times int) int {
			sum := uint64(0)
			for i := 0; i < times; i++ {
				sum += uint64(alias.Status())
			}
			return int(sum) / int(lifesign.Passing)
		}},
		{"atomic-load", 4096, func(times int) int {
			sum := uint64(0)
			for i := 0; i < times; i++ {
				sum += atomic.LoadUint64(word)
			}
			return int(sum) / int(lifesign.Passing)
		}},
	})
}

// By an id that is looked up each time, which the other peers with a map always do.
func BenchmarkStatusByID(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		e := newLifesign(b, node)
		id := checkID(0)
		b.ReportAllocs()
		b.ResetTimer()
		passing := 0
		for i := 0; i < b.N; i++ {
			check, err := e.engine.Check(id)
			if err != nil {
				b.Fatal(err)
			}
			if check.Status() == lifesign.Passing {
				passing++
			}
		}
		all(b, passing, 0)
	})
}

func BenchmarkStatusBesideWriter(b *testing.B) {
	twoProcessors(b)
	each(b, func(b *testing.B, p peer) {
		var passing, critical int
		beside(b, p, 0, func() { passing, critical = p.statuses(b.N) })
		if passing+critical != b.N || long(b) && (passing == 0 || critical == 0) {
			b.Errorf("of %d reads beside a writer of both %d say passing, %d critical", b.N, passing, critical)
		}
	})
}

// What a peer hands out stays as it is. Into a buffer is as a program reads a
// check again and again; anew is what lies in the buffer each time another's.
func BenchmarkSnapshot(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		kept := new(kept)
		for i := 0; i < b.N; i++ {
			if passing, output := p.whole(kept); !passing || output != outputs[0] {
				b.Fatalf("passing %t, %q", passing, output)
			}
		}
	})
	b.Run("buffer", func(b *testing.B) { buffered(b, 1) })
	b.Run("buffer-anew", func(b *testing.B) { buffered(b, 2) })
}

// buffered reads so many checks by turns, one at a time, into one buffer.
func buffered(b *testing.B, checks int) {
	e := newLifesign(b, node)
	right(b, e)
	var buffer lifesign.SnapshotBuffer
	read := e.checks[2:][:checks] // which that has left passing
	for _, check := range read {
		e.readInto(b, &buffer, check)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		e.readInto(b, &buffer, read[i%checks])
	}
	b.StopTimer()
	right(b, e)
}

// readInto reads a passing check whole.
func (e *engine) readInto(b *testing.B, buffer *lifesign.SnapshotBuffer, check *lifesign.Check) {
	snapshots, err := buffer.Read(check)
	if err != nil {
		b.Fatal(err)
	}
	if s := &snapshots[0]; s.Check != check.Handle() || s.Status != lifesign.Passing || s.Output != outputs[0] {
		b.Fatalf("%+v", *s)
	}
}

func BenchmarkSnapshotBesideWriter(b *testing.B) {
	twoProcessors(b)
	each(b, func(b *testing.B, p peer) {
		kept := new(kept)
		whole(b, p, func() (bool, string) { return p.whole(kept) })
	})
	b.Run("buffer", func(b *testing.B) {
		e := newLifesign(b, node)
		right(b, e)
		var buffer lifesign.SnapshotBuffer
		b.ReportAllocs()
		whole(b, e, func() (bool, string) {
			snapshots, err := buffer.Read(e.checks[0])
			if err != nil {
				b.Fatal(err)
			}
			return snapshots[0].Status == lifesign.Passing, snapshots[0].Output
		})
		right(b, e)
	})
}

// whole reads check 0 whole beside its writer: what it says is never of two moments.
func whole(b *testing.B, p peer, read func() (passing bool, output string)) {
	passing := 0
	beside(b, p, 0, func() {
		for i := 0; i < b.N; i++ {
			turn := 1
			is, output := read()
			if is {
				turn, passing = 0, passing+1
			}
			if output != outputs[turn] {
				b.Fatalf("torn: passing %t, %q", is, output)
			}
		}
	})
	if long(b) && (passing == 0 || passing == b.N) {
		b.Errorf("of %d reads beside a writer of both %d say passing", b.N, passing)
	}
}

// all fails unless all of b.N reads said passing.
func all(b *testing.B, passing, critical int) {
	b.Helper()
	b.StopTimer()
	if passing != b.N || critical != 0 {
		b.Errorf("of %d reads %d say passing, %d critical", b.N, passing, critical)
	}
}
