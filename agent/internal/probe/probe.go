// Package probe runs health checks: it asks a target how it is and says so. It
// knows nothing of where the answer is kept.
package probe

import (
	"context"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// Result is the outcome of one probe.
type Result struct {
	Status lifesign.Status
	Output string // valid UTF-8, at most the definition's OutputMaxSize bytes
}

// Prober asks one target. Probe returns within the definition's timeout, and
// soon after ctx is done; it is not called again before it has returned.
type Prober interface {
	Probe(ctx context.Context) Result
}

// New returns the prober for a check of kind HTTP, TCP or Script, and nil for
// every other kind.
func New(check config.Check) Prober {
	switch check.Kind {
	case config.HTTP:
		return &httpProber{check}
	case config.TCP:
		return &tcpProber{check}
	case config.Script:
		return &scriptProber{check}
	default:
		return nil
	}
}
