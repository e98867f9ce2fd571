package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// Restored is what a check showed before a restart: see [CheckSpec].
type Restored struct {
	Status Status
	Output string
	// Since is when the status changed last.
	Since time.Time
}

// pinned is the state as the engine reads it, valid until the pins are undone.
func (r *Restored) pinned(pins *runtime.Pinner) *C.lifesign_restored {
	c := new(C.lifesign_restored)
	c.struct_size = C.uint32_t(unsafe.Sizeof(*c))
	c.status = C.lifesign_status(r.Status)
	c.since_ns = C.int64_t(r.Since.UnixNano())
	c.output = pinString(pins, r.Output)
	pins.Pin(c)
	return c
}

// Exported is one check of an export.
type Exported struct {
	// State is what a registration carries.
	State Restored
	// Reported is when the check was last reported, heartbeats included, as well
	// as the engine knew it.
	Reported time.Time
}

// Export writes what every check shows that has ever reported or was restored
// into a JSON file, and returns how many those are. The file is put in the place
// of an earlier one when it is whole, and on the disk; on failure the earlier
// one stays. A full disk is [ErrLimit], a path that cannot be written
// [ErrInvalid]. It waits for the disk.
func (e *Engine) Export(path string) (int, error) {
	var count C.size_t
	detail := newErrorDetail()
	err := detail.result(C.lifesign_engine_export(C.lifesign_engine(e.handle), chars(path), C.size_t(len(path)), &count, &detail.c))
	runtime.KeepAlive(e)
	return int(count), err
}

// ReadExport reads a file that [Engine.Export] wrote: the checks by id. No file
// is [ErrNotFound], which is [fs.ErrNotExist] too, a damaged one [ErrInvalid]. No
// engine is needed. It waits for the disk.
func ReadExport(path string) (map[string]Exported, error) {
	var checks []C.lifesign_exported
	var bytes []byte
	for {
		var count, needed C.size_t
		detail := newErrorDetail()
		result := C.lifesign_export_read(chars(path), C.size_t(len(path)), unsafe.SliceData(checks), C.size_t(len(checks)),
			(*C.char)(unsafe.Pointer(unsafe.SliceData(bytes))), C.size_t(len(bytes)), &count, &needed, &detail.c)
		err := detail.result(result)
		switch {
		case err == nil:
			return exportedChecks(checks[:count], bytes), nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			checks, bytes = make([]C.lifesign_exported, count), make([]byte, needed)
		default:
			return nil, err
		}
	}
}

func exportedChecks(checks []C.lifesign_exported, bytes []byte) map[string]Exported {
	all := make(map[string]Exported, len(checks))
	for i := range checks {
		c := &checks[i]
		texts := newTexts(bytes, c.id, c.output)
		all[texts.text(c.id)] = Exported{
			State:    Restored{Status: Status(c.status), Output: texts.text(c.output), Since: time.Unix(0, int64(c.since_ns))},
			Reported: time.Unix(0, int64(c.reported_ns)),
		}
	}
	return all
}
