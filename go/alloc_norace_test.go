//go:build !race

package lifesign_test

import (
	"fmt"
	"testing"

	"lifesign.dev/lifesign"
)

// Under the race detector sync.Pool forgets at random, on purpose.
func TestUpdateAllocatesNothing(t *testing.T) {
	token := must(register(t, open(t, lifesign.Config{}), "http", nil).Acquire("probe"))(t)
	outputs, n := [...]string{"200 OK", "500 Internal Server Error"}, 0
	allocations := testing.AllocsPerRun(1000, func() {
		n++
		if err := token.Update(lifesign.Passing+lifesign.Status(n%2), outputs[n%2]); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestUpdateBatchAllocatesNothing(t *testing.T) {
	engine := open(t, lifesign.Config{})
	writes := make([]lifesign.Write, 64)
	for i := range writes {
		writes[i].Token = must(register(t, engine, fmt.Sprint("check-", i), nil).Acquire("probe"))(t)
	}
	n := 0
	allocations := testing.AllocsPerRun(1000, func() {
		n++
		for i := range writes {
			writes[i].Status, writes[i].Output = lifesign.Passing+lifesign.Status(n%2), "200 OK"
		}
		if err := lifesign.UpdateBatch(writes); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}
