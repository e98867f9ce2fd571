package lifesign_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// state is everything that can be seen of an engine's checks and services.
type state struct {
	services []lifesign.ServiceSnapshot
	checks   []lifesign.Snapshot
}

func stateOf(t *testing.T, engine *lifesign.Engine) state {
	t.Helper()
	var seen state
	for _, service := range must(engine.Services())(t) {
		seen.services = append(seen.services, must(service.Snapshot())(t))
	}
	for _, check := range must(engine.Checks())(t) {
		seen.checks = append(seen.checks, must(check.Snapshot())(t))
	}
	slices.SortFunc(seen.services, func(a, b lifesign.ServiceSnapshot) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(seen.checks, func(a, b lifesign.Snapshot) int { return strings.Compare(a.ID, b.ID) })
	for _, service := range seen.services {
		slices.SortFunc(service.Checks, func(a, b lifesign.Snapshot) int { return strings.Compare(a.ID, b.ID) })
	}
	return seen
}

// stands is where a subscriber to everything stands.
func stands(t *testing.T, engine *lifesign.Engine) lifesign.Cursor {
	t.Helper()
	subscription := subscribe(t, engine, lifesign.Filter{})
	drain(t, subscription)
	return subscription.Cursor()
}

// Each bad input is refused with its code and the id it is about, and leaves
// everything as it was.
func TestBadInput(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := must(engine.RegisterService(lifesign.ServiceSpec{ID: "web", Name: "Web"}))(t)
	http := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Name: "HTTP", Service: web}))(t)
	must(engine.RegisterCheck(lifesign.CheckSpec{ID: "api:alias", AliasOf: "web", Service: service(t, engine, "api")}))(t)
	token := must(http.Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	gone := service(t, engine, "gone")
	check(t, gone.Deregister())
	watcher := subscribe(t, engine, lifesign.Filter{})
	drain(t, watcher)

	huge := strings.Repeat("h", 1<<20)
	const badUTF8 = "bad\xff\xfeid"
	registerService := func(spec lifesign.ServiceSpec) error {
		_, err := engine.RegisterService(spec)
		return err
	}
	registerCheck := func(spec lifesign.CheckSpec) error {
		_, err := engine.RegisterCheck(spec)
		return err
	}
	restore := func(restored lifesign.Restored) error {
		return registerCheck(lifesign.CheckSpec{ID: "odd", Restored: &restored})
	}
	findService := func(id string) error { _, err := engine.Service(id); return err }
	findCheck := func(id string) error { _, err := engine.Check(id); return err }
	acquire := func(label string, options ...lifesign.AcquireOption) error {
		_, err := http.Acquire(label, options...)
		return err
	}
	declare := func(writer lifesign.WriterRecord) error { _, err := engine.DeclareWriter(writer); return err }
	export := func(path string) error { _, err := engine.Export(path); return err }
	readExport := func(path string) error { _, err := lifesign.ReadExport(path); return err }
	damaged := filepath.Join(t.TempDir(), "damaged")
	check(t, os.WriteFile(damaged, []byte("{"), 0o600))
	subscribeTo := func(filter lifesign.Filter) error { _, err := engine.Subscribe(filter); return err }

	for _, bad := range []struct {
		what string
		err  error
		code lifesign.Code
		says []string
	}{
		{"unknown service", findService("nowhere"), lifesign.ErrNotFound, []string{"nowhere"}},
		{"unknown check", findCheck("nothing"), lifesign.ErrNotFound, []string{"nothing"}},
		{"a service's id as a check's", findCheck("web"), lifesign.ErrNotFound, []string{"web"}},
		{"empty id to find", findCheck(""), lifesign.ErrInvalid, []string{"id"}},
		{"huge id to find", findService(huge), lifesign.ErrTooLarge, []string{"1048576"}},
		{"bad UTF-8 to find", findCheck(badUTF8), lifesign.ErrInvalid, []string{"bad"}},

		{"service with another name", registerService(lifesign.ServiceSpec{ID: "web", Name: "Other"}), lifesign.ErrExists, []string{"web", "name"}},
		{"service with other data", registerService(lifesign.ServiceSpec{ID: "web", Name: "Web", Data: []byte("x")}), lifesign.ErrExists, []string{"web", "data"}},
		{"check with another name", registerCheck(lifesign.CheckSpec{ID: "web:http", Service: web}), lifesign.ErrExists, []string{"web:http", "name"}},
		{"check of the node now", registerCheck(lifesign.CheckSpec{ID: "web:http", Name: "HTTP"}), lifesign.ErrExists, []string{"web:http", "service"}},
		{"check as an alias now", registerCheck(lifesign.CheckSpec{ID: "web:http", Name: "HTTP", Service: web, AliasOf: "api"}), lifesign.ErrExists, []string{"web:http", "kind"}},

		{"alias on itself", registerCheck(lifesign.CheckSpec{ID: "web:self", Service: web, AliasOf: "web"}), lifesign.ErrLoop, []string{"web:self", "web"}},
		{"alias in a ring", registerCheck(lifesign.CheckSpec{ID: "web:ring", Service: web, AliasOf: "api"}), lifesign.ErrLoop, []string{"web:ring", "api"}},
		{"alias of two", registerCheck(lifesign.CheckSpec{ID: "both", AliasOf: "web", AliasNode: true}), lifesign.ErrInvalid, []string{"both"}},
		{"check for no service", registerCheck(lifesign.CheckSpec{ID: "orphan", Service: gone}), lifesign.ErrGone, []string{"orphan"}},
		{"check for a service made by hand", registerCheck(lifesign.CheckSpec{ID: "orphan", Service: new(lifesign.Service)}), lifesign.ErrInvalid, []string{"orphan"}},

		{"service without id", registerService(lifesign.ServiceSpec{}), lifesign.ErrInvalid, []string{"id"}},
		{"check without id", registerCheck(lifesign.CheckSpec{Service: web}), lifesign.ErrInvalid, []string{"id"}},
		{"service with 256 bytes of id", registerService(lifesign.ServiceSpec{ID: huge[:256]}), lifesign.ErrTooLarge, []string{"256"}},
		{"service with a huge id", registerService(lifesign.ServiceSpec{ID: huge}), lifesign.ErrTooLarge, []string{"1048576"}},
		{"check with a huge id", registerCheck(lifesign.CheckSpec{ID: huge}), lifesign.ErrTooLarge, []string{"1048576"}},
		{"alias of a huge id", registerCheck(lifesign.CheckSpec{ID: "alias", AliasOf: huge}), lifesign.ErrTooLarge, []string{"1048576"}},
		{"service with bad UTF-8", registerService(lifesign.ServiceSpec{ID: badUTF8}), lifesign.ErrInvalid, []string{"bad"}},
		{"check with bad UTF-8", registerCheck(lifesign.CheckSpec{ID: badUTF8}), lifesign.ErrInvalid, []string{"bad"}},
		{"name with bad UTF-8", registerCheck(lifesign.CheckSpec{ID: "named", Name: badUTF8}), lifesign.ErrInvalid, []string{"named"}},
		{"5 KiB of data", registerService(lifesign.ServiceSpec{ID: "fat", Data: make([]byte, 5<<10)}), lifesign.ErrTooLarge, []string{"fat"}},
		{"initial status out of range", registerCheck(lifesign.CheckSpec{ID: "odd", Initial: 4}), lifesign.ErrInvalid, []string{"odd", "4"}},

		{"status out of range", token.Update(17, "x"), lifesign.ErrInvalid, []string{"web:http", "17"}},
		{"status gone", token.Update(lifesign.Gone, "x"), lifesign.ErrInvalid, []string{"web:http", "0"}},
		{"10 MiB of output", token.Update(lifesign.Critical, strings.Repeat("o", 10<<20)), lifesign.ErrTooLarge, []string{"web:http", "10485760"}},
		{"output with bad UTF-8", token.Update(lifesign.Critical, badUTF8), lifesign.ErrInvalid, []string{"web:http"}},
		{"label with bad UTF-8", acquire(badUTF8), lifesign.ErrInvalid, []string{"label"}},
		{"label of 128 bytes", acquire(huge[:128]), lifesign.ErrTooLarge, []string{"128"}},
		{"no lease", acquire("x", lifesign.WithLease(0, lifesign.LapseKeep)), lifesign.ErrInvalid, []string{"lease"}},
		{"negative lease", acquire("x", lifesign.WithLease(-time.Second, lifesign.LapseKeep)), lifesign.ErrInvalid, []string{"-1s"}},
		{"endless lease", acquire("x", lifesign.WithLease(math.MaxInt64, lifesign.LapseKeep)), lifesign.ErrInvalid, []string{"web:http", "497 days"}},
		{"lapse out of range", acquire("x", lifesign.WithLease(time.Second, 4)), lifesign.ErrInvalid, []string{"on_lapse", "4"}},
		{"writer that was not declared", acquire("x", lifesign.WithWriter(1<<30)), lifesign.ErrNotFound, []string{"web:http"}},
		{"declared writer with a NUL", declare(lifesign.WriterRecord{Machine: "a\x00b"}), lifesign.ErrInvalid, []string{"machine"}},
		{"declared writer with bad UTF-8", declare(lifesign.WriterRecord{Build: badUTF8}), lifesign.ErrInvalid, []string{"build"}},
		{"declared writer with a huge name", declare(lifesign.WriterRecord{Name: huge}), lifesign.ErrTooLarge, []string{"name", "1048576"}},

		{"batch without a token", lifesign.UpdateBatch([]lifesign.Write{{Token: token, Status: lifesign.Critical}, {}}), lifesign.ErrInvalid, []string{"write 1"}},
		{"batch with a status out of range", lifesign.UpdateBatch([]lifesign.Write{{Token: token, Status: 17}}), lifesign.ErrInvalid, []string{"web:http", "17"}},

		{"restored status out of range", restore(lifesign.Restored{Status: 4}), lifesign.ErrInvalid, []string{"odd", "4"}},
		{"restored output with bad UTF-8", restore(lifesign.Restored{Status: lifesign.Passing, Output: badUTF8}), lifesign.ErrInvalid, []string{"odd", "output"}},
		{"huge restored output", restore(lifesign.Restored{Status: lifesign.Passing, Output: huge}), lifesign.ErrTooLarge, []string{"odd", "1048576"}},
		{"restored alias", registerCheck(lifesign.CheckSpec{ID: "odd", AliasOf: "web", Restored: &lifesign.Restored{Status: lifesign.Passing}}), lifesign.ErrInvalid, []string{"odd"}},
		{"export to nowhere", export("/nowhere/at/all"), lifesign.ErrInvalid, []string{"/nowhere/at/all"}},
		{"export to no path", export(""), lifesign.ErrInvalid, []string{"path"}},
		{"export that is not there", readExport("/nowhere/at/all"), lifesign.ErrNotFound, []string{"/nowhere/at/all"}},
		{"damaged export", readExport(damaged), lifesign.ErrInvalid, []string{damaged}},

		{"empty id to redefine", http.Redefine(lifesign.CheckSpec{Service: web}), lifesign.ErrInvalid, nil},

		{"filter with two scopes", subscribeTo(lifesign.Filter{Service: web, Check: http}), lifesign.ErrInvalid, []string{"2"}},
		{"filter with trouble and a scope", subscribeTo(lifesign.Filter{Check: http, Trouble: true}), lifesign.ErrInvalid, []string{"2"}},
		{"trouble since a cursor", subscribeTo(lifesign.Filter{Trouble: true, Since: stands(t, engine)}), lifesign.ErrInvalid, []string{"cursor"}},
		{"filter with a summary of nothing", subscribeTo(lifesign.Filter{Prefix: "web", Summary: true}), lifesign.ErrInvalid, []string{"summary"}},
		{"filter with a status out of range", subscribeTo(lifesign.Filter{MinStatus: 9}), lifesign.ErrInvalid, []string{"9"}},
		{"filter with a bad prefix", subscribeTo(lifesign.Filter{Prefix: badUTF8}), lifesign.ErrInvalid, []string{"prefix"}},
		{"filter with a check made by hand", subscribeTo(lifesign.Filter{Check: new(lifesign.Check)}), lifesign.ErrForged, nil},
	} {
		t.Run(bad.what, func(t *testing.T) {
			refusal := refused(t, bad.err, bad.code)
			mentions(t, refusal, bad.says...)
			if len(refusal.Message) > 1024 {
				t.Errorf("a message of %d bytes", len(refusal.Message))
			}
		})
	}
	if events := drain(t, watcher); len(events) != 0 {
		t.Errorf("bad input made events: %+v", events)
	}
}

// The inputs of TestBadInput once more, each with the state before and after.
func TestBadInputChangesNothing(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	token := must(http.Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	before := stateOf(t, engine)
	huge := strings.Repeat("h", 10<<20)
	for _, bad := range []func() error{
		func() error { _, err := engine.Check(huge); return err },
		func() error { _, err := engine.RegisterService(lifesign.ServiceSpec{ID: "web", Name: "x"}); return err },
		func() error { _, err := engine.RegisterService(lifesign.ServiceSpec{ID: "\xff"}); return err },
		func() error { _, err := engine.RegisterService(lifesign.ServiceSpec{ID: huge}); return err },
		func() error { _, err := engine.RegisterService(lifesign.ServiceSpec{ID: "a", Name: huge}); return err },
		func() error { _, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"}); return err },
		func() error { _, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "\xff", Service: web}); return err },
		func() error { _, err := engine.RegisterCheck(lifesign.CheckSpec{ID: huge, Service: web}); return err },
		func() error {
			_, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "s", Service: web, AliasOf: "web"})
			return err
		},
		func() error { _, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "s", AliasOf: huge}); return err },
		func() error { _, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "s", Initial: 9}); return err },
		func() error { return token.Update(9, "x") },
		func() error { return token.Update(lifesign.Critical, huge) },
		func() error { return token.Update(lifesign.Critical, "\xff") },
		func() error { return web.Redefine(lifesign.ServiceSpec{ID: "web", Name: "\xff"}) },
		func() error { return http.Redefine(lifesign.CheckSpec{ID: "other", Service: web}) },
		func() error { return web.Deregister() },
		func() error { return http.Deregister() },
		func() error { _, err := http.TakeOver(token.Generation()+7, "x"); return err },
		func() error { _, err := http.Acquire("x"); return err },
	} {
		if bad() == nil {
			t.Error("bad input was accepted")
		}
		if after := stateOf(t, engine); !reflect.DeepEqual(after, before) {
			t.Fatalf("bad input changed\n%+v\nto\n%+v", before, after)
		}
	}
	check(t, token.Update(lifesign.Passing, "and the token is good still"))
}
