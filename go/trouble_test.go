package lifesign_test

import (
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// troubles takes what is pending of a subscription to trouble.
func troubles(t *testing.T, subscription *lifesign.Subscription) []lifesign.Trouble {
	t.Helper()
	var all []lifesign.Trouble
	for _, event := range drain(t, subscription) {
		if event.Kind != lifesign.TroubleEvent || event.Trouble == nil || event.ID != "" || event.Status != lifesign.Gone {
			t.Fatalf("%+v", event)
		}
		all = append(all, *event.Trouble)
	}
	return all
}

// Each trouble is told with both sides, and a crowd of the same as a count.
func TestTrouble(t *testing.T) {
	c := manual(t, lifesign.Config{})
	http := register(t, c.engine, "http", nil)
	subscription := subscribe(t, c.engine, lifesign.Filter{Trouble: true})
	if got := troubles(t, subscription); len(got) != 0 {
		t.Errorf("before there was any: %+v", got)
	}
	one := must(http.Acquire("one"))(t)
	check(t, one.Update(lifesign.Passing, "fine"))
	expect := func(kind lifesign.TroubleKind, reason lifesign.Code, offender, holder string, generation, count uint64) {
		t.Helper()
		got := troubles(t, subscription)
		if len(got) != 1 {
			t.Fatalf("%v: %+v", kind, got)
		}
		label := func(record *lifesign.WriterRecord) string {
			if record == nil {
				return ""
			}
			return record.Label
		}
		told := got[0]
		if told.Kind != kind || told.Reason != reason || told.ID != "http" || told.Check != http.Handle() || label(told.Offender) != offender ||
			label(told.Holder) != holder || told.Generation != generation || told.Count != count || told.Last.After(c.wall) || told.First.After(told.Last) || told.First.Before(c.wall.Add(-time.Second)) {
			t.Errorf("%v by %q, held by %q: %+v", told.Kind, label(told.Offender), label(told.Holder), told)
		}
	}
	rival := func() {
		_, err := http.Acquire("rival")
		refused(t, err, lifesign.ErrHeld)
	}
	rival()
	expect(lifesign.TroubleRefusal, lifesign.ErrHeld, "rival", "one", one.Generation(), 1)
	for range 100 {
		rival()
	}
	if got := troubles(t, subscription); len(got) != 0 {
		t.Errorf("within the same second: %+v", got)
	}
	c.pass(time.Second)
	expect(lifesign.TroubleRefusal, lifesign.ErrHeld, "rival", "one", one.Generation(), 100)

	two := must(http.TakeOver(one.Generation(), "two", lifesign.WithLease(10*time.Second, lifesign.LapseKeep)))(t)
	expect(lifesign.TroubleTakeOver, 0, "two", "one", two.Generation(), 1)
	refused(t, one.Update(lifesign.Critical, "late"), lifesign.ErrFenced)
	expect(lifesign.TroubleRefusal, lifesign.ErrFenced, "one", "two", two.Generation(), 1)
	c.pass(10*time.Second + 10*time.Millisecond)
	expect(lifesign.TroubleLapse, 0, "two", "", two.Generation(), 1)
	check(t, one.Close())
}

// Trouble wakes its subscriber, and nobody else's; it comes in a loop too.
func TestTroubleWakes(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "http", nil)
	subscription := subscribe(t, engine, lifesign.Filter{Trouble: true})
	states := subscribe(t, engine, lifesign.Filter{})
	holder, err := http.Acquire("holder")
	hold(t, holder, err)
	drain(t, states)
	go func() {
		for sleepers() != 1 {
			time.Sleep(time.Millisecond)
		}
		http.Acquire("rival")
	}()
	for event, err := range subscription.Events(patient(t)) {
		check(t, err)
		if event.Trouble == nil || event.Trouble.Offender == nil || event.Trouble.Offender.Label != "rival" {
			t.Errorf("%+v", event)
		}
		break
	}
	if got := drain(t, states); len(got) != 0 {
		t.Errorf("a subscription to states: %+v", got)
	}
}
