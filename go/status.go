package lifesign

// #include "lifesign.h"
import "C"

import "fmt"

// Status is the health of a check, of a service or of the node. The order is
// Passing < Warning < Critical, so that the worst of several is the largest.
// The zero value is no health at all.
type Status uint8

const (
	// Gone says that there is nothing to read: deregistered, closed, or
	// never there.
	Gone Status = C.LIFESIGN_STATUS_GONE
	// Passing is healthy.
	Passing Status = C.LIFESIGN_STATUS_PASSING
	// Warning needs attention, and still works.
	Warning Status = C.LIFESIGN_STATUS_WARNING
	// Critical does not work.
	Critical Status = C.LIFESIGN_STATUS_CRITICAL
)

var statusNames = [...]string{Gone: "gone", Passing: "passing", Warning: "warning", Critical: "critical"}

// String is "passing", "warning", "critical" or "gone".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint32(s))
}

// ParseStatus is the inverse of [Status.String]. Anything else is [ErrInvalid].
func ParseStatus(text string) (Status, error) {
	for status, name := range statusNames {
		if name == text {
			return Status(status), nil
		}
	}
	return Gone, invalid("%q is no status: use passing, warning, critical or gone", text)
}

// MarshalText implements [encoding.TextMarshaler] with the text of
// [Status.String].
func (s Status) MarshalText() ([]byte, error) {
	if int(s) >= len(statusNames) {
		return nil, invalid("%d is no status: use 0 (gone) to 3 (critical)", uint32(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler] as [ParseStatus] reads.
func (s *Status) UnmarshalText(text []byte) error {
	parsed, err := ParseStatus(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
