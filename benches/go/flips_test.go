package benches

import (
	"testing"

	"lifesign.dev/lifesign"
)

func BenchmarkFlip(b *testing.B) {
	each(b, flips)
}

// The other writer has a check and a service of its own.
func BenchmarkFlipBesideWriter(b *testing.B) {
	twoProcessors(b)
	each(b, func(b *testing.B, p peer) {
		beside(b, p, 1, func() { flips(b, p) })
	})
}

func flips(b *testing.B, p peer) {
	for i := 1; i <= b.N; i++ {
		p.flip(0, i%2)
	}
	b.StopTimer()
	shows(b, p, b.N%2)
}

// A whole check that was read before and was written since: nothing that a peer
// keeps for its readers is worth anything.
func BenchmarkFlipAndSnapshot(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		kept := new(kept)
		for i := 1; i <= b.N; i++ {
			p.flip(0, i%2)
			if passing, output := p.whole(kept); passing != (i%2 == 0) || output != outputs[i%2] {
				b.Fatalf("after a flip to %q: passing %t, %q", outputs[i%2], passing, output)
			}
		}
	})
}

// The same status and output again.
func BenchmarkHeartbeat(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		for i := 0; i < b.N; i++ {
			p.flip(0, 0)
		}
		b.StopTimer()
		shows(b, p, 0)
	})
}

// A figure is that of all 64 flips.
func BenchmarkBatch64(b *testing.B) {
	b.Run("lifesign", func(b *testing.B) {
		e := newLifesign(b, node)
		writes := make([]lifesign.Write, batchSize)
		b.ReportAllocs()
		b.ResetTimer()
		for i := 1; i <= b.N; i++ {
			e.batch(b, writes, i%2)
		}
		b.StopTimer()
		shows(b, e, b.N%2)
	})
}

// batch flips the first checks to that turn.
func (e *engine) batch(b *testing.B, writes []lifesign.Write, turn int) {
	for i := range writes {
		writes[i].Token, writes[i].Status, writes[i].Output = e.tokens[i], statuses[turn], outputs[turn]
	}
	if err := lifesign.UpdateBatch(writes); err != nil {
		b.Fatal(err)
	}
}
