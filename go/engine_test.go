package lifesign_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

func TestVersions(t *testing.T) {
	if lifesign.ABIVersion() == 0 || !strings.Contains(lifesign.Version(), ".") {
		t.Errorf("version %q, ABI %d", lifesign.Version(), lifesign.ABIVersion())
	}
}

func TestRoundTrip(t *testing.T) {
	engine := open(t, lifesign.Config{Name: "round-trip", Version: "1.2.3", Build: "abc"})
	web := must(engine.RegisterService(lifesign.ServiceSpec{ID: "web", Name: "Web", Data: []byte("10.0.0.1:80")}))(t)
	spec := lifesign.CheckSpec{ID: "web:http", Name: "HTTP", Data: []byte{0, 1, 255}, Service: web, Initial: lifesign.Warning}
	http := must(engine.RegisterCheck(spec))(t)

	before := must(http.Snapshot())(t)
	if !before.Initial || before.Status != lifesign.Warning || before.Holder != 0 {
		t.Errorf("unreported check: %+v", before)
	}
	token := must(http.Acquire("probe"))(t)
	start := time.Now()
	check(t, token.Update(lifesign.Passing, "200 OK ✓"))

	after := must(http.Snapshot())(t)
	record := must(token.Record())(t)
	want := lifesign.Snapshot{
		Check: http.Handle(), ID: "web:http", Name: "HTTP", Service: "web", Data: spec.Data,
		Kind: lifesign.Direct, Status: lifesign.Passing, Output: "200 OK ✓",
		Writer: record.ID, Holder: record.ID, Generation: token.Generation(), Incarnation: before.Incarnation,
		// The rest is the engine's to choose.
		Version: after.Version, Transitions: before.Transitions + 1, Revision: after.Revision, Epoch: after.Epoch,
		Time: after.Time, Since: after.Since,
	}
	if !reflect.DeepEqual(after, want) {
		t.Errorf("got  %+v\nwant %+v", after, want)
	}
	if after.Version <= before.Version || after.Revision <= before.Revision {
		t.Errorf("numbers did not rise: %+v, then %+v", before, after)
	}
	if after.Time.Before(start.Add(-time.Minute)) || after.Time.After(time.Now().Add(time.Minute)) || !after.Since.Equal(after.Time) {
		t.Errorf("committed at %v, in this status since %v", after.Time, after.Since)
	}

	view := must(web.Snapshot())(t)
	if !reflect.DeepEqual(view.Checks, []lifesign.Snapshot{after}) {
		t.Errorf("the service's checks: %+v, want %+v", view.Checks, after)
	}
	if view.ID != "web" || view.Name != "Web" || string(view.Data) != "10.0.0.1:80" || !view.Registered ||
		view.Status != lifesign.Passing || view.Own != lifesign.Passing || view.Output != "All checks passing." {
		t.Errorf("service: %+v", view)
	}
	if web.Status() != lifesign.Passing || http.Status() != lifesign.Passing {
		t.Errorf("service %v, check %v", web.Status(), http.Status())
	}
}

func TestFindAndList(t *testing.T) {
	engine := open(t, lifesign.Config{})
	var services, checks []string
	for i := range 100 {
		id := "service-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		check := register(t, engine, id+":check", service(t, engine, id))
		services, checks = append(services, id), append(checks, id+":check")
		if found := must(engine.Check(id + ":check"))(t); found.Handle() != check.Handle() {
			t.Errorf("%s: found %x, want %x", id, found.Handle(), check.Handle())
		}
	}
	listed := func(id string, err error) string { return must(id, err)(t) }
	var gotServices, gotChecks []string
	for _, s := range must(engine.Services())(t) {
		view, err := s.Snapshot()
		gotServices = append(gotServices, listed(view.ID, err))
	}
	for _, c := range must(engine.Checks())(t) {
		snapshot, err := c.Snapshot()
		gotChecks = append(gotChecks, listed(snapshot.ID, err))
	}
	for _, list := range [][2][]string{{services, gotServices}, {checks, gotChecks}} {
		slices.Sort(list[0])
		slices.Sort(list[1])
		if !slices.Equal(list[0], list[1]) {
			t.Errorf("registered %v, listed %v", list[0], list[1])
		}
	}
}

// A service with more checks, and more text, than the buffers begin with.
func TestLargeService(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	want := map[string]string{}
	for i := range 50 {
		id := "web:" + strings.Repeat("i", i+1)
		output := strings.Repeat(string(rune('A'+i%26)), 4000)
		token := must(register(t, engine, id, web).Acquire("probe"))(t)
		check(t, token.Update(lifesign.Passing, output))
		want[id] = output
	}
	got := map[string]string{}
	for _, snapshot := range must(web.Snapshot())(t).Checks {
		got[snapshot.ID] = snapshot.Output
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d of %d checks, or not their outputs", len(got), len(want))
	}
}

func TestSameDefinitionAgain(t *testing.T) {
	engine := open(t, lifesign.Config{})
	first := service(t, engine, "web")
	if again := service(t, engine, "web"); again.Handle() != first.Handle() {
		t.Errorf("the same service: %x, then %x", first.Handle(), again.Handle())
	}
	http := register(t, engine, "web:http", first)
	before := must(engine.Stats())(t)
	if again := register(t, engine, "web:http", first); again.Handle() != http.Handle() {
		t.Errorf("the same check: %x, then %x", http.Handle(), again.Handle())
	}
	if after := must(engine.Stats())(t); after.Commits != before.Commits || after.Checks != before.Checks {
		t.Errorf("committed: %+v, then %+v", before, after)
	}
}

func TestRedefine(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	token := must(http.Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	before := must(http.Snapshot())(t)

	check(t, web.Redefine(lifesign.ServiceSpec{ID: "web", Name: "renamed", Data: []byte("new")}))
	check(t, http.Redefine(lifesign.CheckSpec{ID: "web:http", Name: "renamed", Data: []byte("new"), Service: web}))
	after := must(http.Snapshot())(t)
	if after.Name != "renamed" || string(after.Data) != "new" || after.Status != lifesign.Passing ||
		after.Incarnation != before.Incarnation || after.Holder != before.Holder {
		t.Errorf("%+v became %+v", before, after)
	}
	if view := must(web.Snapshot())(t); view.Name != "renamed" || string(view.Data) != "new" {
		t.Errorf("service: %+v", view)
	}
	check(t, token.Update(lifesign.Critical, "the token is still good"))
	refused(t, web.Redefine(lifesign.ServiceSpec{ID: "other"}), lifesign.ErrInvalid)
	refused(t, http.Redefine(lifesign.CheckSpec{ID: "web:http"}), lifesign.ErrInvalid)
}

func TestAlias(t *testing.T) {
	engine := open(t, lifesign.Config{})
	sidecar := service(t, engine, "sidecar")
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "sidecar:alias", Service: sidecar, AliasOf: "web"}))(t)
	if alias.Status() != lifesign.Critical {
		t.Errorf("target not registered: %v", alias.Status())
	}
	web := service(t, engine, "web")
	if alias.Status() != lifesign.Passing {
		t.Errorf("target without checks: %v", alias.Status())
	}
	token := must(register(t, engine, "web:http", web).Acquire("probe"))(t)
	for _, status := range []lifesign.Status{lifesign.Passing, lifesign.Critical, lifesign.Warning, lifesign.Passing} {
		check(t, token.Update(status, "it is "+status.String()))
		if alias.Status() != status || sidecar.Status() != status {
			t.Errorf("%v shows %v, and its service %v", status, alias.Status(), sidecar.Status())
		}
		snapshot := must(alias.Snapshot())(t)
		if snapshot.Status != status || !snapshot.Derived || snapshot.Kind != lifesign.AliasService || snapshot.Target != "web" {
			t.Errorf("%+v", snapshot)
		}
		if status != lifesign.Passing && !(strings.Contains(snapshot.Output, "web:http") && strings.Contains(snapshot.Output, "it is "+status.String())) {
			t.Errorf("%v: %q does not name the check and its output", status, snapshot.Output)
		}
	}
	if repaired := must(engine.Audit())(t); repaired != 0 {
		t.Errorf("the audit repaired %d", repaired)
	}
}

func TestNode(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	if engine.NodeStatus() != lifesign.Passing {
		t.Errorf("without checks: %v", engine.NodeStatus())
	}
	disk := must(register(t, engine, "disk", nil).Acquire("probe"))(t)
	nodeAlias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "web:node", Service: web, AliasNode: true}))(t)
	check(t, disk.Update(lifesign.Warning, "80 % full"))
	if engine.NodeStatus() != lifesign.Warning || web.Status() != lifesign.Warning || nodeAlias.Status() != lifesign.Warning {
		t.Errorf("node %v, service %v, alias %v", engine.NodeStatus(), web.Status(), nodeAlias.Status())
	}
	node := must(engine.Node())(t)
	if node.Status != lifesign.Warning || len(node.Checks) != 1 || node.Checks[0].ID != "disk" || node.Checks[0].Service != "" {
		t.Errorf("%+v", node)
	}
	if snapshot := must(nodeAlias.Snapshot())(t); snapshot.Kind != lifesign.AliasNode || !strings.Contains(snapshot.Output, "disk") {
		t.Errorf("%+v", snapshot)
	}
}

func TestHolderAndRecord(t *testing.T) {
	engine := open(t, lifesign.Config{Name: "agent", Version: "1.0", Build: "b7"})
	http := register(t, engine, "web:http", service(t, engine, "web"))
	if who := must(http.Who())(t); who.Holder != nil || !who.Since.IsZero() || who.SilentFor >= 0 {
		t.Errorf("before anybody came: %+v", who)
	}
	token := must(http.Acquire("probe one"))(t)
	who := must(http.Who())(t)
	own := must(token.Record())(t)
	if who.Holder == nil || *who.Holder != own || who.Generation != token.Generation() || who.Lease != 0 || who.Orphaned ||
		who.SilentFor < 0 || time.Since(who.Since).Abs() > time.Minute {
		t.Errorf("%+v", who)
	}
	executable := must(os.Executable())(t)
	hostname := must(os.Hostname())(t)
	if own.Label != "probe one" || own.Name != "agent" || own.Version != "1.0" || own.Build != "b7" || own.Declared ||
		own.PID != uint64(os.Getpid()) || own.Machine != hostname || own.Executable == "" || !strings.HasPrefix(executable, own.Executable) ||
		own.Process == (lifesign.UUID{}) || own.Boot == (lifesign.UUID{}) || own.ProcessStart == 0 || own.PIDNamespace == 0 {
		t.Errorf("%+v", own)
	}
	if stored := must(engine.Record(own.ID))(t); stored != own {
		t.Errorf("engine says %+v, token %+v", stored, own)
	}
	for _, word := range []string{"probe one", "agent 1.0", "b7", own.Machine, own.Process.String()} {
		if !strings.Contains(own.String(), word) {
			t.Errorf("%q does not mention %q", own.String(), word)
		}
	}
	check(t, token.Close())
	if after := must(http.Who())(t); after.Holder != nil || after.Generation < who.Generation {
		t.Errorf("after the release: %+v", after)
	}
	refused(t, engineRecord(engine, 1<<30), lifesign.ErrNotFound)
}

func engineRecord(engine *lifesign.Engine, id uint32) error {
	_, err := engine.Record(id)
	return err
}

func TestManualClock(t *testing.T) {
	engine := open(t, lifesign.Config{ManualClock: true})
	wall := time.Date(2020, 2, 29, 12, 0, 0, 123, time.UTC)
	check(t, engine.Tick(wall, time.Hour))
	http := register(t, engine, "http", nil)
	token := must(http.Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "one"))
	check(t, engine.Tick(wall.Add(time.Minute), time.Hour+time.Minute))
	check(t, token.Update(lifesign.Passing, "two"))
	snapshot := must(http.Snapshot())(t)
	if !snapshot.Since.Equal(wall) || !snapshot.Time.Equal(wall.Add(time.Minute)) {
		t.Errorf("committed at %v, in this status since %v", snapshot.Time.UTC(), snapshot.Since.UTC())
	}
	refused(t, engine.Tick(wall, -time.Second), lifesign.ErrInvalid)
}

func TestStats(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	token := must(http.Acquire("probe"))(t)
	subscribe(t, engine, lifesign.Filter{})
	before := must(engine.Stats())(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	check(t, token.Update(lifesign.Passing, "fine"))
	check(t, token.Update(lifesign.Passing, "still fine"))
	after := must(engine.Stats())(t)
	if after.Commits-before.Commits != 2 || after.Transitions-before.Transitions != 1 || after.Heartbeats-before.Heartbeats != 1 {
		t.Errorf("%+v, then %+v", before, after)
	}
	if after.Services != 1 || after.Checks != 2 || after.Aliases != 1 || after.Tokens != 1 || after.Subscriptions != 1 || after.Bytes == 0 {
		t.Errorf("%+v", after)
	}
	if after.InternalErrors != 0 || after.Repairs != 0 {
		t.Errorf("defects: %+v", after)
	}
}

func TestEnginesAreDistinct(t *testing.T) {
	first, second := open(t, lifesign.Config{}), open(t, lifesign.Config{})
	one, two := must(first.ID())(t), must(second.ID())(t)
	if one == two || len(one.String()) != 36 || one.String() == two.String() {
		t.Errorf("%v and %v", one, two)
	}
	register(t, first, "http", nil)
	_, err := second.Check("http")
	refused(t, err, lifesign.ErrNotFound)
}
