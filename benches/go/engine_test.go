package benches

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// What Go adds to the engine: the same through Go and in one call on the other
// side, and bare calls, each in turns of some microseconds, because small
// differences are lost otherwise in what changes from one second to the next. A
// figure is the median of the turns.

// turn is how many operations a side makes in one, if they are short; even, so
// that flips go on as they began.
const turn = 32

func BenchmarkSnapshotPaired(b *testing.B) {
	var buffer lifesign.SnapshotBuffer
	paired(b, turn, func(e *engine, times int) int {
		for i := range times {
			// What lies in the buffer is always another's.
			e.readInto(b, &buffer, e.checks[i%2])
		}
		return times
	}, (*ownSide).snapshots)
}

func BenchmarkFlipPaired(b *testing.B) {
	paired(b, turn, func(e *engine, times int) int {
		for i := 1; i <= times; i++ {
			e.flip(0, i%2)
		}
		return times
	}, (*ownSide).flips)
}

// With an alias of the service, which is read after each flip; and Consul's, on a
// node of two checks, of which nobody asks more than to be told.
func BenchmarkFlipUntilAliasPaired(b *testing.B) {
	told := newConsulTold(b, 1)
	told.watch(b)
	pairedWith(b, (*engine).watch, turn, func(e *engine, times int) int {
		for i := 1; i <= times; i++ {
			e.untilAlias(i % 2)
		}
		return times
	}, (*ownSide).flips, side{"consul-told", turn, func(times int) int {
		for i := 1; i <= times; i++ {
			told.untilAlias(i % 2)
		}
		return times
	}})
	shows(b, told, 0)
	if !told.aliasPassing() {
		b.Error("the alias is behind")
	}
}

func BenchmarkHeartbeatPaired(b *testing.B) {
	paired(b, turn, func(e *engine, times int) int {
		for range times {
			e.flip(0, 0)
		}
		return times
	}, (*ownSide).heartbeats)
}

// A figure is that of all 64 flips.
func BenchmarkBatchPaired(b *testing.B) {
	writes := make([]lifesign.Write, batchSize)
	paired(b, 2, func(e *engine, times int) int {
		for i := 1; i <= times; i++ {
			e.batch(b, writes, i%2)
		}
		return times
	}, (*ownSide).batches)
}

// side is what does an operation so many times and says how many went right. A
// turn of it is of so many.
type side struct {
	name string
	turn int
	do   func(times int) int
}

// byTurns measures each of the sides.
func byTurns(b *testing.B, sides []side) {
	for _, side := range sides {
		side.do(side.turn)
	}
	spent := make([][]float64, len(sides))
	b.ResetTimer()
	for done := 0; done < b.N; done += sides[0].turn {
		for i, side := range sides {
			start := time.Now()
			right := side.do(side.turn)
			spent[i] = append(spent[i], float64(time.Since(start).Nanoseconds())/float64(side.turn))
			if right != side.turn {
				b.Fatalf("%s: %d of %d went right", side.name, right, side.turn)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // which would be of all together
	// The median of the first, and that times the median of the turns' ratios: a
	// machine that is slower for some of the turns is so for all sides.
	first := median(spent[0])
	for i, side := range sides {
		ratios := make([]float64, len(spent[i]))
		for turn := range ratios {
			ratios[turn] = spent[i][turn] / spent[0][turn]
		}
		b.ReportMetric(first*median(ratios), side.name+"-ns/op")
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// paired measures the three by turns of so many operations.
func paired(b *testing.B, times int, fromGo func(e *engine, times int) int, ownSide func(own *ownSide, times int) int) {
	pairedWith(b, func(*engine, testing.TB) {}, times, fromGo, ownSide)
}

// pairedWith prepares the engines of both sides alike before that, and measures
// others too.
func pairedWith(b *testing.B, prepare func(e *engine, tb testing.TB), times int,
	fromGo func(e *engine, times int) int, ownSide func(own *ownSide, times int) int, others ...side) {
	e, version := newLifesign(b, node), lifesign.ABIVersion()
	other, own := newOther(b)
	prepare(e, b)
	prepare(other, b)
	byTurns(b, append([]side{
		{"lifesign", times, func(times int) int { return fromGo(e, times) }},
		{"engine", times, func(times int) int { return ownSide(own, times) }},
		{"call", turn, func(times int) (right int) {
			for range times {
				if lifesign.ABIVersion() == version {
					right++
				}
			}
			return right
		}},
	}, others...))
	shows(b, e, 0)
	shows(b, other, 0)
	runtime.KeepAlive(other)
}

// newOther is an engine that is written on the other side.
func newOther(b *testing.B) (*engine, *ownSide) {
	e := newLifesign(b, node)
	var checks [batchSize]uint64
	for i := range checks {
		checks[i] = e.checks[i].Handle()
		if err := e.tokens[i].Close(); err != nil {
			b.Fatal(err)
		}
	}
	own, all := newOwnSide(checks, outputs[0], outputs[1])
	b.Cleanup(own.close)
	if !all {
		b.Fatal("a check is held by somebody else")
	}
	return e, own
}
