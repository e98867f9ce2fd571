package probe

import (
	"strings"
	"testing"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// Letters: p, w, c are results and statuses; - is no change.
func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		name                       string
		success, warning, critical int
		results, want              string
	}{
		{"none", 0, 0, 0, "pcwpcc", "pcwpcc"},
		{"first counts when critical", 3, 2, 4, "cpppccccc", "c--p-wwcc"},
		{"first counts when passing", 3, 0, 2, "pcpcc", "p---c"},
		{"rows must be unbroken", 2, 2, 2, "pcpcpcc", "p-----c"},
		{"warning answers", 2, 2, 2, "cwwpc", "c-wp-"},
		{"one is at once", 1, 1, 1, "pcpc", "pcpc"},
		{"warning before critical", 0, 1, 3, "pcccp", "pwwcp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			warning := c.warning
			if warning == 0 {
				warning = c.critical
			}
			judge := NewJudge(config.Check{SuccessBeforePassing: c.success, FailuresBeforeWarning: warning, FailuresBeforeCritical: c.critical})
			statuses := map[rune]lifesign.Status{'p': lifesign.Passing, 'w': lifesign.Warning, 'c': lifesign.Critical}
			var got strings.Builder
			for _, result := range c.results {
				status, counts := judge.Next(statuses[result])
				if !counts {
					got.WriteByte('-')
					continue
				}
				got.WriteByte(status.String()[0])
			}
			if got.String() != c.want {
				t.Errorf("results %s: statuses %s, want %s", c.results, got.String(), c.want)
			}
		})
	}
}
