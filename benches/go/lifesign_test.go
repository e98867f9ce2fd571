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
	e := &engine{engine: must(lifesign.Open(lifesign.Config{}))(tb)}
	tb.Cleanup(func() {
		if err := e.engine.Close(); err != nil {
			tb.Error(err)
		}
	})
	for i := range checks {
		service := must(e.engine.RegisterService(lifesign.ServiceSpec{ID: serviceID(i), Name: serviceID(i)}))(tb)
		check := must(e.engine.RegisterCheck(lifesign.CheckSpec{ID: checkID(i), Name: checkName, Service: service}))(tb)
		e.checks = append(e.checks, check)
		e.tokens = append(e.tokens, must(check.Acquire("bench"))(tb))
		e.flip(i, 0)
	}
	return e
}

// must is for calls that have to succeed: must(engine.Check("id"))(tb).
func must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
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
	tb.Helper()
	sidecar := must(e.engine.RegisterService(lifesign.ServiceSpec{ID: "sidecar", Name: "sidecar"}))(tb)
	e.alias = must(e.engine.RegisterCheck(lifesign.CheckSpec{
		ID: "sidecar:alias", Name: "Alias", Service: sidecar, AliasOf: serviceID(0),
	}))(tb)
}

func (e *engine) untilAlias(turn int) {
	e.flip(0, turn)
	if e.alias.Status() != statuses[turn] {
		panic("an alias behind its target")
	}
}

func (e *engine) aliasPassing() bool { return e.alias.Status() == lifesign.Passing }
