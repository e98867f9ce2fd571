package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// write puts files into a fresh directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func load(t *testing.T, files map[string]string) Set {
	t.Helper()
	set, err := Load(write(t, files), "here")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// clean loads a single file that must be without problems.
func clean(t *testing.T, name, text string) Set {
	t.Helper()
	set := load(t, map[string]string{name: text})
	for _, p := range set.Problems {
		t.Errorf("unexpected problem: %s", p)
	}
	return set
}

func (s Set) check(t *testing.T, id string) Check {
	t.Helper()
	for _, c := range s.Checks {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no check %q among %d", id, len(s.Checks))
	return Check{}
}

// problem returns the one problem whose text contains all of parts.
func (s Set) problem(t *testing.T, parts ...string) Problem {
	t.Helper()
	var found []Problem
next:
	for _, p := range s.Problems {
		for _, part := range parts {
			if !strings.Contains(p.String(), part) {
				continue next
			}
		}
		found = append(found, p)
	}
	if len(found) != 1 {
		t.Fatalf("%d problems with %q, want 1; all: %v", len(found), parts, s.Problems)
	}
	return found[0]
}

const everyFieldJSON = `{
  "service": {
    "id": "web1", "name": "web", "tags": ["a", "b"], "meta": {"env": "prod"}, "address": "10.0.0.1", "port": 80,
    "checks": [
      {"id": "h", "name": "H", "notes": "N", "http": "https://x.example/health", "method": "POST",
       "header": {"X-Foo": ["bar", "baz"]}, "body": "{}", "tls_skip_verify": true, "tls_server_name": "y.example",
       "disable_redirects": true, "interval": "10s", "timeout": "1s", "status": "passing",
       "success_before_passing": 2, "failures_before_warning": 3, "failures_before_critical": 4, "output_max_size": 100},
      {"tcp": "localhost:22", "interval": "5s"},
      {"args": ["true", "x"], "interval": "1m"},
      {"ttl": "30s", "status": "warning"},
      {"alias_service": "db"}
    ]
  }
}`

const everyFieldHCL = `
service {
  id = "web1"
  name = "web"
  tags = ["a", "b"]
  meta {
    env = "prod"
  }
  address = "10.0.0.1"
  port = 80
  checks = [
    {
      id = "h" name = "H" notes = "N"
      http = "https://x.example/health"
      method = "POST"
      header = { X-Foo = ["bar", "baz"] }
      body = "{}"
      tls_skip_verify = true
      tls_server_name = "y.example"
      disable_redirects = true
      interval = "10s"
      timeout = "1s"
      status = "passing"
      success_before_passing = 2
      failures_before_warning = 3
      failures_before_critical = 4
      output_max_size = 100
    },
    { tcp = "localhost:22", interval = "5s" },
    { args = ["true", "x"], interval = "1m" },
    { ttl = "30s", status = "warning" },
    { alias_service = "db" },
  ]
}
`

func TestEveryFieldInBothSyntaxes(t *testing.T) {
	for name, text := range map[string]string{"a.json": everyFieldJSON, "a.hcl": everyFieldHCL} {
		t.Run(name, func(t *testing.T) {
			set := clean(t, name, text)
			if len(set.Services) != 1 || len(set.Checks) != 5 {
				t.Fatalf("%d services, %d checks", len(set.Services), len(set.Checks))
			}
			service := Service{ID: "web1", Name: "web", Tags: []string{"a", "b"}, Meta: map[string]string{"env": "prod"},
				Address: "10.0.0.1", Port: 80}
			if !set.Services[0].Same(service) {
				t.Errorf("service: %+v", set.Services[0])
			}
			base := Check{ServiceID: "web1", Name: "Service 'web' check", Status: lifesign.Critical, OutputMaxSize: 4096}
			for _, want := range []Check{
				{ID: "h", Name: "H", Notes: "N", ServiceID: "web1", Kind: HTTP, HTTP: "https://x.example/health", Method: "POST",
					Header: map[string][]string{"X-Foo": {"bar", "baz"}}, Body: "{}", TLSSkipVerify: true, TLSServerName: "y.example",
					DisableRedirects: true, Interval: 10 * time.Second, Timeout: time.Second, Status: lifesign.Passing,
					SuccessBeforePassing: 2, FailuresBeforeWarning: 3, FailuresBeforeCritical: 4, OutputMaxSize: 100},
				with(base, func(c *Check) {
					c.ID, c.Kind, c.TCP, c.Interval, c.Timeout = "service:web1:2", TCP, "localhost:22", 5*time.Second, 10*time.Second
				}),
				with(base, func(c *Check) {
					c.ID, c.Kind, c.Args, c.Interval, c.Timeout = "service:web1:3", Script, []string{"true", "x"}, time.Minute, 30*time.Second
				}),
				with(base, func(c *Check) {
					c.ID, c.Kind, c.TTL, c.Status = "service:web1:4", TTL, 30*time.Second, lifesign.Warning
				}),
				with(base, func(c *Check) { c.ID, c.Kind, c.AliasService = "service:web1:5", AliasService, "db" }),
			} {
				if got := set.check(t, want.ID); !got.Same(want) {
					t.Errorf("check %q:\n got %+v\nwant %+v", want.ID, got, want)
				}
			}
		})
	}
}

func with(c Check, change func(*Check)) Check {
	change(&c)
	return c
}

func TestForms(t *testing.T) {
	for _, form := range []struct{ name, file, text, services, checks string }{
		{"json service object", "a.json", `{"service": {"name": "a", "check": {"ttl": "1s"}}}`, "a", "service:a"},
		{"json service list", "a.json", `{"service": [{"name": "a"}, {"name": "b"}]}`, "a b", ""},
		{"json services", "a.json", `{"services": [{"name": "a"}, {"id": "b2", "name": "b"}]}`, "a b2", ""},
		{"json check", "a.json", `{"check": {"name": "n", "ttl": "1s"}}`, "", "n"},
		{"json checks", "a.json", `{"checks": [{"name": "n", "ttl": "1s"}, {"id": "m", "ttl": "1s"}]}`, "", "n m"},
		{"json checks object", "a.json", `{"checks": {"name": "n", "ttl": "1s"}}`, "", "n"},
		{"json check and checks", "a.json", `{"service": {"name": "a", "check": {"ttl": "1s"}, "checks": [{"ttl": "2s"}]}}`, "a", "service:a:1 service:a:2"},
		{"json camel case", "a.json", `{"Service": {"ID": "a", "Name": "A", "Check": {"CheckID": "c", "TTL": "1s"}}}`, "a", "c"},
		{"json byte order mark", "a.json", "\ufeff" + `{"check": {"name": "n", "ttl": "1s"}}`, "", "n"},
		{"hcl service", "a.hcl", "service {\n name = \"a\"\n check {\n ttl = \"1s\"\n }\n}", "a", "service:a"},
		{"hcl service blocks", "a.hcl", "service { name = \"a\" }\nservice { name = \"b\" }", "a b", ""},
		{"hcl services list", "a.hcl", "services = [{ name = \"a\" }, { name = \"b\" }]", "a b", ""},
		{"hcl services blocks", "a.hcl", "services { name = \"a\" }\nservices { name = \"b\" }", "a b", ""},
		{"hcl check attribute", "a.hcl", "check = { name = \"n\", ttl = \"1s\" }", "", "n"},
		{"hcl checks blocks", "a.hcl", "checks { name = \"n\" ttl = \"1s\" }\nchecks { name = \"m\" ttl = \"1s\" }", "", "n m"},
		{"hcl nested check blocks", "a.hcl", "service { name = \"a\" check { ttl = \"1s\" } check { ttl = \"2s\" } }", "a", "service:a:1 service:a:2"},
		{"empty json", "a.json", `{}`, "", ""},
		{"empty hcl", "a.hcl", ``, "", ""},
	} {
		t.Run(form.name, func(t *testing.T) {
			set := clean(t, form.file, form.text)
			var services, checks []string
			for _, s := range set.Services {
				services = append(services, s.ID)
			}
			for _, c := range set.Checks {
				checks = append(checks, c.ID)
			}
			if got := strings.Join(services, " "); got != form.services {
				t.Errorf("services %q, want %q", got, form.services)
			}
			if got := strings.Join(checks, " "); got != form.checks {
				t.Errorf("checks %q, want %q", got, form.checks)
			}
		})
	}
}

func TestUnsupportedFieldNamesItsPlaceAndSparesTheOthers(t *testing.T) {
	set := load(t, map[string]string{
		"a.json": "{\"service\": {\"name\": \"web\", \"checks\": [\n" +
			"  {\"id\": \"good\", \"ttl\": \"1s\"},\n" +
			"  {\"id\": \"bad\",\n   \"grpc\": \"127.0.0.1:1\", \"interval\": \"1s\"}]}}",
		"b.hcl": "check {\n  name = \"late\"\n  ttl  = \"1s\"\n  deregister_critical_service_after = \"90m\"\n}\n",
	})
	p := set.problem(t, `"grpc"`)
	if p.Place.Line != 4 || p.Place.Column != 4 || p.Field != "grpc" || p.Place.Path != "service.checks[1].grpc" ||
		p.Object() != `check "bad"` || !p.Fatal || filepath.Base(p.Place.File) != "a.json" {
		t.Errorf("grpc: %+v", p)
	}
	p = set.problem(t, "deregister_critical_service_after")
	if p.Place.Line != 4 || p.Place.Column != 3 || p.Place.Path != "check.deregister_critical_service_after" || p.Object() != `check "late"` {
		t.Errorf("deregister: %+v", p)
	}
	if c := set.check(t, "good"); c.Kind != TTL || c.Fault != "" {
		t.Errorf("good: %+v", c)
	}
	for _, id := range []string{"bad", "late"} {
		if c := set.check(t, id); c.Kind != Unrunnable || !strings.Contains(c.Fault, "not supported") || c.Status != lifesign.Critical {
			t.Errorf("%s: %+v", id, c)
		}
	}
}

// Every field that Consul documents for a check is either read or refused by
// name; none is unknown.
func TestEveryDocumentedCheckFieldIsKnown(t *testing.T) {
	documented := strings.Fields(`id name notes interval timeout status deregister_critical_service_after
		success_before_passing failures_before_warning failures_before_critical args docker_container_id shell
		grpc grpc_use_tls h2ping h2ping_use_tls http tls_server_name tls_skip_verify method header body
		disable_redirects os_service service_id tcp tcp_use_tls udp ttl alias_service alias_node output_max_size token`)
	for _, name := range documented {
		if checkFields[name] == nil || checkFields[strings.ReplaceAll(name, "_", "")] == nil {
			t.Errorf("%s is unknown", name)
		}
	}
	for _, name := range strings.Fields(`name id address port tags meta tagged_addresses socket_path enable_tag_override
		check checks kind proxy connect weights token namespace`) {
		if serviceFields[name] == nil {
			t.Errorf("service: %s is unknown", name)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, bad := range []struct{ name, check, want string }{
		{"unknown field", `"ttl": "1s", "colour": "red"`, `unknown field "colour"`},
		{"wrong type", `"ttl": 5`, `field "ttl" takes a duration such as "10s", at least "10ms", not 5`},
		{"bad duration", `"ttl": "soon"`, `not "soon"`},
		{"negative duration", `"tcp": "a:1", "interval": "-1s"`, `not "-1s"`},
		{"tiny interval", `"tcp": "a:1", "interval": "1ns"`, `at least "10ms"`},
		{"no interval", `"tcp": "a:1"`, `a tcp check without an interval`},
		{"no kind", `"notes": "n"`, `a check needs one of http`},
		{"two kinds", `"tcp": "a:1", "http": "http://a/", "interval": "1s"`, `a check is of one kind, not of http and tcp`},
		{"interval and ttl", `"ttl": "1s", "interval": "1s"`, `an interval or a ttl, not both`},
		{"bad status", `"ttl": "1s", "status": "fine"`, `not "fine"`},
		{"status gone", `"ttl": "1s", "status": "gone"`, `not "gone"`},
		{"bad address", `"http": "ftp://a/", "interval": "1s"`, `an http:// or https:// address`},
		{"bad tcp", `"tcp": "nowhere", "interval": "1s"`, `host:port`},
		{"bad header", `"http": "http://a/", "interval": "1s", "header": {"X": "y"}`, `a list of strings`},
		{"bad args", `"args": ["a", 1], "interval": "1s"`, `a list of strings`},
		{"thresholds", `"tcp": "a:1", "interval": "1s", "failures_before_warning": 3, "failures_before_critical": 2`, `is more than`},
		{"negative threshold", `"tcp": "a:1", "interval": "1s", "success_before_passing": -1`, `a whole number from 0`},
		{"fraction", `"tcp": "a:1", "interval": "1s", "success_before_passing": 1.5`, `not 1.5`},
		{"twice", `"ttl": "1s", "ttl": "2s"`, `field "ttl" is given twice`},
		{"another node", `"alias_node": "there"`, `not supported for another node`},
		{"id and check_id", `"ttl": "1s", "check_id": "x"`, `id and check_id are one field`},
	} {
		t.Run(bad.name, func(t *testing.T) {
			set := load(t, map[string]string{"a.json": `{"checks": [{"id": "x", ` + bad.check + `}, {"id": "good", "ttl": "1s"}]}`})
			p := set.problem(t, bad.want)
			if !p.Fatal || p.Place.Line != 1 || p.Place.Column == 0 {
				t.Errorf("problem: %+v", p)
			}
			if c := set.check(t, "x"); c.Kind != Unrunnable || c.Fault == "" {
				t.Errorf("the faulty check would run: %+v", c)
			}
			if c := set.check(t, "good"); c.Kind != TTL {
				t.Errorf("the good check would not: %+v", c)
			}
		})
	}
}

func TestFieldWithoutEffectIsReportedAndTheCheckRuns(t *testing.T) {
	set := load(t, map[string]string{"a.hcl": "check {\n  name = \"n\"\n  ttl = \"1s\"\n  method = \"POST\"\n}"})
	p := set.problem(t, `field "method" has no effect on a ttl check`)
	if p.Fatal || p.Place.Line != 4 {
		t.Errorf("problem: %+v", p)
	}
	if c := set.check(t, "n"); c.Kind != TTL {
		t.Errorf("check: %+v", c)
	}
}

func TestDefaultsWrittenOutAreNoProblem(t *testing.T) {
	clean(t, "a.json", `{"service": {"name": "a", "enable_tag_override": false, "token": "", "connect": {}, "port": 0,
		"check": {"ttl": "1s", "grpc": "", "grpc_use_tls": false, "http": null, "interval": ""}}}`)
}

func TestServiceFields(t *testing.T) {
	set := load(t, map[string]string{
		"a.json": `{"services": [
			{"name": "harmless", "weights": {"passing": 2}, "check": {"ttl": "1s"}},
			{"name": "mesh", "connect": {"sidecar_service": {}}, "check": {"ttl": "1s"}},
			{"name": "port", "port": 70000, "check": {"ttl": "1s"}}]}`,
	})
	if p := set.problem(t, `"weights"`); p.Fatal || p.Place.Line != 2 || p.Object() != `service "harmless"` {
		t.Errorf("weights: %+v", p)
	}
	if p := set.problem(t, `"connect"`); !p.Fatal || p.Place.Line != 3 {
		t.Errorf("connect: %+v", p)
	}
	set.problem(t, `from 0 to 65535, not 70000`)
	if len(set.Services) != 3 {
		t.Errorf("services: %+v", set.Services)
	}
	if c := set.check(t, "service:harmless"); c.Kind != TTL {
		t.Errorf("harmless: %+v", c)
	}
	for _, id := range []string{"service:mesh", "service:port"} {
		if c := set.check(t, id); c.Kind != Unrunnable {
			t.Errorf("%s: %+v", id, c)
		}
	}
}

func TestDuplicatesNameBothPlaces(t *testing.T) {
	set := load(t, map[string]string{
		"a.json": "{\"service\": {\"name\": \"s\"},\n\"check\": {\"id\": \"c\", \"name\": \"first\", \"ttl\": \"1s\"}}",
		"b.hcl":  "service {\n name = \"s\"\n}\ncheck {\n name = \"c\"\n ttl = \"1s\"\n}",
	})
	p := set.problem(t, `check "c": the id is already defined at`, "a.json:2:10", "b.hcl:4")
	if !p.Fatal {
		t.Errorf("problem: %+v", p)
	}
	set.problem(t, `service "s": the id is already defined at`, "a.json:1:13", "b.hcl:1")
	if len(set.Services) != 1 || len(set.Checks) != 1 || set.Checks[0].Name != "first" {
		t.Errorf("the first definition does not stand: %+v %+v", set.Services, set.Checks)
	}
	if !set.DuplicateChecks["c"] || !set.DuplicateServices["s"] {
		t.Error("the ids are not marked")
	}
}

func TestBrokenFileNamesItsPlaceAndSparesTheOthers(t *testing.T) {
	good := `{"check": {"name": "good", "ttl": "1s"}}`
	for _, bad := range []struct{ file, text, place, want string }{
		{"b.json", "{\"check\":\n {\"name\": }}", ":2:", "invalid character"},
		{"b.json", "{\"check\": {", ":1:12", "ends too early"},
		{"b.json", "", ":1:1", "ends too early"},
		{"b.json", "[]", ":1:1", "must be an object"},
		{"b.json", "{} {}", ":1:4", "something follows"},
		{"b.json", "{\"check\": \"\xff\"}", ":1:12", "not valid UTF-8"},
		{"b.json", strings.Repeat(`{"a":[`, 100), ":1:", "levels deep"},
		{"b.hcl", "check {\n  name = \n}", "", "b.hcl"},
		{"b.hcl", "check {", "", "b.hcl"},
		{"b.hcl", "}", "", "b.hcl"},
		{"b.hcl", "service \"web\" {\n}", ":1:9", "definitions have no labels"},
		{"b.hcl", strings.Repeat("a {\n", 100), ":33:", "levels deep"},
		{"b.hcl", "check { name = \"\\q\" }", "", "b.hcl"},
		{"b.hcl", "a = <<EOF", "", "b.hcl"},
	} {
		t.Run(bad.file+" "+bad.want, func(t *testing.T) {
			set := load(t, map[string]string{bad.file: bad.text, "a.json": good})
			if len(set.Problems) != 1 {
				t.Fatalf("problems: %v", set.Problems)
			}
			p := set.problem(t, bad.file+bad.place, bad.want)
			if !set.Unclear[p.Place.File] {
				t.Errorf("%s is not marked as unclear", p.Place.File)
			}
			if c := set.check(t, "good"); c.Kind != TTL {
				t.Errorf("good: %+v", c)
			}
		})
	}
}

func TestUnreadableThings(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "absent"), "here"); err == nil {
		t.Error("a directory that is not there was read")
	}
	directory := write(t, map[string]string{"a.json": `{"check": {"name": "good", "ttl": "1s"}}`,
		"huge.json": strings.Repeat(" ", maxFile+1), "ignored.txt": "not a definition"})
	if err := os.Symlink("nowhere", filepath.Join(directory, "dangling.hcl")); err != nil {
		t.Fatal(err)
	}
	set, err := Load(directory, "here")
	if err != nil {
		t.Fatal(err)
	}
	set.problem(t, "huge.json", "more than 1048576 bytes")
	set.problem(t, "dangling.hcl")
	if len(set.Problems) != 2 || len(set.Checks) != 1 {
		t.Errorf("problems %v, checks %v", set.Problems, set.Checks)
	}
}

func TestWithoutAnID(t *testing.T) {
	set := load(t, map[string]string{"a.json": fmt.Sprintf(
		`{"services": [{"check": {"ttl": "1s"}}, 5], "checks": [{"ttl": "1s"}, "x", {"id": %q, "ttl": "1s"}, {"id": "good", "ttl": "1s"}]}`,
		strings.Repeat("x", 256))})
	set.problem(t, "services[0]", "a service must have a name")
	set.problem(t, "services[1]", "a service must be an object, not 5")
	set.problem(t, "checks[0]", "a check must have a name or an id")
	set.problem(t, "checks[1]", "a check must be an object")
	set.problem(t, "checks[2]", "has 256 bytes; 255 are allowed")
	if len(set.Services) != 0 || len(set.Checks) != 1 || len(set.Unclear) != 1 {
		t.Errorf("set: %+v", set)
	}
}

func TestAliasOfThisNode(t *testing.T) {
	set := clean(t, "a.json", `{"checks": [{"id": "n", "alias_node": "here"}, {"id": "s", "alias_node": "here", "alias_service": "web"}]}`)
	if c := set.check(t, "n"); c.Kind != AliasNode || c.AliasService != "" {
		t.Errorf("node alias: %+v", c)
	}
	if c := set.check(t, "s"); c.Kind != AliasService || c.AliasService != "web" {
		t.Errorf("service alias: %+v", c)
	}
}

func TestTopLevelFields(t *testing.T) {
	set := load(t, map[string]string{"a.hcl": "data_dir = \"/x\"\ncheck { name = \"good\" ttl = \"1s\" }"})
	if p := set.problem(t, `unknown field "data_dir"`, "a.hcl:1:1"); p.Fatal {
		t.Errorf("problem: %+v", p)
	}
	set.check(t, "good")
}

func TestExamplesAreWithoutProblems(t *testing.T) {
	set, err := Load("../../../examples/definitions", "here")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Problems {
		t.Errorf("unexpected problem: %s", p)
	}
	if c := set.check(t, "flappy-sidecar:alias"); c.Kind != AliasService || c.AliasService != "flappy" {
		t.Errorf("alias: %+v", c)
	}
}

func TestMeaningIgnoresThePlace(t *testing.T) {
	a := clean(t, "a.json", `{"check": {"name": "n", "ttl": "1s"}}`).Checks[0]
	b := clean(t, "b.hcl", "\n\ncheck {\n name = \"n\"\n ttl = \"1000ms\"\n}").Checks[0]
	if !a.Same(b) {
		t.Errorf("%+v and %+v", a, b)
	}
	if string(a.Data()) != string(b.Data()) {
		t.Errorf("%s and %s", a.Data(), b.Data())
	}
	b.TTL++
	if a.Same(b) || string(a.Data()) == string(b.Data()) {
		t.Error("a changed ttl makes no difference")
	}
}

// FuzzLoad: no input ends the reader, and whatever is wrong is said.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{everyFieldJSON, everyFieldHCL, "{", "}", "a = [", "\"", "check {}", `{"check": [[[]]]}`, "\x00", "a \"b\" {}", "x = 0x", "x = 1e999", "x = \"${\""} {
		f.Add(true, seed)
		f.Add(false, seed)
	}
	f.Fuzz(func(t *testing.T, asJSON bool, text string) {
		extension, parse := ".hcl", parseHCL
		if asJSON {
			extension, parse = ".json", parseJSON
		}
		r := &reader{file: "fuzz" + extension}
		root := r.parse([]byte(text), parse)
		if root == nil {
			if len(r.problems) != 1 || r.problems[0].Text == "" {
				t.Fatalf("refused with %v", r.problems)
			}
			return
		}
		for _, m := range members(root, "", "service", "services") {
			r.readService(m.value, m.path, "here")
		}
		for _, m := range members(root, "", "check", "checks") {
			r.readCheck(m.value, m.path, nil, "here")
		}
		for _, c := range r.checks {
			if c.ID == "" || c.Kind == "" || c.Kind == Unrunnable && c.Fault == "" {
				t.Fatalf("incomplete check %+v", c)
			}
		}
	})
}
