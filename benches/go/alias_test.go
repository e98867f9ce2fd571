package benches

import (
	"fmt"
	"testing"
)

// aliased is a peer that has alias checks.
type aliased interface {
	peer
	// watch makes an alias of the service of check 0, one more check of the node.
	watch(tb testing.TB)
	// untilAlias flips check 0 and returns when the alias shows it.
	untilAlias(turn int)
	aliasPassing() bool
}

// How long an alias is behind, by how many checks the node has, the alias among
// them.
func BenchmarkFlipUntilAlias(b *testing.B) {
	for _, candidate := range []struct {
		name string
		make func(tb testing.TB, checks int) aliased
	}{
		{"lifesign", func(tb testing.TB, checks int) aliased { return newLifesign(tb, checks) }},
		{"consul", func(tb testing.TB, checks int) aliased { return newConsul(tb, checks) }},
		{"consul-told", func(tb testing.TB, checks int) aliased { return newConsulTold(tb, checks) }},
	} {
		for _, checks := range []int{2, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", candidate.name, checks), func(b *testing.B) {
				p := candidate.make(b, checks-1)
				p.watch(b)
				b.ReportAllocs()
				b.ResetTimer()
				for i := 1; i <= b.N; i++ {
					p.untilAlias(i % 2)
				}
				b.StopTimer()
				shows(b, p, b.N%2)
				if passing := p.aliasPassing(); passing != (b.N%2 == 0) {
					b.Errorf("the alias is behind: passing %t", passing)
				}
			})
		}
	}
}
