package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// maxBody bounds what is read of a response, in bytes: a health page that goes
// on for ever has said enough.
const maxBody = 1 << 20

type httpProber struct {
	check  config.Check
	client *http.Client
}

func newHTTP(check config.Check) *httpProber {
	client := &http.Client{
		// A connection a probe keeps open would go on answering after the
		// target has stopped to accept new ones.
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: check.TLSSkipVerify, ServerName: check.TLSServerName},
		},
		Timeout: check.Timeout,
	}
	if check.DisableRedirects {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return &httpProber{check, client}
}

// Probe is passing for an answer of 2xx, warning for 429, else critical.
func (p *httpProber) Probe(ctx context.Context) Result {
	failed := func(err error) Result {
		text := err.Error()
		if timeout := (interface{ Timeout() bool })(nil); errors.As(err, &timeout) && timeout.Timeout() {
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
	response, err := p.client.Do(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()

	body := &capture{limit: p.check.OutputMaxSize}
	head := fmt.Sprintf("%s %s: %s\n", p.check.Method, p.check.HTTP, response.Status)
	if _, err := io.Copy(body, io.LimitReader(response.Body, maxBody)); err != nil {
		return failed(fmt.Errorf("%s%s %s: reading the answer: %w", head, p.check.Method, p.check.HTTP, err))
	}
	result := Result{lifesign.Critical, strings.TrimRight(body.after(head, p.check.OutputMaxSize), "\n")}
	switch {
	case response.StatusCode >= 200 && response.StatusCode <= 299:
		result.Status = lifesign.Passing
	case response.StatusCode == http.StatusTooManyRequests:
		result.Status = lifesign.Warning
	}
	return result
}
