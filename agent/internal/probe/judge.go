package probe

import (
	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// Judge turns a series of results into a check's status by the definition's
// three thresholds: how many results of a kind must come in a row before they
// count. The first result counts as it is.
type Judge struct {
	successBeforePassing   int
	failuresBeforeWarning  int
	failuresBeforeCritical int

	successes, failures int // in a row
}

// NewJudge returns a judge that has seen nothing.
func NewJudge(check config.Check) *Judge {
	return &Judge{
		successBeforePassing:   check.SuccessBeforePassing,
		failuresBeforeWarning:  check.FailuresBeforeWarning,
		failuresBeforeCritical: check.FailuresBeforeCritical,
		// Both rows start complete: whichever comes first counts, and empties
		// the other.
		successes: check.SuccessBeforePassing,
		failures:  check.FailuresBeforeCritical,
	}
}

// Resume goes on from the status that a check showed before a restart: the first
// result after it counts by the thresholds as any other does.
func (j *Judge) Resume(status lifesign.Status) {
	if status == lifesign.Critical {
		j.successes = 0
	} else {
		j.failures = 0
	}
}

// Next takes the next result and returns the status it makes, or false when
// the check's status stays as it is. A warning is a success here: the target
// answered.
func (j *Judge) Next(status lifesign.Status) (lifesign.Status, bool) {
	if status != lifesign.Critical {
		j.successes++
		j.failures = 0
		return status, j.successes >= j.successBeforePassing
	}
	j.failures++
	j.successes = 0
	switch {
	case j.failures >= j.failuresBeforeCritical:
		return lifesign.Critical, true
	case j.failures >= j.failuresBeforeWarning:
		return lifesign.Warning, true
	default:
		return lifesign.Gone, false
	}
}
