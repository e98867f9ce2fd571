package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// SnapshotBuffer is where whole states of many checks are read into, by one
// call and, when it has grown once, without allocation. It is for one goroutine
// at a time. The zero value is ready to use.
//
// For statuses alone no buffer is needed: [Check.Status] makes no call.
type SnapshotBuffer struct {
	handles   []C.lifesign_check // of what was read last
	crossing  []C.lifesign_snapshot
	bytes     []byte
	snapshots []Snapshot
}

// Read returns a snapshot of each check, in the order given, each of them one
// whole commit. One that cannot be read, because its check was deregistered or
// its engine closed, has the status [Gone] and nothing else but its handle.
//
// The snapshots, their texts and their data lie in the buffer, and the next Read
// overwrites them: what is to stay has to be copied, strings by strings.Clone.
// The data is to be read only.
//
// The same checks again, aliases not among them, are not read again if nothing
// was committed to any meanwhile, which is seen without a call into C.
func (b *SnapshotBuffer) Read(checks ...*Check) ([]Snapshot, error) {
	if !b.holds(checks) {
		if err := b.read(checks); err != nil {
			b.handles = b.handles[:0]
			return nil, err
		}
	}
	runtime.KeepAlive(checks)
	snapshots := b.snapshots[:len(checks)]
	for i := range snapshots {
		b.set(&snapshots[i], &b.crossing[i])
	}
	return snapshots, nil
}

// holds is whether what was read last is what these checks show now.
func (b *SnapshotBuffer) holds(checks []*Check) bool {
	if len(checks) != len(b.handles) {
		return false
	}
	for i, check := range checks {
		if check == nil || b.handles[i] != C.lifesign_check(check.handle) || !check.isAt(uint64(b.crossing[i].version)) {
			return false
		}
	}
	return true
}

func (b *SnapshotBuffer) read(checks []*Check) error {
	b.handles = b.handles[:0]
	for i, check := range checks {
		if check == nil {
			return invalid("check %d to be read is nil", i)
		}
		b.handles = append(b.handles, C.lifesign_check(check.handle))
	}
	if len(checks) > len(b.crossing) {
		b.crossing = make([]C.lifesign_snapshot, len(checks))
		b.snapshots = make([]Snapshot, len(checks))
	}
	if len(checks) == 1 && b.readOne() {
		return nil
	}
	var detail *errorDetail
	for {
		var needed C.size_t
		result := C.lifesign_check_snapshots(unsafe.SliceData(b.handles), C.size_t(len(checks)),
			unsafe.SliceData(b.crossing), (*C.char)(unsafe.Pointer(unsafe.SliceData(b.bytes))), C.size_t(len(b.bytes)),
			&needed, detail.place())
		switch {
		case result == C.LIFESIGN_OK:
			detail.done()
			return nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			// And some more for what outputs grow until the next.
			b.bytes = make([]byte, needed+needed/8)
		case detail == nil:
			// Once more, to be told why: most reads do not fail.
			detail = newErrorDetail()
		default:
			return detail.result(result)
		}
	}
}

// readOne reads the only check, which costs less by itself. Where it fails, the
// call for many says what is to be made of it.
func (b *SnapshotBuffer) readOne() bool {
	var needed C.size_t
	c := &b.crossing[0]
	c.struct_size = C.uint32_t(unsafe.Sizeof(*c))
	return C.lifesign_check_snapshot(b.handles[0], c,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(b.bytes))), C.size_t(len(b.bytes)), &needed, nil) == C.LIFESIGN_OK
}

func (b *SnapshotBuffer) set(s *Snapshot, c *C.lifesign_snapshot) {
	if c.status == C.LIFESIGN_STATUS_GONE {
		*s = Snapshot{Check: uint64(c.check)}
		return
	}
	s.setNumbers(c)
	s.ID, s.Name, s.Service = b.text(c.id), b.text(c.name), b.text(c.service)
	s.Target, s.Output, s.Data = b.text(c.target), b.text(c.output), b.data(c.data)
}

func (b *SnapshotBuffer) text(span C.lifesign_span) string {
	return unsafe.String(unsafe.SliceData(b.data(span)), int(span.len))
}

func (b *SnapshotBuffer) data(span C.lifesign_span) []byte {
	if span.len == 0 {
		return nil
	}
	end := span.offset + span.len
	return b.bytes[span.offset:end:end]
}
