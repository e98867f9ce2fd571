package probe

import (
	"context"
	"fmt"
	"net"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

type tcpProber struct {
	check config.Check
}

// Probe is passing when a connection can be made, else critical.
func (p *tcpProber) Probe(ctx context.Context) Result {
	dialer := net.Dialer{Timeout: p.check.Timeout}
	connection, err := dialer.DialContext(ctx, "tcp", p.check.TCP)
	if err != nil {
		return Result{lifesign.Critical, Cut(fmt.Sprintf("TCP connect %s: %v", p.check.TCP, err), p.check.OutputMaxSize)}
	}
	connection.Close()
	return Result{lifesign.Passing, Cut(fmt.Sprintf("TCP connect %s: success", p.check.TCP), p.check.OutputMaxSize)}
}
