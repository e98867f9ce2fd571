package benches

import (
	"testing"

	"lifesign.dev/lifesign"
)

func BenchmarkFlip(b *testing.B) {
	each(b, flips)
	byItself(b, byTurns, func(r *reports, checks *[batchSize]uint64, times int) int {
		return r.flips(checks[0], times)
	})
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

// The same status and output again.
func BenchmarkHeartbeat(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		for i := 0; i < b.N; i++ {
			p.flip(0, 0)
		}
		b.StopTimer()
		shows(b, p, 0)
	})
	byItself(b, unturned, func(r *reports, checks *[batchSize]uint64, times int) int {
		return r.heartbeats(checks[0], times)
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
			for j := range writes {
				writes[j].Token, writes[j].Status, writes[j].Output = e.tokens[j], statuses[i%2], outputs[i%2]
			}
			if err := lifesign.UpdateBatch(writes); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		shows(b, e, b.N%2)
	})
	byItself(b, byTurns, func(r *reports, checks *[batchSize]uint64, times int) int {
		return r.batches(checks, times)
	})
}
