package lifesign_test

import (
	"fmt"
	"slices"
	"testing"

	"lifesign.dev/lifesign"
)

func told(events []lifesign.Event) []string {
	var list []string
	for _, event := range events {
		list = append(list, fmt.Sprintf("%v %s %v", event.Kind, event.ID, event.Status))
	}
	return list
}

func expect(t *testing.T, events []lifesign.Event, want ...string) {
	t.Helper()
	if got := told(events); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSubscription(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Name: "HTTP", Service: web, Data: []byte("d")}))(t)
	token := must(http.Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "one"))

	subscription := subscribe(t, engine, lifesign.Filter{})
	events := drain(t, subscription)
	expect(t, events, "state web:http passing")
	if first := events[0]; first.Name != "HTTP" || first.Service != "web" || first.Output != "one" || string(first.Data) != "d" || first.Check != http.Handle() {
		t.Errorf("%+v", first)
	}
	expect(t, drain(t, subscription))

	check(t, token.Update(lifesign.Critical, "two"))
	check(t, token.Update(lifesign.Warning, "three"))
	merged := drain(t, subscription)
	expect(t, merged, "state web:http warning")
	if merged[0].Version <= events[0].Version+1 || merged[0].Transitions != events[0].Transitions+2 || merged[0].Output != "three" {
		t.Errorf("two commits in one: %+v", merged[0])
	}

	incarnation := merged[0].Incarnation
	check(t, token.DeregisterCheck())
	gone := drain(t, subscription)
	expect(t, gone, "tombstone web:http warning")
	if !gone[0].Gone || gone[0].Output != "three" || gone[0].Incarnation != incarnation {
		t.Errorf("%+v", gone[0])
	}
	register(t, engine, "web:http", web)
	again := drain(t, subscription)
	expect(t, again, "state web:http critical")
	if again[0].Incarnation <= incarnation || !again[0].Initial {
		t.Errorf("%+v", again[0])
	}
}

func TestFilters(t *testing.T) {
	engine := open(t, lifesign.Config{})
	tokens := map[string]*lifesign.Token{}
	for _, name := range []string{"web", "api"} {
		of := service(t, engine, name)
		for _, kind := range []string{":http", ":tcp"} {
			tokens[name+kind] = must(register(t, engine, name+kind, of).Acquire("probe"))(t)
			check(t, tokens[name+kind].Update(lifesign.Passing, ""))
		}
	}
	web := must(engine.Service("web"))(t)
	http := must(engine.Check("web:http"))(t)
	byName := map[string]*lifesign.Subscription{
		"all":     subscribe(t, engine, lifesign.Filter{}),
		"service": subscribe(t, engine, lifesign.Filter{Service: web}),
		"check":   subscribe(t, engine, lifesign.Filter{Check: http}),
		"prefix":  subscribe(t, engine, lifesign.Filter{Prefix: "api:"}),
		"bad":     subscribe(t, engine, lifesign.Filter{MinStatus: lifesign.Critical}),
	}
	sorted := func(name string) []string {
		list := told(drain(t, byName[name]))
		slices.Sort(list)
		return list
	}
	want := func(step string, expected map[string][]string) {
		t.Helper()
		for name := range byName {
			if got := sorted(name); !slices.Equal(got, expected[name]) {
				t.Errorf("%s, %s: got %q, want %q", step, name, got, expected[name])
			}
		}
	}
	want("at first", map[string][]string{
		"all":     {"state api:http passing", "state api:tcp passing", "state web:http passing", "state web:tcp passing"},
		"service": {"state web:http passing", "state web:tcp passing"},
		"check":   {"state web:http passing"},
		"prefix":  {"state api:http passing", "state api:tcp passing"},
	})
	check(t, tokens["web:http"].Update(lifesign.Critical, "down"))
	want("web:http critical", map[string][]string{
		"all": {"state web:http critical"}, "service": {"state web:http critical"},
		"check": {"state web:http critical"}, "bad": {"state web:http critical"},
	})
	check(t, tokens["web:http"].Update(lifesign.Passing, "up"))
	check(t, tokens["api:tcp"].Update(lifesign.Warning, "slow"))
	want("recovered", map[string][]string{
		"all":     {"state api:tcp warning", "state web:http passing"},
		"service": {"state web:http passing"},
		"check":   {"state web:http passing"},
		"prefix":  {"state api:tcp warning"},
		// The status before reached it.
		"bad": {"state web:http passing"},
	})
	check(t, tokens["api:http"].DeregisterCheck())
	want("deregistered", map[string][]string{
		"all": {"tombstone api:http passing"}, "prefix": {"tombstone api:http passing"},
	})
}

func TestSummary(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := must(register(t, engine, "web:http", web).Acquire("probe"))(t)
	disk := must(register(t, engine, "disk", nil).Acquire("probe"))(t)
	check(t, http.Update(lifesign.Passing, ""))
	check(t, disk.Update(lifesign.Passing, ""))
	subscription := subscribe(t, engine, lifesign.Filter{Service: web, Summary: true})
	summary := func() lifesign.Event {
		t.Helper()
		var last lifesign.Event
		for _, event := range drain(t, subscription) {
			if event.Kind == lifesign.Summary {
				last = event
			}
		}
		return last
	}
	if first := summary(); first.ID != "web" || first.Status != lifesign.Passing || first.Check != web.Handle() {
		t.Errorf("%+v", first)
	}
	check(t, http.Update(lifesign.Warning, "slow"))
	if warning := summary(); warning.ID != "web" || warning.Status != lifesign.Warning {
		t.Errorf("%+v", warning)
	}
	// A check of the node alone.
	check(t, disk.Update(lifesign.Critical, "full"))
	if critical := summary(); critical.ID != "web" || critical.Status != lifesign.Critical {
		t.Errorf("%+v", critical)
	}
}

// An alias's events follow its target.
func TestAliasEvents(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "web:http", service(t, engine, "web")).Acquire("probe"))(t)
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	subscription := subscribe(t, engine, lifesign.Filter{Check: alias})
	expect(t, drain(t, subscription), "state alias critical")
	for _, status := range []lifesign.Status{lifesign.Passing, lifesign.Warning, lifesign.Critical, lifesign.Passing} {
		check(t, token.Update(status, "it is "+status.String()))
		expect(t, drain(t, subscription), "state alias "+status.String())
	}
}

// More state than a batch takes, and then more tombstones than are kept.
func TestManyEvents(t *testing.T) {
	engine := open(t, lifesign.Config{MaxPending: 16})
	var tokens []*lifesign.Token
	for i := range 300 {
		token := must(register(t, engine, fmt.Sprintf("check-%03d", i), nil).Acquire("probe"))(t)
		check(t, token.Update(lifesign.Passing, fmt.Sprintf("output of %d", i)))
		tokens = append(tokens, token)
	}
	subscription := subscribe(t, engine, lifesign.Filter{})
	known := map[string]lifesign.Status{}
	resyncs := 0
	take := func() {
		t.Helper()
		for event, err := range subscription.Events(patient(t)) {
			check(t, err)
			switch event.Kind {
			case lifesign.Resync:
				resyncs++
				clear(known)
			case lifesign.Tombstone:
				delete(known, event.ID)
			default:
				known[event.ID] = event.Status
			}
			if event.ID == "last" {
				return
			}
		}
	}
	last := must(register(t, engine, "last", nil).Acquire("probe"))(t)
	take()
	expect(t, drain(t, subscription))
	if len(known) != 301 || resyncs != 0 {
		t.Errorf("%d of 301 known, %d resyncs", len(known), resyncs)
	}
	for _, token := range tokens[:200] {
		check(t, token.DeregisterCheck())
	}
	check(t, last.Update(lifesign.Warning, "the newest of all"))
	take()
	for _, event := range drain(t, subscription) {
		known[event.ID] = event.Status
	}
	if len(known) != 101 || resyncs != 1 || known["last"] != lifesign.Warning || known["check-299"] != lifesign.Passing {
		t.Errorf("%d of 101 known, %d resyncs", len(known), resyncs)
	}
	if stats := must(engine.Stats())(t); stats.Resyncs != 1 {
		t.Errorf("%d resyncs counted", stats.Resyncs)
	}
}

// What an abandoned loop did not take is not lost.
func TestEventsLeftEarly(t *testing.T) {
	engine := open(t, lifesign.Config{})
	for _, id := range []string{"a", "b", "c", "d"} {
		register(t, engine, id, nil)
	}
	subscription := subscribe(t, engine, lifesign.Filter{})
	var ids []string
	for event, err := range subscription.Events(patient(t)) {
		check(t, err)
		ids = append(ids, event.ID)
		break
	}
	func() {
		defer func() { recover() }()
		for event, err := range subscription.Events(patient(t)) {
			check(t, err)
			ids = append(ids, event.ID)
			panic("in the loop")
		}
	}()
	for _, event := range drain(t, subscription) {
		ids = append(ids, event.ID)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"a", "b", "c", "d"}) {
		t.Errorf("delivered %q", ids)
	}
}

func TestCursor(t *testing.T) {
	engine := open(t, lifesign.Config{})
	subscription := subscribe(t, engine, lifesign.Filter{})
	first := must(subscription.Poll())(t)
	register(t, engine, "a", nil)
	second := must(subscription.Poll())(t)
	if first.Cursor == second.Cursor || second.Cursor.String() == first.Cursor.String() {
		t.Errorf("%v, then %v", first.Cursor, second.Cursor)
	}
}
