package benches

import (
	"runtime"
	"testing"

	"github.com/hashicorp/consul/agent/checks"
	"github.com/hashicorp/consul/agent/local"
	"github.com/hashicorp/consul/agent/structs"
	"github.com/hashicorp/consul/agent/token"
	"github.com/hashicorp/consul/api"
	"github.com/hashicorp/consul/types"
	"github.com/hashicorp/go-hclog"
)

// consul is the state of Consul's agent, without the rest of the agent: nobody
// is told that there is something to synchronise.
type consul struct {
	state *local.State
	ids   []structs.CheckID
	alias structs.CheckID
}

var consulStatuses = [2]string{api.HealthPassing, api.HealthCritical}

func newConsul(tb testing.TB, count int) *consul {
	tb.Helper()
	state := local.NewState(local.Config{NodeName: "node", Datacenter: "dc1"}, hclog.NewNullLogger(), new(token.Store))
	state.TriggerSyncChanges = func() {}
	c := &consul{state: state}
	for i := range count {
		c.register(tb, checkID(i), checkName, serviceID(i))
		c.ids = append(c.ids, structs.NewCheckID(types.CheckID(checkID(i)), nil))
		c.flip(i, 0)
	}
	return c
}

// register adds a service and its check.
func (c *consul) register(tb testing.TB, id, name, service string) {
	tb.Helper()
	err := c.state.AddServiceWithChecks(
		&structs.NodeService{ID: service, Service: service},
		[]*structs.HealthCheck{{
			CheckID: types.CheckID(id), Name: name, Status: api.HealthCritical,
			ServiceID: service, ServiceName: service,
		}},
		"", true,
	)
	if err != nil {
		tb.Fatal(err)
	}
}

// statuses reads through the pointer that the state hands out, which costs
// least; the check behind it must not change any more, and does not.
func (c *consul) statuses(times int) (passing, critical int) {
	id := c.ids[0]
	for i := 0; i < times; i++ {
		switch c.state.Check(id).Status {
		case api.HealthPassing:
			passing++
		case api.HealthCritical:
			critical++
		}
	}
	return passing, critical
}

func (c *consul) whole(kept *kept) (passing bool, output string) {
	check := c.state.CheckState(c.ids[0]).Check
	kept.consul = check
	return check.Status == api.HealthPassing, check.Output
}

func (c *consul) flip(check, turn int) {
	c.state.UpdateCheck(c.ids[check], consulStatuses[turn], outputs[turn])
}

// watch starts a runner of an alias of the service of check 0.
func (c *consul) watch(tb testing.TB) {
	tb.Helper()
	c.watchThrough(tb, c.state)
	c.await(0)
}

func (c *consul) watchThrough(tb testing.TB, notify checks.AliasNotifier) {
	tb.Helper()
	const id = "sidecar:alias"
	c.register(tb, id, "Alias", "sidecar")
	c.alias = structs.NewCheckID(id, nil)
	runner := &checks.CheckAlias{
		CheckID: c.alias, ServiceID: structs.NewServiceID(serviceID(0), nil), Notify: notify,
	}
	runner.Start()
	tb.Cleanup(runner.Stop)
}

func (c *consul) untilAlias(turn int) {
	c.flip(0, turn)
	c.await(turn)
}

// await looks until the alias shows it: Consul's users have no other way to
// learn of it. It makes way each time, so that the runner is not kept from running.
func (c *consul) await(turn int) {
	for c.state.Check(c.alias).Status != consulStatuses[turn] {
		runtime.Gosched()
	}
}

// consulTold is Consul with an observer that its users do not have: the runner
// tells it when it has written the alias. Nobody looks in the meantime, which
// would hold the runner up, so it is the least that the alias can be behind.
type consulTold struct {
	*consul
	written chan string
}

func newConsulTold(tb testing.TB, count int) *consulTold {
	return &consulTold{newConsul(tb, count), make(chan string, 1)}
}

type teller struct {
	*local.State
	written chan<- string
}

func (t teller) UpdateCheck(id structs.CheckID, status, output string) {
	t.State.UpdateCheck(id, status, output)
	t.written <- status
}

func (c *consulTold) watch(tb testing.TB) {
	tb.Helper()
	c.watchThrough(tb, teller{c.state, c.written})
	c.await(0)
}

func (c *consulTold) untilAlias(turn int) {
	c.flip(0, turn)
	c.await(turn)
}

func (c *consulTold) await(turn int) {
	for status := range c.written {
		if status == consulStatuses[turn] {
			return
		}
	}
}

func (c *consul) aliasPassing() bool { return c.state.Check(c.alias).Status == api.HealthPassing }
