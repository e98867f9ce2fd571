package lifesign_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// What an engine exports is what the next one shows until it is reported anew.
func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	before := manual(t, lifesign.Config{})
	web := service(t, before.engine, "web")
	http := must(register(t, before.engine, "web:http", web).Acquire("probe"))(t)
	register(t, before.engine, "web:unreported", web)
	must(before.engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	check(t, http.Update(lifesign.Critical, "connection refused ✗"))
	since := before.wall
	before.pass(time.Minute)
	check(t, http.Update(lifesign.Critical, "connection refused ✗"))
	before.pass(time.Second)
	if count := must(before.engine.Export(path))(t); count != 1 {
		t.Errorf("%d checks were exported", count)
	}

	export := must(lifesign.ReadExport(path))(t)
	want := map[string]lifesign.Exported{"web:http": {
		State:    lifesign.Restored{Status: lifesign.Critical, Output: "connection refused ✗", Since: since.Local()},
		Reported: since.Add(time.Minute).Local(),
	}}
	if !reflect.DeepEqual(export, want) {
		t.Fatalf("got  %+v\nwant %+v", export, want)
	}

	engine := open(t, lifesign.Config{})
	watcher := subscribe(t, engine, lifesign.Filter{})
	web = service(t, engine, "web")
	state := export["web:http"].State
	spec := lifesign.CheckSpec{ID: "web:http", Service: web, Initial: lifesign.Passing, Restored: &state}
	again := must(engine.RegisterCheck(spec))(t)
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	restored := must(again.Snapshot())(t)
	if !restored.Restored || restored.Initial || restored.Status != lifesign.Critical || restored.Output != state.Output ||
		!restored.Since.Equal(since) || restored.Transitions != 0 {
		t.Errorf("%+v", restored)
	}
	if alias.Status() != lifesign.Critical {
		t.Errorf("the alias is %v", alias.Status())
	}
	if stats := must(engine.Stats())(t); stats.Transitions != 0 {
		t.Errorf("%d transitions", stats.Transitions)
	}
	drain(t, watcher)

	// Whatever was written does not yield to what was restored, and a restored
	// state is no part of the definition.
	token := must(again.Acquire("probe"))(t)
	if kept := must(again.Snapshot())(t); !kept.Restored || kept.Status != lifesign.Critical {
		t.Errorf("after the acquisition: %+v", kept)
	}
	check(t, token.Update(lifesign.Critical, state.Output))
	if reported := must(again.Snapshot())(t); reported.Restored || reported.Transitions != 0 || !reported.Since.Equal(since) {
		t.Errorf("after the same report: %+v", reported)
	}
	check(t, token.Update(lifesign.Warning, "slow"))
	for _, late := range []*lifesign.Restored{&state, nil} {
		spec.Restored = late
		if same := must(engine.RegisterCheck(spec))(t); same.Handle() != again.Handle() {
			t.Errorf("another check: %x, then %x", again.Handle(), same.Handle())
		}
	}
	if after := must(again.Snapshot())(t); after.Status != lifesign.Warning || after.Restored {
		t.Errorf("%+v", after)
	}
}

// A restored state that comes late still finds a check that nobody reported.
func TestRestoreBeforeTheFirstReport(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "http", nil)
	token := must(http.Acquire("probe"))(t)
	spec := lifesign.CheckSpec{ID: "http", Restored: &lifesign.Restored{Status: lifesign.Warning, Output: "before", Since: time.Unix(1, 2)}}
	must(engine.RegisterCheck(spec))(t)
	if got := must(http.Snapshot())(t); !got.Restored || got.Initial || got.Status != lifesign.Warning || got.Output != "before" ||
		!got.Since.Equal(time.Unix(1, 2)) || got.Holder == 0 {
		t.Errorf("%+v", got)
	}
	check(t, token.Update(lifesign.Passing, "now"))
}

// An export that fails leaves the earlier one as it was.
func TestFailedExport(t *testing.T) {
	engine := open(t, lifesign.Config{})
	token := must(register(t, engine, "http", nil).Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	directory := filepath.Join(t.TempDir(), "data")
	check(t, os.Mkdir(directory, 0o700))
	path := filepath.Join(directory, "state.json")
	must(engine.Export(path))(t)
	earlier := must(os.ReadFile(path))(t)
	check(t, token.Update(lifesign.Critical, strings.Repeat("x", 4000)))
	check(t, os.Rename(directory, directory+".away"))
	_, err := engine.Export(path)
	mentions(t, refused(t, err, lifesign.ErrInvalid), path)
	check(t, os.Rename(directory+".away", directory))
	if later := must(os.ReadFile(path))(t); string(later) != string(earlier) {
		t.Errorf("the earlier export is now %q", later)
	}
	if entries := must(os.ReadDir(directory))(t); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	check(t, engine.Close())
	_, err = engine.Export(path)
	refused(t, err, lifesign.ErrClosed)
}

func TestLargeExport(t *testing.T) {
	engine := open(t, lifesign.Config{})
	want := map[string]string{}
	for i := range 200 {
		id := "check-" + strings.Repeat("i", i)
		want[id] = strings.Repeat("ö", i*10)
		check(t, must(register(t, engine, id, nil).Acquire("probe"))(t).Update(lifesign.Passing, want[id]))
	}
	path := filepath.Join(t.TempDir(), "state.json")
	must(engine.Export(path))(t)
	export := must(lifesign.ReadExport(path))(t)
	for id, output := range want {
		if got := export[id].State; got.Status != lifesign.Passing || got.Output != output {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if len(export) != len(want) {
		t.Errorf("%d checks of %d", len(export), len(want))
	}
}
