package lifesign

// #include "lifesign.h"
import "C"

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// CheckSpec defines a check.
type CheckSpec struct {
	// ID is unique in the engine: UTF-8, 1 to 255 bytes, compared bytewise.
	ID string
	// Name is shown to people and need not be unique.
	Name string
	// Data is opaque to the engine, at most 4 KiB.
	Data []byte
	// Service is what the check is bound to; nil is the node.
	Service *Service
	// Initial is the status until the first report; the zero value is [Critical].
	Initial Status
	// AliasOf makes the check an alias of the service with this id, which
	// need not be registered.
	AliasOf string
	// AliasNode makes it an alias of the node's own checks.
	AliasNode bool
	// Restored is what the check showed before a restart, and shows again until
	// it is reported anew; nil for nothing. It is no part of the definition: a
	// check that has reported keeps its own state. Not for an alias.
	Restored *Restored
}

// Check is a registered check. It may be used from several goroutines. It stays
// usable after its deregistration, every call then being refused with [ErrGone].
type Check struct {
	engine *Engine
	handle uint64
	reader
	last atomic.Pointer[Snapshot] // what was read last, from the second time on
}

// unkept stands for what was read the first time: no version is 0.
var unkept Snapshot

func newCheck(e *Engine, handle uint64) *Check {
	reader := newReader(func(reader *C.lifesign_reader) C.lifesign_result {
		return C.lifesign_check_reader(C.lifesign_check(handle), reader, nil)
	})
	return &Check{engine: e, handle: handle, reader: reader}
}

// RegisterCheck registers a check. The same definition again returns the same
// check; a different one under a registered id is [ErrExists], and the message
// names the field. An alias that would depend on itself is [ErrLoop].
func (e *Engine) RegisterCheck(spec CheckSpec) (*Check, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	c, err := spec.pinned(&pins)
	if err != nil {
		return nil, err
	}
	var handle C.lifesign_check
	detail := newErrorDetail()
	err = detail.result(C.lifesign_check_register(C.lifesign_engine(e.handle), &c, &handle, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	return newCheck(e, uint64(handle)), nil
}

// Check finds a registered check by its id, or fails with [ErrNotFound].
func (e *Engine) Check(id string) (*Check, error) {
	var handle C.lifesign_check
	detail := newErrorDetail()
	err := detail.result(C.lifesign_check_find(C.lifesign_engine(e.handle), chars(id), C.size_t(len(id)), &handle, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	return newCheck(e, uint64(handle)), nil
}

// Handle is the engine's number for this life of the check, never used twice.
// [Snapshot.Check] holds the same.
func (c *Check) Handle() uint64 { return c.handle }

// Snapshot returns one whole commit of the check, the newest. Where nothing was
// committed since it was read last by the same *Check, which is seen without a
// call into C, it is that one: a *Check that is read more than once keeps the
// last that it read. That is not so of an alias, which shows the commits of many.
func (c *Check) Snapshot() (Snapshot, error) {
	if last := c.last.Load(); last != nil && c.isAt(last.Version) {
		kept := *last
		kept.Data = bytes.Clone(last.Data)
		runtime.KeepAlive(c)
		return kept, nil
	}
	snapshot, err := c.snapshot()
	if err == nil && c.isDirect() {
		c.keep(&snapshot)
	}
	return snapshot, err
}

// keep keeps a copy, but not of what is read once in a sweep over all checks.
func (c *Check) keep(snapshot *Snapshot) {
	if c.last.Load() == nil {
		c.last.Store(&unkept)
		return
	}
	kept := *snapshot
	kept.Data = bytes.Clone(snapshot.Data)
	c.last.Store(&kept)
}

// snapshot asks the engine.
func (c *Check) snapshot() (Snapshot, error) {
	var crossing C.lifesign_snapshot
	crossing.struct_size = C.uint32_t(unsafe.Sizeof(crossing))
	// On the stack, and enough for most checks.
	var room [512]byte
	buffer := room[:]
	var detail *errorDetail
	for {
		var needed C.size_t
		result := C.lifesign_check_snapshot(C.lifesign_check(c.handle), &crossing,
			(*C.char)(unsafe.Pointer(unsafe.SliceData(buffer))), C.size_t(len(buffer)), &needed, detail.place())
		runtime.KeepAlive(c)
		switch {
		case result == C.LIFESIGN_OK:
			detail.done()
			return snapshot(buffer, &crossing), nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			// And some more for what the output grows until the next call.
			buffer = make([]byte, needed+needed/8)
		case detail == nil:
			// Once more, to be told why: most reads do not fail.
			detail = newErrorDetail()
		default:
			return Snapshot{}, detail.result(result)
		}
	}
}

// Redefine changes name and data, and keeps status, incarnation and token. Id,
// kind, service and target cannot change: [ErrInvalid].
func (c *Check) Redefine(spec CheckSpec) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	pinned, err := spec.pinned(&pins)
	if err != nil {
		return err
	}
	detail := newErrorDetail()
	err = detail.result(C.lifesign_check_redefine(C.lifesign_check(c.handle), &pinned, &detail.c))
	runtime.KeepAlive(c)
	return err
}

// Deregister removes a check that nobody holds; a held one is [ErrHeld] and is
// removed by its holder with [Token.DeregisterCheck].
func (c *Check) Deregister() error {
	detail := newErrorDetail()
	err := detail.result(C.lifesign_check_deregister(C.lifesign_check(c.handle), &detail.c))
	runtime.KeepAlive(c)
	return err
}

// ForceDeregister removes the check whoever holds it; the label, at most 127
// bytes, is recorded.
func (c *Check) ForceDeregister(label string) error {
	detail := newErrorDetail()
	err := detail.result(C.lifesign_check_deregister_force(C.lifesign_check(c.handle), chars(label), C.size_t(len(label)), &detail.c))
	runtime.KeepAlive(c)
	return err
}

// pinned is the spec as the engine reads it, valid until the pins are undone.
func (spec *CheckSpec) pinned(pins *runtime.Pinner) (C.lifesign_check_spec, error) {
	var c C.lifesign_check_spec
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	switch {
	case spec.AliasOf != "" && spec.AliasNode:
		return c, invalid("check %q is an alias of service %q and of the node: it can be one of them", spec.ID, spec.AliasOf)
	case spec.AliasOf != "":
		c.kind = C.LIFESIGN_KIND_ALIAS_SERVICE
		c.target = pinString(pins, spec.AliasOf)
	case spec.AliasNode:
		c.kind = C.LIFESIGN_KIND_ALIAS_NODE
	}
	if spec.Service != nil {
		if spec.Service.handle == 0 {
			return c, invalid("the service of check %q was made by hand: take it from RegisterService or Service", spec.ID)
		}
		c.service = C.lifesign_service(spec.Service.handle)
	}
	if spec.Restored != nil {
		c.restored = spec.Restored.pinned(pins)
	}
	c.initial = C.lifesign_status(spec.Initial)
	c.id = pinString(pins, spec.ID)
	c.name = pinString(pins, spec.Name)
	c.data = pinBytes(pins, spec.Data)
	return c, nil
}
