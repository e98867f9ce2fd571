// Package config reads service and check definitions in the JSON and HCL forms
// that Consul documents, and says of each thing it cannot take which file,
// line and field it is.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"time"

	"lifesign.dev/lifesign"
)

// Kind is how a check comes by its status.
type Kind string

// The kinds of check. Unrunnable is one whose definition asks for what the
// agent cannot do: it is registered, critical, with the reason as its output,
// because a service that merely lost a check would look healthier than it is.
const (
	HTTP         Kind = "http"
	TCP          Kind = "tcp"
	TTL          Kind = "ttl"
	Script       Kind = "script"
	AliasService Kind = "alias"
	AliasNode    Kind = "alias-node"
	Unrunnable   Kind = "unrunnable"
)

// Alias reports whether the engine derives the check's status.
func (k Kind) Alias() bool { return k == AliasService || k == AliasNode }

// Service is one service definition.
type Service struct {
	ID      string
	Name    string
	Tags    []string          `json:",omitempty"`
	Meta    map[string]string `json:",omitempty"`
	Address string            `json:",omitempty"`
	Port    int               `json:",omitempty"`

	Fault string `json:"-"` // why its definition cannot be trusted; empty when it can
	Place Place  `json:"-"`
}

// Check is one check definition, complete: defaults are filled in.
type Check struct {
	ID        string
	Name      string
	Notes     string
	ServiceID string // empty: bound to the node
	Kind      Kind
	Status    lifesign.Status // before the first result

	Interval time.Duration // between the starts of two probes
	Timeout  time.Duration // of one probe

	HTTP             string
	Method           string
	Header           map[string][]string
	Body             string
	DisableRedirects bool
	TLSSkipVerify    bool
	TLSServerName    string

	TCP  string
	Args []string
	TTL  time.Duration

	AliasService string

	SuccessBeforePassing   int
	FailuresBeforeWarning  int
	FailuresBeforeCritical int
	OutputMaxSize          int // bytes

	Fault string // why it is Unrunnable
	Place Place  `json:"-"`
}

// Same reports whether two definitions mean the same, wherever they stand.
func (s Service) Same(other Service) bool {
	s.Place, other.Place = Place{}, Place{}
	return reflect.DeepEqual(s, other)
}

// Same reports whether two definitions mean the same, wherever they stand.
func (c Check) Same(other Check) bool {
	c.Place, other.Place = Place{}, Place{}
	return reflect.DeepEqual(c, other)
}

// Unrunnable is the check as it is registered when it cannot be run, with the
// reason.
func (c Check) Unrunnable(fault string) Check {
	return Check{ID: c.ID, Name: c.Name, Notes: c.Notes, ServiceID: c.ServiceID, Place: c.Place,
		Kind: Unrunnable, Status: lifesign.Critical, Fault: fault, OutputMaxSize: maxOutput}
}

// Redefines reports whether a running check can become c in place. What the
// engine derives and what a check is bound to are fixed for a check's life.
func (c Check) Redefines(old Check) bool {
	if c.ServiceID != old.ServiceID || c.Kind.Alias() != old.Kind.Alias() {
		return false
	}
	return !c.Kind.Alias() || c.Kind == old.Kind && c.AliasService == old.AliasService
}

// Data is what the engine keeps of the service besides id and name.
func (s Service) Data() []byte {
	return encode(s)
}

// Data is what the engine keeps of the check besides id and name: enough for
// another reader of the engine to show it, and a digest by which any change of
// the definition is a change of the data.
func (c Check) Data() []byte {
	digest := sha256.Sum256(encode(c))
	return encode(struct{ Type, Notes, Digest string }{string(c.Kind), c.Notes, hex.EncodeToString(digest[:])})
}

// encode cannot fail on definitions: they hold strings, numbers and maps with
// string keys.
func encode(definition any) []byte {
	data, err := json.Marshal(definition)
	if err != nil {
		panic("config: a definition that is not JSON: " + err.Error())
	}
	return data
}
