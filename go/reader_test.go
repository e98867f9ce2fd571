package lifesign_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"lifesign.dev/lifesign"
)

// What shows a status, and the writer that changes it.
func readers(t *testing.T, engine *lifesign.Engine) (map[string]interface{ Status() lifesign.Status }, *lifesign.Token) {
	web := must(engine.RegisterService(lifesign.ServiceSpec{ID: "web"}))(t)
	http := register(t, engine, "http", web)
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "sidecar", AliasOf: "web"}))(t)
	return map[string]interface{ Status() lifesign.Status }{"check": http, "service": web, "alias": alias},
		must(http.Acquire("probe"))(t)
}

func TestStatusEndsWithItsLife(t *testing.T) {
	engine := open(t, lifesign.Config{})
	shown, token := readers(t, engine)
	for _, status := range []lifesign.Status{lifesign.Passing, lifesign.Warning, lifesign.Critical} {
		check(t, token.Update(status, ""))
		for name, one := range shown {
			if got := one.Status(); got != status {
				t.Errorf("the %s is %v, want %v", name, got, status)
			}
		}
	}
	alias := must(engine.Check("sidecar"))(t)
	check(t, alias.Deregister())
	again := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "sidecar", AliasNode: true}))(t)
	if alias.Status() != lifesign.Gone || again.Status() != engine.NodeStatus() {
		t.Errorf("the old life is %v, the new one %v", alias.Status(), again.Status())
	}
	check(t, engine.Close())
	for name, one := range shown {
		if got := one.Status(); got != lifesign.Gone {
			t.Errorf("after the close the %s is %v", name, got)
		}
	}
	if engine.NodeStatus() != lifesign.Gone || again.Status() != lifesign.Gone {
		t.Errorf("after the close the node is %v, its alias %v", engine.NodeStatus(), again.Status())
	}
}

// life is one life of a check, and the only status that may be read of it.
type life struct {
	check  *lifesign.Check
	status lifesign.Status
}

// lives are read by all, and added to by one.
type lives struct {
	all    [2 * 200]life
	born   atomic.Int64
	passes [2]atomic.Int64
	closed atomic.Bool
}

func (l *lives) add(check *lifesign.Check, status lifesign.Status) {
	l.all[l.born.Load()] = life{check, status}
	l.born.Add(1)
}

// read reads every life over and over until the engine is closed, and returns
// how many it has seen and then seen end.
func (l *lives) read(t *testing.T, passes *atomic.Int64) (ends int) {
	var seen, over [len(l.all)]bool
	for last := false; !last; passes.Add(1) {
		last = l.closed.Load()
		for i := range l.born.Load() {
			life := &l.all[i]
			switch status := life.check.Status(); {
			case status == lifesign.Gone:
				if seen[i] && !over[i] {
					ends++
				}
				over[i] = true
			case status != life.status:
				t.Errorf("life %d is %v, want %v", i, status, life.status)
				return
			case over[i]:
				t.Errorf("life %d has come back", i)
				return
			case last:
				t.Errorf("life %d outlasts its engine", i)
				return
			default:
				seen[i] = true
			}
		}
		runtime.Gosched()
	}
	return ends
}

// Each life is read while it ends, by everybody, and its cell is another's next:
// a check's that of an alias, and the other way round.
func TestStatusBesideTheEndsOfLives(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	var lives lives
	ends := make(chan int)
	for i := range lives.passes {
		go func() { ends <- lives.read(t, &lives.passes[i]) }()
	}
	for n := range len(lives.all) / 2 {
		status := lifesign.Passing + lifesign.Status(n%2)
		alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "nobody"}))(t)
		lives.add(alias, lifesign.Critical)
		direct := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "direct", Service: web, Initial: status}))(t)
		lives.add(direct, status)
		for i := range lives.passes {
			passes := &lives.passes[i]
			before := passes.Load()
			eventually(t, "all are read", func() bool { return passes.Load() >= before+2 || t.Failed() })
		}
		if n < len(lives.all)/2-1 {
			check(t, direct.Deregister())
			check(t, alias.Deregister())
		}
	}
	check(t, engine.Close())
	lives.closed.Store(true)
	for range lives.passes {
		if seen := <-ends; seen != len(lives.all) && !t.Failed() {
			t.Errorf("%d of %d lives were seen to end", seen, len(lives.all))
		}
	}
}
