package agent

import (
	"slices"
	"testing"

	"lifesign.dev/agent/internal/config"
)

func TestAliasesComeBehindWhatTheyShow(t *testing.T) {
	alias := func(id, service, target string) config.Check {
		return config.Check{ID: id, ServiceID: service, Kind: config.AliasService, AliasService: target}
	}
	var ids []string
	for _, c := range inOrder([]config.Check{
		alias("second", "front", "middle"),
		{ID: "node", ServiceID: "front", Kind: config.AliasNode},
		alias("first", "middle", "back"),
		alias("missing", "middle", "nowhere"),
		{ID: "back", ServiceID: "back", Kind: config.TTL},
		{ID: "disk", Kind: config.TTL},
		alias("here", "x", "y"),
		alias("there", "y", "x"),
	}) {
		ids = append(ids, c.ID)
	}
	want := []string{"disk", "back", "first", "missing", "second", "node", "there", "here"}
	if !slices.Equal(ids, want) {
		t.Errorf("order: %v, want %v", ids, want)
	}
}
