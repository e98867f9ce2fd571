package lifesign_test

import (
	"reflect"
	"strings"
	"testing"

	"lifesign.dev/lifesign"
)

func TestSnapshotBuffer(t *testing.T) {
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	spec := lifesign.CheckSpec{ID: "web:http", Name: "HTTP", Service: web, Data: []byte("GET /\x00\xff")}
	http := must(engine.RegisterCheck(spec))(t)
	alias := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "sidecar", AliasOf: "web"}))(t)
	gone := register(t, engine, "gone", nil)
	check(t, gone.Deregister())
	token := must(http.Acquire("probe"))(t)

	var buffer lifesign.SnapshotBuffer
	if none := must(buffer.Read())(t); len(none) != 0 {
		t.Errorf("nothing is %+v", none)
	}
	// Each time there is more to be read than before.
	for n := 1; n <= 4096; n *= 8 {
		check(t, token.Update(lifesign.Warning, strings.Repeat("x", n)))
		snapshots := must(buffer.Read(http, gone, alias, http))(t)
		if len(snapshots) != 4 {
			t.Fatalf("%d snapshots", len(snapshots))
		}
		one := must(http.Snapshot())(t)
		for i, want := range map[int]lifesign.Snapshot{
			0: one, 1: {Check: gone.Handle()}, 2: must(alias.Snapshot())(t), 3: one,
		} {
			if !reflect.DeepEqual(snapshots[i], want) {
				t.Errorf("snapshot %d is %+v, want %+v", i, snapshots[i], want)
			}
		}
	}
	if fewer := must(buffer.Read(alias))(t); len(fewer) != 1 || fewer[0].ID != "sidecar" {
		t.Errorf("%+v", fewer)
	}

	_, err := buffer.Read(http, nil)
	mentions(t, refused(t, err, lifesign.ErrInvalid), "check 1")
	check(t, engine.Close())
	for _, snapshot := range must(buffer.Read(http, gone, alias))(t) {
		if snapshot.Status != lifesign.Gone || snapshot.ID != "" {
			t.Errorf("after the close: %+v", snapshot)
		}
	}
}
