package lifesign_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

func idsOf(events []lifesign.Event) []string {
	var ids []string
	for _, event := range events {
		ids = append(ids, event.Kind.String()+" "+event.ID)
	}
	slices.Sort(ids)
	return ids
}

// Who continues from a cursor is told what has changed since, and nothing else.
func TestResume(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	token := must(register(t, engine, "web:http", web).Acquire("probe"))(t)
	gone := register(t, engine, "gone", nil)
	register(t, engine, "still", nil)
	must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	first := subscribe(t, engine, lifesign.Filter{})
	if first.Cursor() != (lifesign.Cursor{}) {
		t.Errorf("before anything was delivered it stands at %v", first.Cursor())
	}
	drain(t, first)
	at := first.Cursor()
	check(t, first.Close())

	check(t, token.Update(lifesign.Warning, "slow"))
	check(t, gone.Deregister())
	register(t, engine, "new", nil)
	again := subscribe(t, engine, lifesign.Filter{Since: at})
	if again.Cursor() != at {
		t.Errorf("resumed at %v it stands at %v", at, again.Cursor())
	}
	want := []string{"state alias", "state new", "state web:http", "tombstone gone"}
	if got := idsOf(drain(t, again)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := drain(t, subscribe(t, engine, lifesign.Filter{Since: again.Cursor()})); len(got) != 0 {
		t.Errorf("nothing has changed, and came: %+v", got)
	}
}

// A cursor of another engine is answered with the whole state, and says so; one
// that was never given out is refused.
func TestForeignAndFutureCursors(t *testing.T) {
	engine, other := open(t, lifesign.Config{}), open(t, lifesign.Config{})
	register(t, engine, "http", nil)
	register(t, other, "http", nil)
	register(t, other, "late", nil)
	elsewhere := subscribe(t, other, lifesign.Filter{})
	drain(t, elsewhere)

	reset := subscribe(t, engine, lifesign.Filter{Since: elsewhere.Cursor()})
	batch := must(reset.Poll())(t)
	if !batch.Reset || !batch.Resync || !slices.Equal(idsOf(batch.Events), []string{"state http"}) {
		t.Errorf("%+v", batch)
	}
	if batch := must(subscribe(t, engine, lifesign.Filter{}).Poll())(t); batch.Reset {
		t.Errorf("without a cursor: %+v", batch)
	}
	// In a loop it is an event to the same effect.
	looped := subscribe(t, engine, lifesign.Filter{Since: elsewhere.Cursor()})
	for event, err := range looped.Events(patient(t)) {
		check(t, err)
		if event.Kind != lifesign.Resync {
			t.Errorf("the first event is %+v", event)
		}
		break
	}

	var future lifesign.Cursor
	own := must(subscribe(t, engine, lifesign.Filter{}).Poll())(t).Cursor
	check(t, future.UnmarshalText([]byte(own.String()+"000000")))
	_, err := engine.Subscribe(lifesign.Filter{Since: future})
	refused(t, err, lifesign.ErrFutureCursor)
}

// A cursor comes back from a file, from a URL and from JSON as the same.
func TestCursorAsText(t *testing.T) {
	engine := open(t, lifesign.Config{})
	register(t, engine, "http", nil)
	subscription := subscribe(t, engine, lifesign.Filter{})
	drain(t, subscription)
	for _, cursor := range []lifesign.Cursor{subscription.Cursor(), {}} {
		text := must(cursor.MarshalText())(t)
		var parsed lifesign.Cursor
		check(t, parsed.UnmarshalText(text))
		if parsed != cursor || string(text) != cursor.String() || url.QueryEscape(string(text)) != string(text) {
			t.Errorf("%v came back as %v", cursor, parsed)
		}
		var kept struct{ At lifesign.Cursor }
		check(t, json.Unmarshal(must(json.Marshal(struct{ At lifesign.Cursor }{cursor}))(t), &kept))
		if kept.At != cursor {
			t.Errorf("%v came back from JSON as %v", cursor, kept.At)
		}
	}
	whole := subscription.Cursor().String()
	for _, bad := range []string{"x", whole[1:], "0" + whole, whole + "x", whole[:32], whole[:33], whole[:33] + "-1", whole[:33] + "18446744073709551616"} {
		parsed := subscription.Cursor()
		refused(t, parsed.UnmarshalText([]byte(bad)), lifesign.ErrInvalid)
		if parsed != subscription.Cursor() {
			t.Errorf("%q changed the cursor to %v", bad, parsed)
		}
	}
}

// A wait whose time is up leaves a bookmark: what did not match is behind it.
func TestBookmark(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "other", nil).Acquire("probe"))(t)
	filter := lifesign.Filter{Prefix: "web"}
	subscription := subscribe(t, engine, filter)
	drain(t, subscription)
	before := subscription.Cursor()
	for i := range 10 {
		check(t, token.Update(lifesign.Passing+lifesign.Status(i%3), "not of interest"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := subscription.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	bookmark := subscription.Cursor()
	if bookmark == before {
		t.Errorf("the bookmark is where the last batch was: %v", bookmark)
	}
	register(t, engine, "web:http", nil)
	filter.Since = bookmark
	if got := idsOf(drain(t, subscribe(t, engine, filter))); !slices.Equal(got, []string{"state web:http"}) {
		t.Errorf("since the bookmark: %q", got)
	}
}

// A loop that was left stands before what its body did not take.
func TestCursorOfALoopThatWasLeft(t *testing.T) {
	engine := open(t, lifesign.Config{})
	for _, id := range []string{"a", "b", "c"} {
		register(t, engine, id, nil)
	}
	start := subscribe(t, engine, lifesign.Filter{})
	drain(t, start)
	for _, id := range []string{"a", "b", "c"} {
		token, err := must(engine.Check(id))(t).Acquire("probe")
		check(t, hold(t, token, err).Update(lifesign.Passing, "up"))
	}
	subscription := subscribe(t, engine, lifesign.Filter{Since: start.Cursor()})
	taken := 0
	for _, err := range subscription.Events(patient(t)) {
		check(t, err)
		if taken++; taken == 2 {
			break
		}
	}
	if subscription.Cursor() != start.Cursor() {
		t.Errorf("with an event left it stands at %v, and began at %v", subscription.Cursor(), start.Cursor())
	}
	for _, err := range subscription.Events(patient(t)) {
		check(t, err)
		break
	}
	if got := drain(t, subscribe(t, engine, lifesign.Filter{Since: subscription.Cursor()})); len(got) != 0 {
		t.Errorf("all was taken, and came again: %+v", got)
	}
}

// Who asks for transitions is neither told of other commits nor woken by them,
// and misses none.
func TestTransitionsOnly(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "http", nil)
	token := must(http.Acquire("probe"))(t)
	subscription := subscribe(t, engine, lifesign.Filter{TransitionsOnly: true})
	drain(t, subscription)
	for _, output := range []string{"one", "two", "three"} {
		check(t, token.Update(lifesign.Critical, output))
	}
	if got := drain(t, subscription); len(got) != 0 {
		t.Errorf("texts alone: %+v", got)
	}
	done := make(chan lifesign.Batch, 1)
	failed := make(chan error, 1)
	go func() {
		batch, err := subscription.Next(patient(t))
		done <- batch
		failed <- err
	}()
	eventually(t, "the subscriber sleeps", func() bool { return sleepers() == 1 })
	before := must(engine.Stats())(t).SpuriousWakes
	check(t, token.Update(lifesign.Critical, "four"))
	check(t, token.Update(lifesign.Passing, "five"))
	batch := <-done
	check(t, <-failed)
	if len(batch.Events) != 1 || batch.Events[0].Status != lifesign.Passing || batch.Events[0].Transitions != 1 {
		t.Errorf("%+v", batch.Events)
	}
	if after := must(engine.Stats())(t).SpuriousWakes; after != before {
		t.Errorf("%d wakes for nothing", after-before)
	}
	check(t, token.DeregisterCheck())
	if got := idsOf(drain(t, subscription)); !slices.Equal(got, []string{"tombstone http"}) {
		t.Errorf("the end: %q", got)
	}
}
