package lifesign_test

import (
	"testing"

	"lifesign.dev/lifesign"
)

func TestStatusAllocatesNothing(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	for what, read := range map[string]func() lifesign.Status{
		"check": http.Status, "alias": alias.Status, "service": web.Status, "node": engine.NodeStatus,
	} {
		if allocations := testing.AllocsPerRun(1000, func() { read() }); allocations != 0 {
			t.Errorf("%s: %v allocations", what, allocations)
		}
	}
}
