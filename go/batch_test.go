package lifesign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// Each write of a batch commits by itself, whatever befalls the others.
func TestUpdateBatch(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	tokens := map[string]*lifesign.Token{}
	for _, id := range []string{"a", "fenced", "b", "gone", "c", "closed"} {
		tokens[id] = must(register(t, engine, id, web).Acquire(id))(t)
	}
	rival, err := must(engine.Check("fenced"))(t).TakeOver(tokens["fenced"].Generation(), "the rival")
	hold(t, rival, err)
	check(t, tokens["gone"].DeregisterCheck())
	check(t, tokens["closed"].Close())
	check(t, tokens["c"].Update(lifesign.Warning, "as before"))

	writes := []lifesign.Write{
		{Token: tokens["a"], Status: lifesign.Passing, Output: "ä"},
		{Token: tokens["fenced"], Status: lifesign.Critical, Output: "late"},
		{Token: tokens["b"], Status: lifesign.Warning, Output: ""},
		{Token: tokens["gone"], Status: lifesign.Passing, Output: "late"},
		{Token: tokens["c"], Status: lifesign.Warning, Output: "as before"},
		{Token: tokens["closed"], Status: lifesign.Passing, Output: "late"},
		{Token: tokens["a"], Status: lifesign.Critical, Output: "the second write of a"},
	}
	first := lifesign.UpdateBatch(writes)
	refusal := refused(t, first, lifesign.ErrFenced)
	if refusal.Caller == nil || refusal.Caller.Label != "fenced" || refusal.Holder == nil || refusal.Holder.Label != "the rival" {
		t.Errorf("caller %v, holder %v", refusal.Caller, refusal.Holder)
	}
	if writes[1].Err != first {
		t.Errorf("the first refusal is %v, and that of its write %v", first, writes[1].Err)
	}
	if gone := refused(t, writes[3].Err, lifesign.ErrGone); gone.Caller == nil || gone.Caller.Label != "gone" {
		t.Errorf("caller %v", gone.Caller)
	}
	refused(t, writes[5].Err, lifesign.ErrClosed)
	for _, i := range []int{0, 2, 4, 6} {
		check(t, writes[i].Err)
	}
	shown := func(id string) lifesign.Snapshot { return must(must(engine.Check(id))(t).Snapshot())(t) }
	for id, want := range map[string]lifesign.Write{"a": writes[6], "b": writes[2], "c": writes[4]} {
		if got := shown(id); got.Status != want.Status || got.Output != want.Output || got.Revision != want.Revision {
			t.Errorf("%s shows %+v, written was %+v", id, got, want)
		}
	}
	if writes[0].Revision == 0 || writes[0].Revision >= writes[2].Revision || writes[2].Revision >= writes[6].Revision || writes[1].Revision != 0 {
		t.Errorf("revisions: %+v", writes)
	}
	if alias.Status() != lifesign.Critical || !strings.Contains(must(alias.Snapshot())(t).Output, "the second write of a") {
		t.Errorf("the alias shows %+v", must(alias.Snapshot())(t))
	}

	// The results of an earlier use are no part of a write.
	again := []lifesign.Write{writes[0], writes[2]}
	again[1].Err = first
	check(t, lifesign.UpdateBatch(again))
	if again[1].Err != nil {
		t.Error(again[1].Err)
	}
	check(t, lifesign.UpdateBatch(nil))
}

// More writes, and more text, than the memory begins with; the sizes go up and
// down.
func TestUpdateBatchOfManySizes(t *testing.T) {
	engine := open(t, lifesign.Config{})
	var writes []lifesign.Write
	for i := range 300 {
		token := must(register(t, engine, fmt.Sprint("check-", i), nil).Acquire("probe"))(t)
		writes = append(writes, lifesign.Write{Token: token})
	}
	for round, size := range []int{1, 300, 2, 150, 64, 65, 300} {
		batch := writes[:size]
		for i := range batch {
			batch[i].Status = lifesign.Passing + lifesign.Status(round%3)
			batch[i].Output = strings.Repeat(fmt.Sprint(round, i, " "), i)
		}
		check(t, lifesign.UpdateBatch(batch))
		for i, write := range batch {
			got := must(must(engine.Check(fmt.Sprint("check-", i)))(t).Snapshot())(t)
			if got.Status != write.Status || got.Output != write.Output || got.Revision != write.Revision {
				t.Fatalf("round %d, write %d: %+v shows as %+v", round, i, write, got)
			}
		}
	}
}

// A batch renews leases as single reports do, and meets those that ran out.
func TestUpdateBatchAndLeases(t *testing.T) {
	c := manual(t, lifesign.Config{})
	var writes []lifesign.Write
	for _, id := range []string{"kept", "lost"} {
		token := must(register(t, c.engine, id, nil).Acquire(id, lifesign.WithLease(10*time.Second, lifesign.LapseKeep)))(t)
		writes = append(writes, lifesign.Write{Token: token, Status: lifesign.Passing, Output: "fine"})
	}
	check(t, lifesign.UpdateBatch(writes))
	c.pass(9 * time.Second)
	check(t, lifesign.UpdateBatch(writes[:1]))
	c.pass(9 * time.Second)
	refused(t, lifesign.UpdateBatch(writes), lifesign.ErrExpired)
	if writes[0].Err != nil || writes[1].Err == nil {
		t.Errorf("%+v", writes)
	}
}
