package lifesign

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// Handles of any value: an error from every call, and no harm to what is there.
// The package makes no such handles; a mistaken copy of memory could.
func TestForgedHandles(t *testing.T) {
	engine, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	service, err := engine.RegisterService(ServiceSpec{ID: "web"})
	if err != nil {
		t.Fatal(err)
	}
	check, err := engine.RegisterCheck(CheckSpec{ID: "web:http", Service: service})
	if err != nil {
		t.Fatal(err)
	}
	token, err := check.Acquire("probe")
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Update(Passing, "fine"); err != nil {
		t.Fatal(err)
	}
	subscription, err := engine.Subscribe(Filter{})
	if err != nil {
		t.Fatal(err)
	}

	kinds := []uint64{engine.handle, service.handle, check.handle, token.handle, subscription.handle}
	values := []uint64{0, 1, 1 << 63, ^uint64(0)}
	for _, handle := range kinds {
		for bit := range 64 {
			values = append(values, handle^(1<<bit))
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		values = append(values, random.Uint64())
	}
	for _, value := range values {
		for call, err := range everyCall(engine, value) {
			var refusal *Error
			if !errors.As(err, &refusal) || refusal.Code != ErrForged && refusal.Code != ErrGone && refusal.Code != ErrClosed {
				t.Fatalf("%s of %#x: %v", call, value, err)
			}
		}
	}
	// A good handle of one kind is none of another.
	for i, value := range kinds {
		own := []string{"engine", "service", "check", "token", "subscription"}[i]
		for call, err := range everyCall(engine, value, own) {
			if !errors.Is(err, ErrForged) {
				t.Fatalf("%s of a handle for a %s: %v", call, own, err)
			}
		}
	}

	if check.Status() != Passing || service.Status() != Passing {
		t.Errorf("check %v, service %v", check.Status(), service.Status())
	}
	if err := token.Update(Warning, "undisturbed"); err != nil {
		t.Error(err)
	}
	if batch, err := subscription.Poll(); err != nil || len(batch.Events) == 0 {
		t.Errorf("%+v, %v", batch, err)
	}
}

// everyCall makes every call with a handle, but for those of the kinds left out.
func everyCall(real *Engine, value uint64, without ...string) map[string]error {
	errs := map[string]error{}
	kind := func(name string, calls map[string]func() error) {
		for _, out := range without {
			if out == name {
				return
			}
		}
		for call, f := range calls {
			errs[name+" "+call] = f()
		}
	}
	status := func(status Status) error {
		if status != Gone {
			return errors.New("a status was read: " + status.String())
		}
		return &Error{Code: ErrForged} // all that a status can tell
	}
	engine := &Engine{handle: value, node: newNodeReader(value)}
	kind("engine", map[string]func() error{
		"close":            (&Engine{handle: value}).Close,
		"id":               func() error { _, err := engine.ID(); return err },
		"tick":             func() error { return engine.Tick(time.Now(), time.Hour) },
		"audit":            func() error { _, err := engine.Audit(); return err },
		"stats":            func() error { _, err := engine.Stats(); return err },
		"node":             func() error { _, err := engine.Node(); return err },
		"node status":      func() error { return status(engine.NodeStatus()) },
		"record":           func() error { _, err := engine.Record(1); return err },
		"services":         func() error { _, err := engine.Services(); return err },
		"checks":           func() error { _, err := engine.Checks(); return err },
		"service":          func() error { _, err := engine.Service("web"); return err },
		"check":            func() error { _, err := engine.Check("web:http"); return err },
		"register service": func() error { _, err := engine.RegisterService(ServiceSpec{ID: "s"}); return err },
		"register check":   func() error { _, err := engine.RegisterCheck(CheckSpec{ID: "c"}); return err },
		"subscribe":        func() error { _, err := engine.Subscribe(Filter{}); return err },
		"declare writer":   func() error { _, err := engine.DeclareWriter(WriterRecord{}); return err },
		"export":           func() error { _, err := engine.Export("/nowhere"); return err },
	})
	service := newService(real, value)
	kind("service", map[string]func() error{
		"status":     func() error { return status(service.Status()) },
		"snapshot":   func() error { _, err := service.Snapshot(); return err },
		"redefine":   func() error { return service.Redefine(ServiceSpec{ID: "web"}) },
		"deregister": service.Deregister,
	})
	check := newCheck(real, value)
	kind("check", map[string]func() error{
		"status":   func() error { return status(check.Status()) },
		"snapshot": func() error { _, err := check.Snapshot(); return err },
		"snapshots": func() error {
			var buffer SnapshotBuffer
			snapshots, err := buffer.Read(check)
			if err != nil {
				return err
			}
			return status(snapshots[0].Status)
		},
		"who":        func() error { _, err := check.Who(); return err },
		"writers":    func() error { _, err := check.Writers(); return err },
		"history":    func() error { _, err := check.History(); return err },
		"acquire":    func() error { _, err := check.Acquire("x"); return err },
		"take over":  func() error { _, err := check.TakeOver(1, "x"); return err },
		"redefine":   func() error { return check.Redefine(CheckSpec{ID: "web:http"}) },
		"deregister": check.Deregister,
		"force":      func() error { return check.ForceDeregister("x") },
		"subscribe":  func() error { _, err := real.Subscribe(Filter{Check: check}); return err },
	})
	token := &Token{engine: real, handle: value}
	kind("token", map[string]func() error{
		"update":     func() error { return token.Update(Critical, "x") },
		"batch":      func() error { return UpdateBatch([]Write{{Token: token, Status: Critical}}) },
		"renew":      token.Renew,
		"record":     func() error { _, err := token.Record(); return err },
		"deregister": token.DeregisterCheck,
		"close":      (&Token{engine: real, handle: value}).Close,
	})
	subscription := &Subscription{engine: real, handle: value}
	kind("subscription", map[string]func() error{
		"poll":       func() error { _, err := subscription.Poll(); return err },
		"descriptor": func() error { _, err := subscription.engineDescriptor(); return err },
		"close":      (&Subscription{engine: real, handle: value}).Close,
	})
	return errs
}
