package config

import (
	"fmt"
)

type serviceSpec = spec[Service]

var serviceFields = newTable(
	serviceSpec{name: "id", read: func(o *object, s *Service, n *node) { s.ID = o.text(n) }},
	serviceSpec{name: "name", read: func(o *object, s *Service, n *node) { s.Name = o.text(n) }},
	serviceSpec{name: "tags", read: func(o *object, s *Service, n *node) { s.Tags = o.texts(n) }},
	serviceSpec{name: "meta", read: func(o *object, s *Service, n *node) { s.Meta = o.textMap(n) }},
	serviceSpec{name: "address", read: func(o *object, s *Service, n *node) { s.Address = o.text(n) }},
	serviceSpec{name: "port", read: func(o *object, s *Service, n *node) { s.Port = o.number(n, 0, 65535) }},
	// Read once the service's own id is known.
	serviceSpec{name: "check", read: func(*object, *Service, *node) {}},
	serviceSpec{name: "checks", read: func(*object, *Service, *node) {}},

	// Documented by Consul, not had here. Those that say where or how the
	// service is offered change nobody's health; those that make it a proxy
	// bring checks and services of their own.
	serviceSpec{name: "tagged_addresses", refusal: "further addresses", harmless: true},
	serviceSpec{name: "socket_path", refusal: "an address that is a unix socket", harmless: true},
	serviceSpec{name: "enable_tag_override", refusal: "tags changed from elsewhere", harmless: true},
	serviceSpec{name: "weights", refusal: "weights in DNS answers", harmless: true},
	serviceSpec{name: "token", refusal: "access control", harmless: true},
	serviceSpec{name: "locality", refusal: "localities", harmless: true},
	serviceSpec{name: "namespace", refusal: "namespaces"},
	serviceSpec{name: "ns", refusal: "namespaces"},
	serviceSpec{name: "partition", refusal: "partitions"},
	serviceSpec{name: "kind", refusal: "proxies and gateways"},
	serviceSpec{name: "proxy", refusal: "proxies and gateways"},
	serviceSpec{name: "connect", refusal: "the service mesh"},
)

// readService reads one service and the checks inside it.
func (r *reader) readService(n *node, path string, this string) {
	o := &object{file: r.file, path: path}
	if n.kind != objectNode {
		o.complain(Problem{Place: o.place(n, path), Fatal: true, Text: "a service must be an object, not " + n.describe()})
		r.unclear = true
		r.finish(o, "service", "")
		return
	}
	s := Service{Place: o.place(n, path)}
	readFields(o, n, serviceFields, &s)
	if s.Name == "" {
		o.complain(Problem{Place: o.place(n, path), Field: "name", Fatal: true, Text: "a service must have a name"})
		s.Name = s.ID
	}
	if s.ID == "" {
		s.ID = s.Name
	}
	if len(s.ID) > maxID {
		o.complain(Problem{Place: o.place(n, path), Field: "id", Fatal: true,
			Text: fmt.Sprintf("the id %q… has %d bytes; %d are allowed", shorten(s.ID, maxShown), len(s.ID), maxID)})
	}
	o.fitService(n, &s)
	s.Fault = o.fault()
	if s.ID == "" || len(s.ID) > maxID {
		r.unclear = true
		r.finish(o, "service", "")
		return
	}
	r.finish(o, "service", s.ID)
	r.services = append(r.services, s)

	checks := members(n, path, "check", "checks")
	for i, check := range checks {
		r.readCheck(check.value, check.path, &owner{service: s, several: len(checks) > 1, number: i + 1}, this)
	}
}

// fitService refuses what the engine would, and leaves what it takes: a service
// that is missing would take its checks with it.
func (o *object) fitService(n *node, s *Service) {
	if len(s.Name) > maxName {
		o.complain(tooLong(o.place(n, o.path), "name", len(s.Name), maxName))
		s.Name = shorten(s.Name, maxShown)
	}
	if size := len(s.Data()); size > maxData {
		o.complain(Problem{Place: o.place(n, o.path), Fatal: true,
			Text: fmt.Sprintf("tags, meta and address take, with the rest, %d bytes as the engine keeps them; %d are allowed", size, maxData)})
		s.Tags, s.Meta, s.Address = nil, nil, ""
	}
}

type member struct {
	value *node
	path  string
}

// members are the objects under any of the names: an object, a list of
// objects, or several HCL blocks.
func members(n *node, path string, names ...string) []member {
	var all []member
	for _, name := range names {
		for _, f := range fieldsNamed(n, name) {
			at := join(path, f.name)
			switch f.value.kind {
			case nullNode:
			case listNode:
				for i, item := range f.value.items {
					all = append(all, member{item, fmt.Sprintf("%s[%d]", at, i)})
				}
			default:
				all = append(all, member{f.value, at})
			}
		}
	}
	return all
}
