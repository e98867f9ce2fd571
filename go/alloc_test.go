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

func BenchmarkStatus(b *testing.B) {
	http := register(b, open(b, lifesign.Config{}), "http", nil)
	b.ReportAllocs()
	for b.Loop() {
		http.Status()
	}
}

func BenchmarkUpdate(b *testing.B) {
	token := must(register(b, open(b, lifesign.Config{}), "http", nil).Acquire("probe"))(b)
	outputs := [...]string{"200 OK", "500 Internal Server Error"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := token.Update(lifesign.Passing+lifesign.Status(i%2), outputs[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	http := register(b, open(b, lifesign.Config{}), "http", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := http.Snapshot(); err != nil {
			b.Fatal(err)
		}
	}
}
