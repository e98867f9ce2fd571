package benches

import (
	"testing"

	"lifesign.dev/lifesign"
)

// engine is Lifesign. Its readers hold the check, its writers the token: that a
// program looks up once what it reads and writes for long is how it is meant to
// be used.
type engine struct {
	engine *lifesign.Engine
	checks []*lifesign.Check
	tokens []*lifesign.Token
	alias  *lifesign.Check
}

var statuses = [2]lifesign.Status{lifesign.Passing, lifesign.Critical}

func newLifesign(tb testing.TB, checks int) *engine {
	tb.Helper()
	e := &engine{}
	var err error
	must := func() {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	e.engine, err = lifesign.Open(lifesign.Config{})
	must()
	tb.Cleanup(func() {
		if err := e.engine.Close(); err != nil {
			tb.Error(err)
		}
	})
	for i := range checks {
		service, failed := e.engine.RegisterService(lifesign.ServiceSpec{ID: serviceID(i), Name: serviceID(i)})
		err = failed
		must()
		check, failed := e.engine.RegisterCheck(lifesign.CheckSpec{ID: checkID(i), Name: checkName, Service: service})
		err = failed
		must()
		token, failed := check.Acquire("bench")
		err = failed
		must()
		e.checks, e.tokens = append(e.checks, check), append(e.tokens, token)
		e.flip(i, 0)
	}
	return e
}

func (e *engine) statuses(times int) (passing, critical int) {
	check := e.checks[0]
	for i := 0; i < times; i++ {
		switch check.Status() {
		case lifesign.Passing:
			passing++
		case lifesign.Critical:
			critical++
		}
	}
	return passing, critical
}

func (e *engine) whole(kept *kept) (passing bool, output string) {
	snapshot, err := e.checks[0].Snapshot()
	if err != nil {
		panic(err)
	}
	kept.lifesign = snapshot
	return snapshot.Status == lifesign.Passing, snapshot.Output
}

func (e *engine) flip(check, turn int) {
	if err := e.tokens[check].Update(statuses[turn], outputs[turn]); err != nil {
		panic(err)
	}
}

// watch registers an alias of the service of check 0.
func (e *engine) watch(tb testing.TB) {
	sidecar, err := e.engine.RegisterService(lifesign.ServiceSpec{ID: "sidecar", Name: "sidecar"})
	if err != nil {
		tb.Fatal(err)
	}
	e.alias, err = e.engine.RegisterCheck(lifesign.CheckSpec{
		ID: "sidecar:alias", Name: "Alias", Service: sidecar, AliasOf: serviceID(0),
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func (e *engine) untilAlias(turn int) {
	e.flip(0, turn)
	if e.alias.Status() != statuses[turn] {
		panic("an alias behind its target")
	}
}

func (e *engine) aliasPassing() bool { return e.alias.Status() == lifesign.Passing }
