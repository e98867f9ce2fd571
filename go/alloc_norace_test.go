//go:build !race

package lifesign_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"lifesign.dev/lifesign"
)

// Under the race detector sync.Pool forgets at random, on purpose.
func TestUpdateAllocatesNothing(t *testing.T) {
	token := must(register(t, open(t, lifesign.Config{}), "http", nil).Acquire("probe"))(t)
	outputs, n := [...]string{"200 OK", "500 Internal Server Error"}, 0
	allocations := testing.AllocsPerRun(1000, func() {
		n++
		if err := token.Update(lifesign.Passing+lifesign.Status(n%2), outputs[n%2]); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestHeartbeatAllocatesNothing(t *testing.T) {
	token := must(register(t, open(t, lifesign.Config{}), "http", nil).Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "200 OK"))
	for what, beat := range map[string]func() error{
		"the same again": func() error { return token.Update(lifesign.Passing, "200 OK") }, "renewal": token.Renew,
	} {
		if allocations := testing.AllocsPerRun(1000, func() { check(t, beat()) }); allocations != 0 {
			t.Errorf("%s: %v allocations", what, allocations)
		}
	}
}

func TestUpdateBatchAllocatesNothing(t *testing.T) {
	engine := open(t, lifesign.Config{})
	writes := make([]lifesign.Write, 64)
	for i := range writes {
		writes[i].Token = must(register(t, engine, fmt.Sprint("check-", i), nil).Acquire("probe"))(t)
	}
	n := 0
	allocations := testing.AllocsPerRun(1000, func() {
		n++
		for i := range writes {
			writes[i].Status, writes[i].Output = lifesign.Passing+lifesign.Status(n%2), "200 OK"
		}
		if err := lifesign.UpdateBatch(writes); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// The race detector does not see the order in the library's memory: under it a
// status is a call.
func TestStatusMakesNoCall(t *testing.T) {
	engine := open(t, lifesign.Config{})
	shown, _ := readers(t, engine)
	if calls := calls(func() {
		for range 1000 {
			for _, one := range shown {
				one.Status()
			}
			engine.NodeStatus()
		}
	}); calls != 0 {
		t.Errorf("%d calls into C", calls)
	}
}

// calls is how many calls into C something takes, which others may be making
// too: what other tests have forgotten is closed at any time.
func calls(f func()) int64 {
	least := int64(math.MaxInt64)
	for range 5 {
		before := runtime.NumCgoCall()
		f()
		least = min(least, runtime.NumCgoCall()-before)
	}
	return least
}

func TestSnapshotBufferAllocatesNothing(t *testing.T) {
	engine := open(t, lifesign.Config{})
	shown, token := readers(t, engine)
	check(t, token.Update(lifesign.Warning, "slow"))
	checks := make([]*lifesign.Check, 0, 64)
	for len(checks) < cap(checks) {
		checks = append(checks, shown["check"].(*lifesign.Check), shown["alias"].(*lifesign.Check))
	}
	var buffer lifesign.SnapshotBuffer
	read := func() {
		for _, snapshot := range must(buffer.Read(checks...))(t) {
			if snapshot.Status != lifesign.Warning || len(snapshot.Output) == 0 {
				t.Fatalf("%+v", snapshot)
			}
		}
	}
	if allocations := testing.AllocsPerRun(1000, read); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
	if calls := calls(read); calls != 1 {
		t.Errorf("%d calls into C", calls)
	}
}

// What was read before and stands as it was: no call, nor an allocation. What
// lies in the buffer is another's: one call.
func TestSnapshotsAgain(t *testing.T) {
	engine := open(t, lifesign.Config{})
	shown, token := readers(t, engine)
	check(t, token.Update(lifesign.Warning, "slow"))
	http, quiet := shown["check"].(*lifesign.Check), register(t, engine, "quiet", nil)
	var buffer, turns lifesign.SnapshotBuffer
	for _, each := range []struct {
		what  string
		read  func()
		calls int64
	}{
		{"the handle", func() { must(http.Snapshot())(t) }, 0},
		{"the buffer", func() { must(buffer.Read(http, quiet))(t) }, 0},
		{"by turns", func() { must(turns.Read(http))(t); must(turns.Read(quiet))(t) }, 2},
	} {
		each.read()
		each.read()
		if allocations := testing.AllocsPerRun(1000, each.read); allocations != 0 {
			t.Errorf("%s: %v allocations", each.what, allocations)
		}
		if calls := calls(each.read); calls != each.calls {
			t.Errorf("%s: %d calls into C", each.what, calls)
		}
	}
}
