package benches

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/consul/agent/structs"
	"lifesign.dev/lifesign"
)

// peer keeps the checks of one node. They are numbered, and each belongs to a
// service of its own. A turn is one of the two reports that are written: 0 is
// passing, 1 critical. All are passing at first.
type peer interface {
	// statuses reads the status of check 0 so many times and counts what it saw.
	statuses(times int) (passing, critical int)
	// whole reads all of check 0, as of one moment, and keeps it.
	whole(kept *kept) (passing bool, output string)
	// flip returns when the report is there for every reader of the check.
	flip(check, turn int)
}

// kept is where what was read whole is put, so that reading it whole is not
// optimised away.
type kept struct {
	lifesign lifesign.Snapshot
	consul   *structs.HealthCheck
	plain    state
}

var outputs = [2]string{"HTTP GET http://127.0.0.1:8080/: 200 OK", "HTTP GET http://127.0.0.1:8080/: no answer"}

// node is how many checks there are where their number is not what is measured.
const node = 100

var peers = []struct {
	name string
	make func(tb testing.TB, checks int) peer
}{
	{"lifesign", func(tb testing.TB, checks int) peer { return newLifesign(tb, checks) }},
	{"consul", func(tb testing.TB, checks int) peer { return newConsul(tb, checks) }},
	{"rwmutex-map", newRWMutexMap},
	{"sync-map", newSyncMap},
	{"atomic-pointer", newAtomicPointer},
}

// each measures every peer, which has to be right before and after.
func each(b *testing.B, measure func(b *testing.B, p peer)) {
	for _, candidate := range peers {
		b.Run(candidate.name, func(b *testing.B) {
			p := candidate.make(b, node)
			right(b, p)
			b.ReportAllocs()
			b.ResetTimer()
			measure(b, p)
			b.StopTimer()
			right(b, p)
		})
	}
}

// right fails unless the peer shows what is written, to the right check. It
// leaves check 0 passing.
func right(tb testing.TB, p peer) {
	tb.Helper()
	for _, turn := range []int{0, 1, 0, 1, 1, 0} {
		p.flip(0, turn)
		p.flip(1, 1-turn)
		shows(tb, p, turn)
	}
}

// shows fails unless check 0 is as after a flip to that turn.
func shows(tb testing.TB, p peer, turn int) {
	tb.Helper()
	if passing, output := p.whole(new(kept)); passing != (turn == 0) || output != outputs[turn] {
		tb.Fatalf("after a flip to %q: passing %t, %q", outputs[turn], passing, output)
	}
	if passing, critical := p.statuses(3); passing != 3*(1-turn) || critical != 3*turn {
		tb.Fatalf("after a flip to %q, of 3 reads %d say passing and %d critical", outputs[turn], passing, critical)
	}
}

// beside runs what is measured while a writer flips that check without a pause,
// and reports how often it did.
func beside(b *testing.B, p peer, check int, measured func()) {
	var stop atomic.Bool
	var flips atomic.Uint64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for turn := 1; !stop.Load(); turn = 1 - turn {
			p.flip(check, turn)
			flips.Add(1)
		}
	}()
	for flips.Load() == 0 {
		runtime.Gosched()
	}
	before := flips.Load()
	b.ResetTimer()
	measured()
	b.StopTimer()
	during := flips.Load() - before
	stop.Store(true)
	<-done
	if long(b) && during == 0 {
		b.Error("the writer wrote nothing meanwhile")
	}
	b.ReportMetric(float64(during)/b.Elapsed().Seconds(), "writes/s")
}

func twoProcessors(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("one beside the other needs a second processor")
	}
}

// long is whether a measurement took long enough for both sides of it to have
// met, be the machine busy with other things: the first ones are of a single
// operation.
func long(b *testing.B) bool { return b.Elapsed() > 150*time.Millisecond }

func TestPeersAreRight(t *testing.T) {
	for _, candidate := range peers {
		t.Run(candidate.name, func(t *testing.T) { right(t, candidate.make(t, 10)) })
	}
}

func checkID(check int) string   { return fmt.Sprintf("service-%04d:http", check) }
func serviceID(check int) string { return fmt.Sprintf("service-%04d", check) }

const checkName = "HTTP on port 8080"
