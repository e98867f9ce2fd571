package agent

import "lifesign.dev/agent/internal/config"

// inOrder puts every alias behind the checks that decide what it shows, those
// of the node and of its target: an alias that came first would show a service
// as passing that has no checks yet. In a loop of aliases no order is better.
func inOrder(checks []config.Check) []config.Check {
	bound := map[string][]int{} // by service; empty: by node
	for i, c := range checks {
		bound[c.ServiceID] = append(bound[c.ServiceID], i)
	}
	ordered := make([]config.Check, 0, len(checks))
	seen := make([]bool, len(checks))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		if c := checks[i]; c.Kind.Alias() {
			for _, direct := range bound[""] {
				visit(direct)
			}
			for _, target := range bound[c.AliasService] {
				visit(target)
			}
		}
		ordered = append(ordered, checks[i])
	}
	for i := range checks {
		visit(i)
	}
	return ordered
}
