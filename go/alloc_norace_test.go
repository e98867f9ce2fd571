//go:build !race

package lifesign_test

import (
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
