package benches

import "testing"

// byItself measures the engine without Go: what does its work so many times in
// one call, which leaves check 0 as after a flip to that turn.
func byItself(b *testing.B, turn func(times int) int, work func(r *reports, checks *[batchSize]uint64, times int) int) {
	b.Run("engine", func(b *testing.B) {
		e := newLifesign(b, node)
		var checks [batchSize]uint64
		for i := range checks {
			checks[i] = e.checks[i].Handle()
			// The writer is on the other side.
			if err := e.tokens[i].Close(); err != nil {
				b.Fatal(err)
			}
		}
		r := newReports(outputs[0], outputs[1])
		defer r.free()
		b.ResetTimer()
		done := work(r, &checks, b.N)
		b.StopTimer()
		if done != b.N {
			b.Errorf("%d of %d went right", done, b.N)
		}
		shows(b, e, turn(b.N))
	})
}

// What a number of writes leaves behind.
func byTurns(times int) int { return times % 2 }
func unturned(int) int      { return 0 }
