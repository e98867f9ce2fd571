package lifesign

// #include "lifesign.h"
import "C"

import (
	"encoding/hex"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// Cursor is where a subscriber stands in an engine's changes. It is opaque, its
// text form fits into a file, a URL or JSON, and [Filter.Since] continues from
// it. The zero value is before everything. Cursors can be compared for equality.
type Cursor struct {
	engine   UUID
	position uint64
}

// String is the text of [Cursor.MarshalText].
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return hex.EncodeToString(c.engine[:]) + "-" + strconv.FormatUint(c.position, 10)
}

// MarshalText implements [encoding.TextMarshaler]: letters, digits and a hyphen.
// The zero value is the empty text.
func (c Cursor) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. What is no cursor's text
// is [ErrInvalid].
func (c *Cursor) UnmarshalText(text []byte) error {
	var parsed Cursor
	if len(text) > 0 {
		engine, position, found := strings.Cut(string(text), "-")
		id, err := hex.DecodeString(engine)
		if err == nil {
			parsed.position, err = strconv.ParseUint(position, 10, 64)
		}
		if !found || err != nil || len(id) != len(parsed.engine) {
			return invalid("%q is no cursor: give the text of one that a batch carried", text)
		}
		copy(parsed.engine[:], id)
	}
	*c = parsed
	return nil
}

// pinned is the cursor as the engine reads it, valid until the pins are undone.
func (c Cursor) pinned(pins *runtime.Pinner) *C.lifesign_cursor {
	crossing := &C.lifesign_cursor{position: C.uint64_t(c.position)}
	*(*UUID)(unsafe.Pointer(&crossing.engine_id)) = c.engine
	pins.Pin(crossing)
	return crossing
}

func cursor(c *C.lifesign_cursor) Cursor {
	return Cursor{engine: uuid(&c.engine_id), position: uint64(c.position)}
}
