package lifesign_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"lifesign.dev/lifesign"
)

// logged is what a JSON log has of a value.
func logged(t *testing.T, value any) map[string]any {
	t.Helper()
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).Info("", "it", value)
	var entry struct{ It map[string]any }
	if err := json.Unmarshal(line.Bytes(), &entry); err != nil {
		t.Fatalf("%s: %v", &line, err)
	}
	return entry.It
}

// says checks what a log has at a path such as holder.label.
func says(t *testing.T, entry map[string]any, want map[string]any) {
	t.Helper()
	for path, value := range want {
		var at any = entry
		for key := range strings.SplitSeq(path, ".") {
			group, _ := at.(map[string]any)
			at = group[key]
		}
		if at != value {
			t.Errorf("%s is %v, want %v, in %v", path, at, value, entry)
		}
	}
}

func TestLoggedRefusal(t *testing.T) {
	engine := open(t, lifesign.Config{Name: "agent", Version: "1.0"})
	http := register(t, engine, "web:http", nil)
	holder := must(http.Acquire("the holder"))(t)
	_, err := http.Acquire("the rival")
	says(t, logged(t, err), map[string]any{
		"code": "HELD", "holder.label": "the holder", "holder.name": "agent", "holder.version": "1.0", "holder.build": nil,
		"caller.label": "the rival", "generation": float64(holder.Generation()),
	})
	says(t, logged(t, must(http.Who())(t)), map[string]any{"holder.label": "the holder", "orphaned": nil})
	check(t, http.ForceDeregister("the test"))
	gone := refused(t, holder.Update(lifesign.Passing, ""), lifesign.ErrGone)
	says(t, logged(t, gone), map[string]any{"code": "GONE", "holder": nil})
	check(t, holder.Close())
}

func TestLoggedStates(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Service: web, Data: []byte("opaque")}))(t)
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	changes, trouble := subscribe(t, engine, lifesign.Filter{Check: http}), subscribe(t, engine, lifesign.Filter{Trouble: true})
	says(t, logged(t, must(http.Snapshot())(t)), map[string]any{"id": "web:http", "status": "critical", "initial": true, "Data": nil, "data": nil})
	token, err := http.Acquire("probe")
	hold(t, token, err)
	check(t, token.Update(lifesign.Warning, "slow"))
	says(t, logged(t, must(alias.Snapshot())(t)), map[string]any{"target": "web", "status": "warning", "initial": nil})
	view := logged(t, must(web.Snapshot())(t))
	says(t, view, map[string]any{"id": "web", "status": "warning", "checks": 1.0})
	if bad, ok := view["bad"].([]any); !ok || !slices.Equal(bad, []any{"web:http"}) {
		t.Errorf("bad are %v", view["bad"])
	}
	events := drain(t, changes)
	says(t, logged(t, events[len(events)-1]), map[string]any{"kind": "state", "id": "web:http", "service": "web", "output": "slow"})
	says(t, logged(t, lifesign.Event{Kind: lifesign.Resync}), map[string]any{"kind": "resync", "id": nil, "status": nil})
	says(t, logged(t, must(engine.Stats())(t)), map[string]any{"checks": 2.0, "aliases": 1.0, "repairs": nil})

	_, err = http.Acquire("the rival")
	refused(t, err, lifesign.ErrHeld)
	events = drain(t, trouble)
	want := map[string]any{"trouble": "refusal", "reason": "HELD", "id": "web:http", "offender.label": "the rival", "holder.label": "probe", "count": 1.0}
	says(t, logged(t, events[0].Trouble), want)
	want["kind"] = "trouble"
	says(t, logged(t, events[0]), want)
}

// Nobody is a nil record, and who logs one is not told of a panic.
func TestLoggedNobody(t *testing.T) {
	var line bytes.Buffer
	log := slog.New(slog.NewTextHandler(&line, nil))
	var refusal lifesign.Error
	log.Info("", "holder", refusal.Holder, "trouble", lifesign.Event{}.Trouble, "error", (*lifesign.Error)(nil))
	if !strings.HasSuffix(line.String(), "holder=<nil> trouble=<nil> error=<nil>\n") {
		t.Error(line.String())
	}
	says(t, logged(t, lifesign.Event{Kind: lifesign.TroubleEvent}), map[string]any{"kind": "trouble"})
}

// A wrapped refusal is a text in a log, which says the same.
func TestLoggedWrapped(t *testing.T) {
	var line bytes.Buffer
	refusal := &lifesign.Error{Code: lifesign.ErrHeld, Message: "somebody holds it"}
	slog.New(slog.NewTextHandler(&line, nil)).Info("", "error", fmt.Errorf("starting the probe: %w", refusal))
	if want := `error="starting the probe: lifesign: HELD: somebody holds it"`; !strings.Contains(line.String(), want) {
		t.Error(line.String())
	}
}

func TestUUIDAsText(t *testing.T) {
	id := must(open(t, lifesign.Config{}).ID())(t)
	text := must(json.Marshal(id))(t)
	if string(text) != `"`+id.String()+`"` {
		t.Errorf("%s is not %v", text, id)
	}
	var again lifesign.UUID
	check(t, json.Unmarshal(text, &again))
	check(t, again.UnmarshalText([]byte(strings.ToUpper(id.String()))))
	if again != id {
		t.Errorf("%v became %v", id, again)
	}
	plain := strings.ReplaceAll(id.String(), "-", "")
	for _, bad := range []string{"", "x", plain, plain + "-----", id.String() + "00", id.String()[2:], strings.Repeat("-", 36), "g" + id.String()[1:]} {
		if err := again.UnmarshalText([]byte(bad)); !errors.Is(err, lifesign.ErrInvalid) || again != id {
			t.Errorf("%q: %v, %v", bad, again, err)
		}
	}
}
