package lifesign

// #include "lifesign.h"
import "C"

import (
	"fmt"
	"sync"
	"time"
	"unsafe"
)

// CheckKind says where a check's status comes from.
type CheckKind uint32

const (
	// Direct is written by the holder of its token.
	Direct CheckKind = C.LIFESIGN_KIND_CHECK
	// AliasService shows a service's status.
	AliasService CheckKind = C.LIFESIGN_KIND_ALIAS_SERVICE
	// AliasNode shows the status of the node's own checks.
	AliasNode CheckKind = C.LIFESIGN_KIND_ALIAS_NODE
)

// String is "direct", "alias of service" or "alias of node".
func (k CheckKind) String() string {
	switch k {
	case Direct:
		return "direct"
	case AliasService:
		return "alias of service"
	case AliasNode:
		return "alias of node"
	default:
		return fmt.Sprintf("CheckKind(%d)", uint32(k))
	}
}

// Snapshot is one whole commit of a check: nothing in it is of another moment,
// and it does not change.
type Snapshot struct {
	// Check is the check's handle; in a summary event, the service's.
	Check uint64
	// ID and Name are as defined. Service is the id of the service that the
	// check is bound to, empty for the node. Target is an alias's.
	ID, Name, Service, Target string
	// Output is the text of the last report.
	Output string
	// Data is the embedder's.
	Data []byte
	Kind CheckKind
	// Status is that of the commit; in a tombstone, the last one.
	Status Status
	// Initial: never reported. Orphaned: the lease lapsed. Restored: taken
	// from an export. Derived: an alias. Gone: deregistered, the last state.
	Initial, Orphaned, Restored, Derived, Gone bool
	// Incarnation tells lives of one id apart, Version counts the commits of
	// the check, Transitions its changes of status.
	Incarnation, Version, Transitions uint64
	// Revision is the engine-wide number of the commit, Generation that of
	// its writer. Epoch is the target's count of commits, in an alias.
	Revision, Generation, Epoch uint64
	// Time is the commit's, Since that of the last change of status.
	Time, Since time.Time
	// Writer wrote the commit, Holder holds the token, 0 being nobody: ids
	// for [Engine.Record].
	Writer, Holder uint32
}

// ServiceSnapshot is a service with all its checks, as of one epoch.
type ServiceSnapshot struct {
	ID, Name string
	Data     []byte
	// Status is the worst of the service's checks and the node's; Own
	// leaves the node's out.
	Status, Own Status
	// Registered is false for an id that is only the target of an alias.
	Registered bool
	// Incarnation tells lives of one id apart, Version counts the changes of
	// the summary, Epoch the commits of the members.
	Incarnation, Version, Epoch uint64
	// Output is what an alias of the service shows.
	Output string
	Checks []Snapshot
}

// readBuffer is what a read of checks is received in, kept in a pool.
type readBuffer struct {
	checks []C.lifesign_snapshot
	bytes  []byte
}

var readBuffers = sync.Pool{New: func() any {
	return &readBuffer{checks: make([]C.lifesign_snapshot, 8), bytes: make([]byte, 8<<10)}
}}

// prepare tells the engine which layout each element has.
func (b *readBuffer) prepare() {
	for i := range b.checks {
		b.checks[i].struct_size = C.uint32_t(unsafe.Sizeof(b.checks[i]))
	}
}

// grow makes room for what a call said that it needs, and some more for what
// may be registered until the next.
func (b *readBuffer) grow(checks, bytes int) {
	if checks > len(b.checks) {
		b.checks = make([]C.lifesign_snapshot, checks+checks/8)
	}
	if bytes > len(b.bytes) {
		b.bytes = make([]byte, bytes+bytes/8)
	}
}

func (b *readBuffer) chars() *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(b.bytes))) }

func readView(read func(view *C.lifesign_service_view, checks *C.lifesign_snapshot, checksCap C.size_t,
	bytes *C.char, bytesCap C.size_t, needed *C.size_t, detail *C.lifesign_error) C.lifesign_result) (ServiceSnapshot, error) {
	buffer := readBuffers.Get().(*readBuffer)
	defer readBuffers.Put(buffer)
	for {
		buffer.prepare()
		var view C.lifesign_service_view
		view.struct_size = C.uint32_t(unsafe.Sizeof(view))
		var needed C.size_t
		detail := newErrorDetail()
		result := read(&view, unsafe.SliceData(buffer.checks), C.size_t(len(buffer.checks)),
			buffer.chars(), C.size_t(len(buffer.bytes)), &needed, &detail.c)
		err := detail.result(result)
		switch {
		case err == nil:
			return serviceSnapshot(buffer, &view), nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			buffer.grow(int(view.checks), int(needed))
		default:
			return ServiceSnapshot{}, err
		}
	}
}

func serviceSnapshot(buffer *readBuffer, view *C.lifesign_service_view) ServiceSnapshot {
	texts := newTexts(buffer.bytes, view.id, view.name, view.data, view.output)
	service := ServiceSnapshot{
		ID:          texts.text(view.id),
		Name:        texts.text(view.name),
		Data:        texts.data(view.data),
		Status:      Status(view.status),
		Own:         Status(view.own),
		Registered:  view.flags&C.LIFESIGN_FLAG_REGISTERED != 0,
		Incarnation: uint64(view.incarnation),
		Version:     uint64(view.version),
		Epoch:       uint64(view.epoch),
		Output:      texts.text(view.output),
		Checks:      make([]Snapshot, view.checks),
	}
	for i := range service.Checks {
		service.Checks[i] = snapshot(buffer.bytes, &buffer.checks[i])
	}
	return service
}

func snapshot(buffer []byte, c *C.lifesign_snapshot) (s Snapshot) {
	texts := newTexts(buffer, c.id, c.name, c.service, c.target, c.data, c.output)
	s.setNumbers(c)
	s.ID, s.Name, s.Service = texts.text(c.id), texts.text(c.name), texts.text(c.service)
	s.Target, s.Output, s.Data = texts.text(c.target), texts.text(c.output), texts.data(c.data)
	return s
}

// setNumbers sets all of a state but for its texts and data.
func (s *Snapshot) setNumbers(c *C.lifesign_snapshot) {
	s.Check = uint64(c.check)
	s.Kind = CheckKind(c.kind)
	s.Status = Status(c.status)
	s.Initial = c.flags&C.LIFESIGN_FLAG_INITIAL != 0
	s.Orphaned = c.flags&C.LIFESIGN_FLAG_ORPHANED != 0
	s.Restored = c.flags&C.LIFESIGN_FLAG_RESTORED != 0
	s.Derived = c.flags&C.LIFESIGN_FLAG_DERIVED != 0
	s.Gone = c.flags&C.LIFESIGN_FLAG_GONE != 0
	s.Incarnation = uint64(c.incarnation)
	s.Version = uint64(c.version)
	s.Transitions = uint64(c.transitions)
	s.Revision = uint64(c.revision)
	s.Generation = uint64(c.generation)
	s.Epoch = uint64(c.epoch)
	s.Time = time.Unix(0, int64(c.time_ns))
	s.Since = time.Unix(0, int64(c.since_ns))
	s.Writer = uint32(c.writer)
	s.Holder = uint32(c.holder)
}

// texts is the stretch of a byte buffer that one state's spans lie in, copied
// once for all the strings cut from it.
type texts struct {
	copied string
	start  C.uint32_t
}

func newTexts(buffer []byte, spans ...C.lifesign_span) texts {
	start, end := C.uint32_t(len(buffer)), C.uint32_t(0)
	for _, span := range spans {
		if span.len > 0 {
			start, end = min(start, span.offset), max(end, span.offset+span.len)
		}
	}
	if end == 0 {
		return texts{}
	}
	return texts{copied: string(buffer[start:end]), start: start}
}

func (t texts) text(span C.lifesign_span) string {
	if span.len == 0 {
		return ""
	}
	return t.copied[span.offset-t.start:][:span.len]
}

func (t texts) data(span C.lifesign_span) []byte {
	if span.len == 0 {
		return nil
	}
	return []byte(t.text(span))
}
