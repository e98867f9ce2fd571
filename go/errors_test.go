package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"lifesign.dev/lifesign"
)

func TestHeld(t *testing.T) {
	engine := open(t, lifesign.Config{Name: "agent"})
	http := register(t, engine, "web:http", nil)
	holder := must(http.Acquire("the holder"))(t)
	check(t, holder.Update(lifesign.Passing, "fine"))

	_, acquire := http.Acquire("the rival")
	_, takeOver := http.TakeOver(holder.Generation()+1, "the rival")
	for what, err := range map[string]error{
		"acquire":                    acquire,
		"take-over of another":       takeOver,
		"deregister without a token": http.Deregister(),
	} {
		refusal := refused(t, err, lifesign.ErrHeld)
		mentions(t, refusal, "web:http", "the holder")
		if refusal.Holder == nil || *refusal.Holder != must(holder.Record())(t) || refusal.Generation != holder.Generation() {
			t.Errorf("%s: held by %v, generation %d", what, refusal.Holder, refusal.Generation)
		}
	}
	if refusal := refused(t, acquire, lifesign.ErrHeld); refusal.Caller == nil || refusal.Caller.Label != "the rival" {
		t.Errorf("the caller is %v", refusal.Caller)
	}
	if http.Status() != lifesign.Passing {
		t.Errorf("a refusal changed the status to %v", http.Status())
	}
}

func TestFenced(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	old := must(http.Acquire("old"))(t)
	successor := must(http.TakeOver(old.Generation(), "successor"))(t)
	check(t, successor.Update(lifesign.Passing, "fine"))
	for what, err := range map[string]error{
		"update":     old.Update(lifesign.Critical, "late"),
		"heartbeat":  old.Update(lifesign.Passing, "fine"),
		"deregister": old.DeregisterCheck(),
	} {
		refusal := refused(t, err, lifesign.ErrFenced)
		mentions(t, refusal, "web:http", "successor")
		if refusal.Holder == nil || *refusal.Holder != must(successor.Record())(t) || refusal.Generation != successor.Generation() {
			t.Errorf("%s: held by %v, generation %d", what, refusal.Holder, refusal.Generation)
		}
		if refusal.Caller == nil || *refusal.Caller != must(old.Record())(t) {
			t.Errorf("%s: the caller is %v", what, refusal.Caller)
		}
	}
	if record := must(old.Record())(t); record.Label != "old" {
		t.Errorf("a fenced token's record: %v", record)
	}
	check(t, old.Close())
	check(t, successor.Update(lifesign.Warning, "undisturbed"))
}

func TestGone(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	token := must(http.Acquire("probe"))(t)
	check(t, token.DeregisterCheck())
	check(t, web.Deregister())

	_, snapshot := http.Snapshot()
	_, who := http.Who()
	_, writers := http.Writers()
	_, history := http.History()
	_, acquire := http.Acquire("probe")
	_, takeOver := http.TakeOver(token.Generation(), "probe")
	_, view := web.Snapshot()
	_, member := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:late", Service: web})
	_, byCheck := engine.Subscribe(lifesign.Filter{Check: http})
	for what, err := range map[string]error{
		"check snapshot": snapshot, "who": who, "writers": writers, "history": history, "acquire": acquire, "take-over": takeOver,
		"write": token.Update(lifesign.Passing, ""), "renew": token.Renew(), "deregister by the token": token.DeregisterCheck(),
		"deregister": http.Deregister(), "force": http.ForceDeregister("me"),
		"redefine":         http.Redefine(lifesign.CheckSpec{ID: "web:http", Service: web}),
		"service snapshot": view, "service redefine": web.Redefine(lifesign.ServiceSpec{ID: "web"}),
		"service deregister": web.Deregister(), "registration for it": member, "subscription to it": byCheck,
	} {
		t.Run(what, func(t *testing.T) { refused(t, err, lifesign.ErrGone) })
	}
	if http.Status() != lifesign.Gone || web.Status() != lifesign.Gone {
		t.Errorf("check %v, service %v", http.Status(), web.Status())
	}

	// Another life of the ids: nothing of the old one touches it.
	web = service(t, engine, "web")
	again := register(t, engine, "web:http", web)
	refused(t, token.Update(lifesign.Passing, "from the old life"), lifesign.ErrGone)
	refused(t, http.Deregister(), lifesign.ErrGone)
	if http.Status() != lifesign.Gone || again.Status() != lifesign.Critical {
		t.Errorf("old life %v, new life %v", http.Status(), again.Status())
	}
	check(t, token.Close())
}

func TestForce(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	token := must(http.Acquire("probe"))(t)
	check(t, http.ForceDeregister("an operator"))
	refused(t, token.Update(lifesign.Passing, ""), lifesign.ErrGone)
	check(t, token.Close())
}

func TestForeignEngine(t *testing.T) {
	here, there := open(t, lifesign.Config{}), open(t, lifesign.Config{})
	web := service(t, there, "web")
	http := register(t, there, "web:http", web)
	_, err := here.RegisterCheck(lifesign.CheckSpec{ID: "mixed", Service: web})
	mentions(t, refused(t, err, lifesign.ErrForeignEngine), "mixed")
	_, err = here.Subscribe(lifesign.Filter{Service: web})
	refused(t, err, lifesign.ErrForeignEngine)
	_, err = here.Subscribe(lifesign.Filter{Check: http})
	refused(t, err, lifesign.ErrForeignEngine)
	mine := must(register(t, here, "mine", nil).Acquire("here"))(t)
	theirs := must(http.Acquire("there"))(t)
	refused(t, mine.Join(context.Background(), theirs), lifesign.ErrForeignEngine)
}

func TestDerived(t *testing.T) {
	engine := open(t, lifesign.Config{})
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	before := must(engine.Stats())(t)
	_, err := alias.Acquire("somebody")
	mentions(t, refused(t, err, lifesign.ErrDerived), "alias")
	_, err = alias.TakeOver(0, "somebody")
	refused(t, err, lifesign.ErrDerived)
	if after := must(engine.Stats())(t); after.RefusedDerived != before.RefusedDerived+2 {
		t.Errorf("%d refusals counted, want 2", after.RefusedDerived-before.RefusedDerived)
	}
}

func TestLimit(t *testing.T) {
	engine := open(t, lifesign.Config{MaxServices: 1, MaxChecks: 2, MaxTokens: 1, MaxSubscriptions: 1, MaxOutput: 8})
	web := service(t, engine, "web")
	_, err := engine.RegisterService(lifesign.ServiceSpec{ID: "more"})
	mentions(t, refused(t, err, lifesign.ErrLimit), "more")
	one, two := register(t, engine, "one", web), register(t, engine, "two", web)
	_, err = engine.RegisterCheck(lifesign.CheckSpec{ID: "three", Service: web})
	mentions(t, refused(t, err, lifesign.ErrLimit), "three")
	token := must(one.Acquire("probe"))(t)
	_, err = two.Acquire("probe")
	mentions(t, refused(t, err, lifesign.ErrLimit), "two")
	subscribe(t, engine, lifesign.Filter{})
	_, err = engine.Subscribe(lifesign.Filter{})
	refused(t, err, lifesign.ErrLimit)
	check(t, token.Update(lifesign.Passing, "12345678"))
	mentions(t, refused(t, token.Update(lifesign.Passing, "123456789"), lifesign.ErrTooLarge), "one")
	check(t, token.Close())
	check(t, must(two.Acquire("probe"))(t).Close())
}

func TestBusyService(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	mentions(t, refused(t, web.Deregister(), lifesign.ErrBusy), "web", "web:http")
	check(t, http.Deregister())
	check(t, web.Deregister())
}

func TestJoin(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	old := must(http.Acquire("old"))(t)
	successor := must(http.TakeOver(old.Generation(), "successor"))(t)

	refused(t, successor.Join(patient(t), successor), lifesign.ErrWouldDeadlock)
	check(t, successor.JoinCalls(patient(t), old))

	refused(t, successor.Join(patient(t), nil), lifesign.ErrInvalid)

	reload := errors.New("another reload")
	cancelled, cancel := context.WithCancelCause(context.Background())
	cancel(reload)
	err := successor.Join(cancelled, old)
	refused(t, err, lifesign.ErrStillRunning)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, reload) {
		t.Errorf("%v is not the context's error and its cause", err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "lifesign: STILL_RUNNING: ") || strings.Count(text, "lifesign:") != 1 {
		t.Errorf("%q does not begin with the package, once", text)
	}

	joined := make(chan error)
	go func() { joined <- successor.Join(patient(t), old) }()
	refused(t, old.Update(lifesign.Critical, "late"), lifesign.ErrFenced)
	select {
	case err := <-joined:
		t.Fatalf("joined a token that is open: %v", err)
	default:
	}
	check(t, old.Close())
	check(t, <-joined)
}

// What the standard library has a word for is found by that word too, and a
// code without an error around it.
func TestStandardErrors(t *testing.T) {
	_, err := lifesign.ReadExport(filepath.Join(t.TempDir(), "none"))
	refused(t, err, lifesign.ErrNotFound)
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		t.Errorf("%v is not what does not exist", err)
	}
	var code lifesign.Code
	if !errors.As(err, &code) || code != lifesign.ErrNotFound {
		t.Errorf("the code is %v", code)
	}
	if !errors.Is(lifesign.ErrRevoked, lifesign.ErrClosed) || errors.Is(lifesign.ErrClosed, lifesign.ErrRevoked) {
		t.Error("a revoked token is a closed one, and not the other way round")
	}
}

// Each sentinel is told apart from each other, wrapped or not.
func TestSentinels(t *testing.T) {
	sentinels := []lifesign.Code{
		lifesign.ErrHeld, lifesign.ErrFenced, lifesign.ErrExpired, lifesign.ErrRevoked, lifesign.ErrGone, lifesign.ErrForged,
		lifesign.ErrForeignEngine, lifesign.ErrDerived, lifesign.ErrForked, lifesign.ErrClosed, lifesign.ErrExists,
		lifesign.ErrNotFound, lifesign.ErrLoop, lifesign.ErrInvalid, lifesign.ErrTooLarge, lifesign.ErrBufferTooSmall,
		lifesign.ErrLimit, lifesign.ErrBusy, lifesign.ErrTimeout, lifesign.ErrStillRunning, lifesign.ErrWouldDeadlock,
		lifesign.ErrFutureCursor, lifesign.ErrInternal,
	}
	names := map[string]bool{}
	for _, sentinel := range sentinels {
		wrapped := fmt.Errorf("while testing: %w", &lifesign.Error{Code: sentinel, Message: "about an id"})
		for _, other := range sentinels {
			// A revoked token is a closed one.
			revoked := sentinel == lifesign.ErrRevoked && other == lifesign.ErrClosed
			if errors.Is(wrapped, other) != (sentinel == other || revoked) {
				t.Errorf("%v is %v", wrapped, other)
			}
		}
		names[sentinel.String()] = true
	}
	if len(names) != 23 || names["UNKNOWN"] || !names["FENCED"] {
		t.Errorf("the names are %v", names)
	}
	if name := lifesign.Code(9999).String(); name != "UNKNOWN" {
		t.Errorf("an unknown code is %q", name)
	}
}
