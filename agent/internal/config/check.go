package config

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"lifesign.dev/lifesign"
)

const (
	// minInterval keeps a mistyped unit from burning a processor.
	minInterval = 10 * time.Millisecond

	probeTimeout  = 10 * time.Second
	scriptTimeout = 30 * time.Second

	// maxOutput is the engine's own limit in bytes, so that one buffer always
	// suffices.
	maxOutput = 4096

	// The engine's limits, in bytes: of an id, of a name and of what it keeps of
	// a definition besides.
	maxID   = 255
	maxName = 255
	maxData = 4096
)

var probed = []Kind{HTTP, TCP, Script}

// written is a check as it stands in the input, before defaults.
type written struct {
	Check
	aliasNode string
}

type checkSpec = spec[written]

var checkFields = newTable(append(supportedCheckFields(), unsupportedCheckFields()...)...)

func supportedCheckFields() []checkSpec {
	return []checkSpec{
		{name: "id", read: func(o *object, c *written, n *node) { c.ID = o.text(n) }},
		{name: "check_id", read: func(o *object, c *written, n *node) { c.ID = o.text(n) }},
		{name: "name", read: func(o *object, c *written, n *node) { c.Name = o.text(n) }},
		{name: "notes", read: func(o *object, c *written, n *node) { c.Notes = o.text(n) }},
		{name: "service_id", read: func(o *object, c *written, n *node) { c.ServiceID = o.text(n) }},
		{name: "status", read: readStatus},

		{name: "http", read: readURL},
		{name: "method", kinds: []Kind{HTTP}, read: func(o *object, c *written, n *node) { c.Method = o.text(n) }},
		{name: "header", kinds: []Kind{HTTP}, read: func(o *object, c *written, n *node) { c.Header = o.textsMap(n) }},
		{name: "body", kinds: []Kind{HTTP}, read: func(o *object, c *written, n *node) { c.Body = o.text(n) }},
		{name: "disable_redirects", kinds: []Kind{HTTP}, read: func(o *object, c *written, n *node) { c.DisableRedirects = o.truth(n) }},
		{name: "tls_skip_verify", kinds: []Kind{HTTP}, read: func(o *object, c *written, n *node) { c.TLSSkipVerify = o.truth(n) }},
		{name: "tls_server_name", kinds: []Kind{HTTP}, read: func(o *object, c *written, n *node) { c.TLSServerName = o.text(n) }},

		{name: "tcp", read: readTCP},
		{name: "args", read: func(o *object, c *written, n *node) { c.Args = o.texts(n) }},
		{name: "script_args", read: func(o *object, c *written, n *node) { c.Args = o.texts(n) }},
		{name: "ttl", read: func(o *object, c *written, n *node) { c.TTL = o.duration(n, minInterval) }},
		{name: "alias_service", read: func(o *object, c *written, n *node) { c.AliasService = o.text(n) }},
		{name: "alias_node", read: func(o *object, c *written, n *node) { c.aliasNode = o.text(n) }},

		{name: "interval", kinds: probed, read: func(o *object, c *written, n *node) { c.Interval = o.duration(n, minInterval) }},
		{name: "timeout", kinds: probed, read: func(o *object, c *written, n *node) { c.Timeout = o.duration(n, time.Millisecond) }},
		{name: "success_before_passing", kinds: probed, read: func(o *object, c *written, n *node) {
			c.SuccessBeforePassing = o.number(n, 0, math.MaxInt32)
		}},
		{name: "failures_before_warning", kinds: probed, read: func(o *object, c *written, n *node) {
			c.FailuresBeforeWarning = o.number(n, 0, math.MaxInt32)
		}},
		{name: "failures_before_critical", kinds: probed, read: func(o *object, c *written, n *node) {
			c.FailuresBeforeCritical = o.number(n, 0, math.MaxInt32)
		}},
		{name: "output_max_size", kinds: []Kind{HTTP, TCP, Script, TTL}, read: func(o *object, c *written, n *node) {
			c.OutputMaxSize = o.number(n, 1, math.MaxInt32)
		}},
	}
}

// unsupportedCheckFields are those that Consul documents and this agent does
// not have.
func unsupportedCheckFields() []checkSpec {
	return []checkSpec{
		{name: "grpc", refusal: "gRPC checks"},
		{name: "grpc_use_tls", refusal: "gRPC checks"},
		{name: "h2ping", refusal: "HTTP/2 ping checks"},
		{name: "h2ping_use_tls", refusal: "HTTP/2 ping checks"},
		{name: "udp", refusal: "UDP checks"},
		{name: "tcp_use_tls", refusal: "TLS in TCP checks"},
		{name: "os_service", refusal: "operating system service checks"},
		{name: "docker_container_id", refusal: "checks inside a container"},
		{name: "shell", refusal: "checks inside a container"},
		{name: "script", refusal: "a shell line; give args instead"},
		{name: "deregister_critical_service_after", refusal: "deregistering a service that stays critical"},
		{name: "token", refusal: "access control"},
		{name: "namespace", refusal: "namespaces"},
		{name: "ns", refusal: "namespaces"},
		{name: "partition", refusal: "partitions"},
		{name: "node", refusal: "checks of other nodes"},
	}
}

func readStatus(o *object, c *written, n *node) {
	switch text := o.text(n); text {
	case "":
	case "passing", "warning", "critical":
		c.Status, _ = lifesign.ParseStatus(text)
	default:
		o.mismatch(n, `"passing", "warning" or "critical"`)
	}
}

func readURL(o *object, c *written, n *node) {
	c.HTTP = o.text(n)
	if n.zero() {
		return
	}
	if u, err := url.Parse(c.HTTP); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		o.mismatch(n, "an http:// or https:// address")
	}
}

func readTCP(o *object, c *written, n *node) {
	c.TCP = o.text(n)
	if n.zero() {
		return
	}
	if _, port, err := net.SplitHostPort(c.TCP); err != nil || port == "" {
		o.mismatch(n, "host:port")
	}
}

// owner is the service definition that a check stands in.
type owner struct {
	service Service
	several bool // it has more than one check
	number  int  // of this check among them, from 1
}

// readCheck reads one check. in is nil for a check that stands by itself; this
// is the node's name, the only one an alias may name.
func (r *reader) readCheck(n *node, path string, in *owner, this string) {
	o := &object{file: r.file, path: path}
	if n.kind != objectNode {
		o.complain(Problem{Place: o.place(n, path), Fatal: true, Text: "a check must be an object, not " + n.describe()})
		r.unclear = true
		r.finish(o, "check", "")
		return
	}
	c := &written{}
	given := readFields(o, n, checkFields, c)
	c.Place = o.place(n, path)
	o.identify(n, c, in, given)
	o.classify(n, c, given, this)
	o.defaults(c)
	o.fit(n, c)

	if in != nil && in.service.Fault != "" {
		c.Fault = fmt.Sprintf("the definition of its service %q cannot be used: %s", in.service.ID, in.service.Fault)
	}
	if fault := o.fault(); fault != "" {
		c.Fault = fault
	}
	if c.ID == "" || len(c.ID) > maxID {
		r.unclear = true
		r.finish(o, "check", "")
		return
	}
	if c.Fault != "" {
		c.Check = c.Unrunnable(c.Fault)
	}
	r.finish(o, "check", c.ID)
	r.checks = append(r.checks, c.Check)
}

// identify settles id, name and binding.
func (o *object) identify(n *node, c *written, in *owner, given map[string]field) {
	if in == nil {
		if c.Name == "" && c.ID != "" && len(c.ID) <= maxID {
			c.Name = c.ID
		}
		if c.ID == "" {
			c.ID = c.Name
		}
		if c.ID == "" {
			o.complain(Problem{Place: o.place(n, o.path), Field: "name", Fatal: true, Text: "a check must have a name or an id"})
		}
	} else {
		if f, ok := given["service_id"]; ok && c.ServiceID != "" && c.ServiceID != in.service.ID {
			o.complain(Problem{Place: Place{o.file, f.line, f.column, join(o.path, f.name)}, Field: f.name, Fatal: true,
				Text: fmt.Sprintf("a check of service %q cannot belong to service %q", in.service.ID, shorten(c.ServiceID, maxShown))})
		}
		c.ServiceID = in.service.ID
		if c.ID == "" {
			c.ID = "service:" + in.service.ID
			if in.several {
				c.ID = fmt.Sprintf("service:%s:%d", in.service.ID, in.number)
			}
		}
		if c.Name == "" {
			c.Name = shorten(fmt.Sprintf("Service '%s' check", in.service.Name), maxName-len("…"))
		}
	}
	if given["id"].value != nil && given["check_id"].value != nil {
		f := given["check_id"]
		o.complain(Problem{Place: Place{o.file, f.line, f.column, join(o.path, f.name)}, Field: f.name, Fatal: true,
			Text: "id and check_id are one field: give it once"})
	}
	if len(c.ID) > maxID {
		o.complain(Problem{Place: o.place(n, o.path), Field: "id", Fatal: true,
			Text: fmt.Sprintf("the id %q… has %d bytes; %d are allowed", shorten(c.ID, maxShown), len(c.ID), maxID)})
	}
}

// classify settles the kind of check, and that the fields fit it.
func (o *object) classify(n *node, c *written, given map[string]field, this string) {
	var kinds []string
	mark := func(asked bool, kind Kind, name string) {
		if asked {
			c.Kind = kind
			kinds = append(kinds, name)
		}
	}
	mark(c.HTTP != "", HTTP, "http")
	mark(c.TCP != "", TCP, "tcp")
	mark(len(c.Args) > 0, Script, "args")
	mark(c.TTL > 0, TTL, "ttl")
	mark(c.aliasNode != "" && c.AliasService == "", AliasNode, "alias_node")
	mark(c.AliasService != "", AliasService, "alias_service")

	refuse := func(field, text string) {
		o.complain(Problem{Place: o.place(n, o.path), Field: field, Fatal: true, Text: text})
	}
	switch {
	case len(kinds) > 1:
		refuse(kinds[1], "a check is of one kind, not of "+strings.Join(kinds, " and "))
		return
	case len(kinds) == 0:
		if o.fault() == "" {
			refuse("", "a check needs one of http, tcp, args, ttl, alias_service or alias_node")
		}
		return
	}
	if c.aliasNode != "" && c.aliasNode != this {
		f := given["alias_node"]
		o.complain(Problem{Place: Place{o.file, f.line, f.column, join(o.path, f.name)}, Field: f.name, Fatal: true,
			Text: fmt.Sprintf("field %q is not supported for another node (this one is %q, not %q)", f.name, this, shorten(c.aliasNode, maxShown))})
	}
	switch {
	case slices.Contains(probed, c.Kind) && c.Interval == 0 && o.fault() == "":
		refuse("interval", fmt.Sprintf("%s check without an interval", article(c.Kind)))
	case c.Kind == TTL && c.Interval > 0:
		refuse("interval", "a check has an interval or a ttl, not both")
	case c.FailuresBeforeWarning > c.FailuresBeforeCritical:
		refuse("failures_before_warning", fmt.Sprintf("failures_before_warning (%d) is more than failures_before_critical (%d)",
			c.FailuresBeforeWarning, c.FailuresBeforeCritical))
	}
	for name, f := range given {
		kinds := checkFields[name].kinds
		if kinds != nil && !slices.Contains(kinds, c.Kind) && !f.value.zero() && !(c.Kind == TTL && name == "interval") {
			o.complain(Problem{Place: Place{o.file, f.line, f.column, join(o.path, f.name)}, Field: f.name,
				Text: fmt.Sprintf("field %q has no effect on %s check", f.name, article(c.Kind))})
		}
	}
	slices.SortStableFunc(o.problems, func(a, b Problem) int { return a.Place.Line - b.Place.Line })
}

// fit refuses what the engine would: it is to be critical then, and not missing.
func (o *object) fit(n *node, c *written) {
	if len(c.Name) > maxName {
		o.complain(tooLong(o.place(n, o.path), "name", len(c.Name), maxName))
		c.Name = shorten(c.Name, maxShown)
	}
	if size := len(c.Data()); size > maxData {
		o.complain(tooLong(o.place(n, o.path), "notes", size, maxData))
		c.Notes = ""
	}
	if len(c.AliasService) > maxID {
		o.complain(tooLong(o.place(n, o.path), "alias_service", len(c.AliasService), maxID))
	}
}

func tooLong(place Place, field string, size, most int) Problem {
	return Problem{Place: place, Field: field, Fatal: true,
		Text: fmt.Sprintf("field %q takes %d bytes as the engine keeps it; %d are allowed", field, size, most)}
}

func article(k Kind) string {
	if k.Alias() {
		return "an alias"
	}
	if k == HTTP {
		return "an http"
	}
	return "a " + string(k)
}

func (o *object) defaults(c *written) {
	if c.Status == lifesign.Gone {
		c.Status = lifesign.Critical
	}
	if c.OutputMaxSize == 0 || c.OutputMaxSize > maxOutput {
		c.OutputMaxSize = maxOutput
	}
	if c.Kind == HTTP && c.Method == "" {
		c.Method = "GET"
	}
	if c.Timeout == 0 {
		switch c.Kind {
		case HTTP, TCP:
			c.Timeout = probeTimeout
		case Script:
			c.Timeout = scriptTimeout
		}
	}
	if c.FailuresBeforeWarning == 0 {
		c.FailuresBeforeWarning = c.FailuresBeforeCritical
	}
	if c.Kind == AliasNode {
		c.AliasService = ""
	}
}
