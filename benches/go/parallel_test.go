package benches

import (
	"sync/atomic"
	"testing"
)

// With as many goroutines as -cpu says: how much all of them together do. The
// figure of an operation is the time divided by the operations of all.

// sip is how many statuses a goroutine reads before it asks whether it is to go
// on, which costs as much as reading one.
const sip = 64

func BenchmarkStatusParallel(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		var wrong atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if passing, _ := p.statuses(sip); passing != sip {
					wrong.Add(1)
				}
			}
		})
		b.StopTimer()
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/sip, "ns/op")
		none(b, &wrong)
	})
}

func BenchmarkSnapshotParallel(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		var wrong atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			kept := new(kept)
			for pb.Next() {
				if passing, output := p.whole(kept); !passing || output != outputs[0] {
					wrong.Add(1)
				}
			}
		})
		b.StopTimer()
		none(b, &wrong)
	})
}

// Each goroutine has a check of its own, of a service of its own.
func BenchmarkFlipParallel(b *testing.B) {
	each(b, func(b *testing.B, p peer) {
		var writers, turns atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			check := int(writers.Add(1)-1) % node
			turn := 0
			for pb.Next() {
				turn = 1 - turn
				p.flip(check, turn)
			}
			if check == 0 {
				turns.Store(int64(turn))
			}
		})
		b.StopTimer()
		shows(b, p, int(turns.Load()))
	})
}

func none(b *testing.B, wrong *atomic.Int64) {
	if n := wrong.Load(); n != 0 {
		b.Errorf("%d reads were wrong", n)
	}
}
