package agent

import (
	"errors"
	"reflect"
	"testing"

	"lifesign.dev/lifesign"
)

// A peer on another machine that writes the same check stands out.
func TestWritersOfTwoMachines(t *testing.T) {
	f := start(t, map[string]string{"a.json": `{"check": {"id": "c", "ttl": "1h"}}`})
	f.report("c", lifesign.Passing, "mine")
	alone, err := f.Writers("c")
	if err != nil || len(alone.Machines) != 1 || len(alone.Builds) != 1 || len(alone.Processes) != 1 || !reflect.DeepEqual(alone.Builds, []string{"lifesign-agent test (test)"}) {
		t.Errorf("%+v, %v", alone, err)
	}
	who, err := f.Who("c")
	if err != nil || who.Holder == nil || who.Holder.Label != "probe ttl #1" || who.Lease == 0 {
		t.Errorf("%+v, %v", who, err)
	}

	peer, err := f.engine.DeclareWriter(lifesign.WriterRecord{Process: lifesign.UUID{1}, Machine: "elsewhere", Name: "lifesign-agent", Version: "test", Build: "older"})
	if err != nil {
		t.Fatal(err)
	}
	check, err := f.lookUp("c")
	if err != nil {
		t.Fatal(err)
	}
	token, err := check.TakeOver(who.Generation, "", lifesign.WithWriter(peer))
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	if err := token.Update(lifesign.Critical, "theirs"); err != nil {
		t.Fatal(err)
	}
	if err := f.Report("c", lifesign.Passing, "late"); !errors.Is(err, lifesign.ErrFenced) {
		t.Errorf("the agent's own report: %v", err)
	}
	both, err := f.Writers("c")
	if err != nil || len(both.Machines) != 2 || len(both.Builds) != 2 || len(both.Processes) != 2 || both.Machines[0] == both.Machines[1] {
		t.Errorf("%+v, %v", both, err)
	}
	history, err := f.History("c")
	if err != nil || len(history) != 3 {
		t.Fatalf("%+v, %v", history, err)
	}
	for i, want := range []struct {
		kind   lifesign.HistoryKind
		writer string
		to     lifesign.Status
	}{
		{lifesign.HistoryTransition, "test", lifesign.Passing},
		{lifesign.HistoryTakeOver, "older", lifesign.Passing},
		{lifesign.HistoryTransition, "older", lifesign.Critical},
	} {
		if got := history[i]; got.Kind != want.kind || got.Record == nil || got.Record.Build != want.writer || got.To != want.to {
			t.Errorf("entry %d: %+v by %v", i, got.HistoryEntry, got.Record)
		}
	}
}

func TestProvenanceOfWhatIsNotThere(t *testing.T) {
	f := start(t, map[string]string{})
	_, who := f.Who("c")
	_, writers := f.Writers("c")
	_, history := f.History("c")
	for _, err := range []error{who, writers, history} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%v", err)
		}
	}
}
