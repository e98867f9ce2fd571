package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// What is read of a response, in bytes: a health page that goes on for ever has
// said enough.
const (
	maxHeader = 64 << 10
	maxBody   = 1 << 20
)

type httpProber struct {
	check config.Check
}

// client is for one probe. Whatever the HTTP client thinks of its connections,
// they end with ctx: it leaves a handshake that does not end to itself, and what
// follows a change of protocol too.
func (p *httpProber) client(ctx context.Context) *http.Client {
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
				connection, err := new(net.Dialer).DialContext(ctx, network, address)
				if err == nil {
					context.AfterFunc(ctx, func() { connection.Close() })
				}
				return connection, err
			},
			// A connection a probe keeps open would go on answering after the
			// target has stopped to accept new ones.
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeader,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: p.check.TLSSkipVerify, ServerName: p.check.TLSServerName},
		},
	}
	if p.check.DisableRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client
}

// Probe is passing for an answer of 2xx, warning for 429, else critical.
func (p *httpProber) Probe(ctx context.Context) Result {
	ctx, cancel := context.WithTimeout(ctx, p.check.Timeout)
	defer cancel()
	failed := func(err error) Result {
		text := err.Error()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			text = fmt.Sprintf("%s %s: no answer within %v", p.check.Method, p.check.HTTP, p.check.Timeout)
		}
		return Result{lifesign.Critical, Cut(text, p.check.OutputMaxSize)}
	}
	request, err := http.NewRequestWithContext(ctx, p.check.Method, p.check.HTTP, strings.NewReader(p.check.Body))
	if err != nil {
		return failed(err)
	}
	request.Header.Set("User-Agent", "lifesign-agent")
	request.Header.Set("Accept", "text/plain, text/*, */*")
	for name, values := range p.check.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := p.client(ctx).Do(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()

	body := &capture{limit: p.check.OutputMaxSize}
	page := &io.LimitedReader{R: response.Body, N: maxBody + 1}
	if response.StatusCode == http.StatusSwitchingProtocols {
		page.R = http.NoBody // what follows is none
	}
	head := fmt.Sprintf("%s %s: %s\n", p.check.Method, p.check.HTTP, response.Status)
	if _, err := io.Copy(body, page); err != nil {
		return failed(fmt.Errorf("%s%s %s: reading the answer: %w", head, p.check.Method, p.check.HTTP, err))
	}
	body.more = page.N == 0
	result := Result{lifesign.Critical, strings.TrimRight(body.after(head, p.check.OutputMaxSize), "\n")}
	switch {
	case response.StatusCode >= 200 && response.StatusCode <= 299:
		result.Status = lifesign.Passing
	case response.StatusCode == http.StatusTooManyRequests:
		result.Status = lifesign.Warning
	}
	return result
}
