package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifesign.dev/agent/internal/agent"
)

const definitions = `{
	"services": [
		{"id": "web1", "name": "web", "tags": ["a"], "meta": {"k": "v"}, "port": 80,
		 "check": {"id": "w1", "name": "W1", "notes": "N", "ttl": "1h", "status": "passing"}},
		{"id": "web2", "name": "web", "check": {"id": "w/2", "ttl": "1h", "status": "warning"}},
		{"name": "sidecar", "check": {"id": "alias", "alias_service": "web1"}},
		{"name": "bare"}
	],
	"check": {"id": "node", "ttl": "1h", "status": "passing"}
}`

type client struct {
	t      *testing.T
	http   http.Client
	base   string
	server *http.Server
	agent  *agent.Agent
}

// serve runs an agent and its API on a real listener.
func serve(t *testing.T, address string, options Options) *client {
	t.Helper()
	return serveWith(t, address, options, func(*http.Server) {})
}

// serveWith is serve with something about the server changed.
func serveWith(t *testing.T, address string, options Options, change func(*http.Server)) *client {
	t.Helper()
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "a.json"), []byte(definitions), 0o600); err != nil {
		t.Fatal(err)
	}
	options.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	a, err := agent.New(agent.Options{Directory: directory, Node: "here", Version: "v1", Build: "b1", Log: options.Log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	listener, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(a, options)
	change(server)
	go server.Serve(listener)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c := &client{t: t, server: server, agent: a, base: "http://" + listener.Addr().String(), http: http.Client{Timeout: 30 * time.Second}}
	if listener.Addr().Network() == "unix" {
		c.base = "http://agent"
		c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", listener.Addr().String())
		}}
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func (c *client) do(method, path, body string) (*http.Response, string) {
	c.t.Helper()
	request, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, string(text)
}

// want does a request and compares code and parts of the answer.
func (c *client) want(code int, method, path, body string, parts ...string) string {
	c.t.Helper()
	response, text := c.do(method, path, body)
	if response.StatusCode != code {
		c.t.Errorf("%s %s: %d, want %d: %s", method, path, response.StatusCode, code, text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			c.t.Errorf("%s %s: %q lacks %q", method, path, text, part)
		}
	}
	return text
}

func (c *client) checks() map[string]map[string]any {
	c.t.Helper()
	var checks map[string]map[string]any
	if err := json.Unmarshal([]byte(c.want(200, "GET", "/v1/agent/checks", "")), &checks); err != nil {
		c.t.Fatal(err)
	}
	return checks
}

func (c *client) isStatus(id, want string) {
	c.t.Helper()
	if got := c.checks()[id]["Status"]; got != want {
		c.t.Errorf("check %s is %v, want %s", id, got, want)
	}
}

const loopback = "127.0.0.1:0"

func TestChecks(t *testing.T) {
	c := serve(t, loopback, Options{})
	c.want(200, "PUT", "/v1/agent/check/pass/w1?note=all%20well", "")
	w1 := c.checks()["w1"]
	for name, want := range map[string]any{"Node": "here", "CheckID": "w1", "Name": "W1", "Status": "passing", "Notes": "N",
		"Output": "all well", "ServiceID": "web1", "ServiceName": "web", "Type": "ttl"} {
		if w1[name] != want {
			t.Errorf("%s is %v, want %v", name, w1[name], want)
		}
	}
	detail := w1["Lifesign"].(map[string]any)
	writer := detail["Writer"].(map[string]any)
	if writer["Label"] != "probe ttl #1" || writer["Name"] != "lifesign-agent" || writer["Version"] != "v1" ||
		writer["Build"] != "b1" || writer["PID"] != float64(os.Getpid()) {
		t.Errorf("writer: %v", writer)
	}
	if since, err := time.Parse(time.RFC3339, detail["Since"].(string)); err != nil || time.Since(since) > time.Hour {
		t.Errorf("since: %v", detail["Since"])
	}
	alias := c.checks()["alias"]
	if alias["Type"] != "alias" || alias["Lifesign"].(map[string]any)["AliasTarget"] != "web1" || alias["Status"] != "passing" {
		t.Errorf("alias: %v", alias)
	}
	if node := c.checks()["node"]; node["ServiceID"] != "" || node["ServiceName"] != "" {
		t.Errorf("node: %v", node)
	}
}

func TestReports(t *testing.T) {
	c := serve(t, loopback, Options{})
	c.want(200, "PUT", "/v1/agent/check/warn/w1", "")
	c.isStatus("w1", "warning")
	c.isStatus("alias", "warning")
	c.want(200, "PUT", "/v1/agent/check/fail/w1?note=gone", "")
	c.isStatus("alias", "critical")
	c.want(200, "PUT", "/v1/agent/check/pass/w%2F2", "")
	c.isStatus("w/2", "passing")
	c.want(200, "PUT", "/v1/agent/check/fail/w/2", "")
	c.isStatus("w/2", "critical")
	c.want(200, "PUT", "/v1/agent/check/update/w1", `{"Status": "passing", "Output": "mended"}`)
	c.isStatus("alias", "passing")
	long := strings.Repeat("é", 50_000)
	c.want(200, "PUT", "/v1/agent/check/update/w1", `{"Status": "warning", "Output": "`+long+`"}`)
	if output := c.checks()["w1"]["Output"].(string); len(output) > 4096 || !strings.Contains(output, "[cut: 100000 bytes in all]") {
		t.Errorf("%d bytes of output", len(output))
	}

	c.want(404, "PUT", "/v1/agent/check/pass/nowhere", "", `"nowhere"`)
	c.want(400, "PUT", "/v1/agent/check/pass/alias", "", `check "alias" is no ttl check`)
	c.want(400, "PUT", "/v1/agent/check/update/alias", `{"Status": "passing"}`, `check "alias" is no ttl check`)
	c.want(400, "PUT", "/v1/agent/check/pass/", "", "missing check id")
	c.want(400, "PUT", "/v1/agent/check/update/w1", `{"Status": "fine"}`, `"w1"`, `"fine"`)
	c.want(400, "PUT", "/v1/agent/check/update/w1", `{"Status": "passing", "Colour": 1}`, `"Colour"`)
	c.want(400, "PUT", "/v1/agent/check/update/w1", `{"Status": `, `"w1"`)
	c.want(400, "PUT", "/v1/agent/check/update/w1", `{"Status": "passing"} x`, `"w1"`)
	c.want(400, "PUT", "/v1/agent/check/update/w1", ``, "needs a JSON body")
	c.isStatus("w1", "warning")
}

func TestMethodsAndPaths(t *testing.T) {
	c := serve(t, loopback, Options{})
	for path, allow := range map[string]string{
		"/v1/agent/check/pass/w1":  "PUT",
		"/v1/agent/check/register": "PUT",
		"/v1/agent/checks":         "GET, HEAD",
	} {
		method := "POST"
		response, text := c.do(method, path, "")
		if response.StatusCode != 405 || response.Header.Get("Allow") != allow {
			t.Errorf("%s %s: %d, Allow %q", method, path, response.StatusCode, response.Header.Get("Allow"))
		}
		if want := fmt.Sprintf("path %q takes %s, not %s\n", path, allow, method); text != want {
			t.Errorf("%s %s: %q, want %q", method, path, text, want)
		}
	}
	c.want(404, "GET", "/v1/catalog/nodes", "", `path "/v1/catalog/nodes" is not served here; agent/README.md lists those that are`)
	c.want(200, "GET", "/v1//agent/checks", "", `"w1"`) // by way of the clean path
	c.want(404, "GET", "/", "")
}

func TestServices(t *testing.T) {
	c := serve(t, loopback, Options{})
	var services map[string]map[string]any
	if err := json.Unmarshal([]byte(c.want(200, "GET", "/v1/agent/services", "")), &services); err != nil {
		t.Fatal(err)
	}
	web := services["web1"]
	if len(services) != 4 || web["ID"] != "web1" || web["Service"] != "web" || web["Port"] != 80.0 {
		t.Errorf("services: %v", services)
	}
	c.want(200, "GET", "/v1/agent/service/web1", "", `"Service": "web"`, `"k": "v"`)
	c.want(404, "GET", "/v1/agent/service/nowhere", "", `"nowhere"`)
	c.want(400, "GET", "/v1/agent/service/", "", "missing service id")
}

func TestHealth(t *testing.T) {
	c := serve(t, loopback, Options{})
	const id, name = "/v1/agent/health/service/id/", "/v1/agent/health/service/name/"
	c.want(200, "GET", id+"web1", "", `"AggregatedStatus": "passing"`, `"CheckID": "w1"`, `"CheckID": "node"`)
	c.want(200, "GET", id+"bare?format=text", "", "passing")
	c.want(429, "GET", id+"web2", "", `"AggregatedStatus": "warning"`)
	c.want(429, "GET", name+"web?format=text", "", "warning")
	c.want(200, "PUT", "/v1/agent/check/fail/w1", "")
	c.want(503, "GET", id+"web1", "", `"AggregatedStatus": "critical"`)
	c.want(503, "GET", id+"sidecar?format=text", "", "critical")
	var byName []map[string]any
	if err := json.Unmarshal([]byte(c.want(503, "GET", name+"web", "")), &byName); err != nil || len(byName) != 2 {
		t.Errorf("by name: %v, %v", byName, err)
	}
	// A check of the node counts for every service.
	c.want(200, "PUT", "/v1/agent/check/pass/w1", "")
	c.want(200, "PUT", "/v1/agent/check/fail/node", "")
	c.want(503, "GET", id+"bare?format=text", "", "critical")
	c.want(404, "GET", id+"nowhere", "", `"nowhere"`)
	c.want(404, "GET", name+"nowhere?format=text", "", `"nowhere"`)
	c.want(400, "GET", id, "", "missing service id")
	c.want(400, "GET", name, "", "missing service name")
	c.want(400, "GET", id+"web1?format=xml", "", `"xml"`)
	request, _ := http.NewRequest("GET", c.base+id+"web1", nil)
	request.Header.Set("Accept", "text/plain")
	response, err := c.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); string(text) != "critical\n" {
		t.Errorf("text/plain: %q", text)
	}
}

func TestRegisterCheck(t *testing.T) {
	c := serve(t, loopback, Options{})
	const path = "/v1/agent/check/register"
	c.want(200, "PUT", path, `{"ID": "mem", "Name": "Memory", "TTL": "1h", "Status": "warning", "ServiceID": "web1"}`)
	c.isStatus("mem", "warning")
	c.isStatus("alias", "warning")
	incarnation := c.checks()["mem"]["Lifesign"].(map[string]any)["Incarnation"]
	c.want(200, "PUT", path, `{"ID": "mem", "Name": "Memory", "TTL": "2h", "Status": "warning", "ServiceID": "web1"}`)
	if got := c.checks()["mem"]["Lifesign"].(map[string]any)["Incarnation"]; got != incarnation {
		t.Errorf("a changed definition began another life: %v, before %v", got, incarnation)
	}
	c.want(200, "PUT", "/v1/agent/check/pass/mem", "")
	c.want(200, "PUT", "/v1/agent/check/deregister/mem", "")
	c.want(404, "PUT", "/v1/agent/check/deregister/mem", "", `"mem"`)
	c.want(400, "PUT", "/v1/agent/check/deregister/", "", "missing check id")
	c.isStatus("alias", "passing")

	c.want(400, "PUT", path, `{"Name": "x", "TTL": "1s", "Colour": "red"}`, `unknown field "Colour"`, `check "x"`)
	c.want(400, "PUT", path, `{"Name": "x", "GRPC": "a:1", "Interval": "1s"}`, `field "GRPC" is not supported`)
	c.want(400, "PUT", path, `{"TTL": "1s"}`, "a name or an id")
	c.want(400, "PUT", path, `{"Name": "x", "TTL": `, "request body:1:")
	c.want(400, "PUT", path, "", "needs a JSON body")
	c.want(404, "PUT", path, `{"Name": "x", "TTL": "1s", "ServiceID": "nowhere"}`, `check "x" refers to service "nowhere"`)
	c.want(409, "PUT", path, `{"ID": "w1", "Name": "other", "TTL": "1s"}`, `check "w1" is defined at`, "a.json:4:")
	c.want(409, "PUT", path, `{"ID": "loop", "Name": "loop", "ServiceID": "web1", "AliasService": "sidecar"}`, "loop")
	c.want(413, "PUT", path, `{"Name": "x", "Notes": "`+strings.Repeat("x", maxBody)+`"}`, "1048576 bytes")
	for _, body := range []string{`{"Name": "x", "TTL": "1s", "Colour": "red"}`, `{"Name": "x", "TTL": `, `{"TTL": "1s"}`} {
		if text := c.want(400, "PUT", path, body, "nothing was registered:"); strings.Contains(text, ";") {
			t.Errorf("%s: what comes of it is said twice: %q", body, text)
		}
	}
	loop := c.want(409, "PUT", path, `{"ID": "loop", "Name": "loop", "ServiceID": "web1", "AliasService": "sidecar"}`)
	if strings.HasPrefix(loop, "lifesign:") {
		t.Errorf("loop: %q", loop)
	}
	if _, there := c.checks()["x"]; there {
		t.Error("a refused check is there")
	}
}

func TestScriptsOverHTTP(t *testing.T) {
	const body = `{"Name": "s", "Args": ["true"], "Interval": "1s"}`
	refusing := serve(t, loopback, Options{})
	refusing.want(403, "PUT", "/v1/agent/check/register", body, `check "s"`, "-http-script-checks")
	refusing.want(403, "PUT", "/v1/agent/service/register", `{"Name": "x", "Check": `+body+`}`, "-http-script-checks")
	refusing.want(404, "GET", "/v1/agent/service/x", "")
	serve(t, loopback, Options{Scripts: true}).want(200, "PUT", "/v1/agent/check/register", body)
}

func TestRegisterService(t *testing.T) {
	c := serve(t, loopback, Options{})
	const path = "/v1/agent/service/register"
	c.want(200, "PUT", path, `{"ID": "db1", "Name": "db", "Tags": ["t"], "Port": 5432, "EnableTagOverride": false,
		"Checks": [{"CheckID": "db:a", "TTL": "1h", "Status": "passing"}, {"CheckID": "db:b", "TTL": "1h", "Status": "passing"}]}`)
	c.want(200, "GET", "/v1/agent/health/service/id/db1?format=text", "", "passing")
	c.want(200, "PUT", path+"?replace-existing-checks=true", `{"ID": "db1", "Name": "db", "Checks": [{"CheckID": "db:a", "TTL": "1h", "Status": "passing"}]}`)
	if _, there := c.checks()["db:b"]; there {
		t.Error("db:b was not replaced")
	}
	c.want(400, "PUT", path+"?replace-existing-checks=perhaps", `{"Name": "db"}`, "perhaps")
	c.want(400, "PUT", path, `{"Name": "x", "Kind": "connect-proxy"}`, `field "Kind" is not supported`)
	c.want(400, "PUT", path, `{"Name": "x", "Colour": 1}`, `unknown field "Colour"`)
	c.want(400, "PUT", path, `{"Name": "x", "Checks": [{"Name": "c"}]}`, "a check needs one of")
	c.want(400, "PUT", path, `{"Name": "x", "Checks": [{"CheckID": "c", "TTL": "1s"}, {"CheckID": "c", "TTL": "1s"}]}`, "already defined")
	c.want(400, "PUT", path, `{"Name": "x", "Meta": {"k": "`+strings.Repeat("v", 5000)+`"}}`, `x`)
	c.want(409, "PUT", path, `{"ID": "web1", "Name": "renamed"}`, `service "web1" is defined at`)
	c.want(404, "GET", "/v1/agent/service/x", "")
	c.want(200, "PUT", "/v1/agent/service/deregister/db1", "")
	c.want(404, "PUT", "/v1/agent/service/deregister/db1", "", `"db1"`)
	c.want(404, "GET", "/v1/agent/health/service/id/db1", "", `"db1"`)
}

// A page whose host name was made to resolve to the loopback must not reach
// the API.
func TestForeignHost(t *testing.T) {
	c := serve(t, loopback, Options{})
	for host, code := range map[string]int{"evil.example": 403, "evil.example:8500": 403, "localhost:1": 200, "[::1]:8500": 200, "127.0.0.1": 200} {
		request, _ := http.NewRequest("GET", c.base+"/v1/agent/checks", nil)
		request.Host = host
		response, err := c.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != code {
			t.Errorf("host %s: %d, want %d", host, response.StatusCode, code)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.sock")
	// What an agent that was killed has left behind is no obstacle.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	c := serve(t, "unix://"+path, Options{})
	c.want(200, "GET", "/v1/agent/checks", "", `"w1"`)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v", info, err)
	}
	if _, err := Listen("unix://" + path); err == nil || !strings.Contains(err.Error(), "somebody else listens there") {
		t.Errorf("a second listener: %v", err)
	}
}

func TestRefusedAddresses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"0.0.0.0:0":       "not on the loopback",
		":8500":           "not on the loopback",
		"192.0.2.1:8500":  "not on the loopback",
		"[::]:0":          "not on the loopback",
		"example.com:80":  "not on the loopback",
		"127.0.0.1":       "want host:port",
		"unix://":         "no path",
		"unix://" + file:  "not a socket",
		"unix:///no/dir/": "unix:///no/dir/",
	} {
		listener, err := Listen(address)
		if err == nil {
			listener.Close()
			t.Errorf("%s was listened on", address)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v lacks %q", address, err, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || !bytes.Equal(text, []byte("precious")) {
		t.Errorf("the file: %q, %v", text, err)
	}
}
