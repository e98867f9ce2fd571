package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Config says how an engine is opened. The zero value is a good one, but names
// nobody: what an operator reads of a writer is Name and Version.
type Config struct {
	// Name, Version and Build are the embedder's, and become part of every
	// writer record of the engine. At most 63 bytes of each are kept.
	Name, Version, Build string
	// ManualClock makes the engine's time that of the last [Engine.Tick],
	// instead of the system's.
	ManualClock bool
	// MaxOutput is the longest output of a check, in bytes; 0 is 4,096.
	MaxOutput uint32
	// The quotas of the engine, in pieces; 0 is the library's default. What
	// goes over one is refused with [ErrLimit].
	MaxServices, MaxChecks, MaxSubscriptions, MaxTokens, MaxRecords uint32
	// MaxPending is the number of tombstones that wait for a subscriber
	// before it has to take the whole state anew; 0 is 4,096.
	MaxPending uint32
	// History is the number of entries kept of each check's history; 0 is 16,
	// [HistoryOff] keeps none.
	History uint32
}

// HistoryOff as [Config.History] keeps no histories. They cost nothing then,
// and [Check.History] and the accepted writes of [Check.Writers] are empty.
const HistoryOff uint32 = C.LIFESIGN_HISTORY_OFF

// Engine holds the health state of one node. Many may live in one process.
// All methods may be called from any goroutine.
type Engine struct {
	handle  uint64
	node    reader
	closing sync.Once
	closed  error
	cleanup runtime.Cleanup
}

// Open makes an engine. It is refused with [ErrTooLarge] or [ErrInvalid] for
// names that are no short UTF-8 text.
func Open(config Config) (*Engine, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	var c C.lifesign_config
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if config.ManualClock {
		c.clock = 1
	}
	c.max_output = C.uint32_t(config.MaxOutput)
	c.max_services = C.uint32_t(config.MaxServices)
	c.max_checks = C.uint32_t(config.MaxChecks)
	c.max_subscriptions = C.uint32_t(config.MaxSubscriptions)
	c.max_tokens = C.uint32_t(config.MaxTokens)
	c.max_records = C.uint32_t(config.MaxRecords)
	c.max_pending = C.uint32_t(config.MaxPending)
	c.history = C.uint32_t(config.History)
	c.name = pinString(&pins, config.Name)
	c.version = pinString(&pins, config.Version)
	c.build = pinString(&pins, config.Build)

	var handle C.lifesign_engine
	detail := newErrorDetail()
	if err := detail.result(C.lifesign_engine_open(&c, &handle, &detail.c)); err != nil {
		return nil, err
	}
	e := &Engine{handle: uint64(handle), node: newNodeReader(uint64(handle))}
	e.cleanup = runtime.AddCleanup(e, closeEngine, e.handle)
	return e, nil
}

func closeEngine(handle uint64) { C.lifesign_engine_close(C.lifesign_engine(handle), nil) }

// Close ends the engine. Every status reads [Gone] from now on, every call is
// refused with [ErrClosed], and every wait ends with it; calls in flight
// finish. Closing again does nothing and returns what the first Close did. What
// was taken from the engine, a [Token] for one, is closed with it, and to close it
// then is [ErrClosed].
func (e *Engine) Close() error {
	e.closing.Do(func() {
		e.cleanup.Stop()
		detail := newErrorDetail()
		e.closed = detail.result(C.lifesign_engine_close(C.lifesign_engine(e.handle), &detail.c))
	})
	return e.closed
}

// ID is the engine's random identity.
func (e *Engine) ID() (UUID, error) {
	var id [16]C.uint8_t
	detail := newErrorDetail()
	err := detail.result(C.lifesign_engine_id(C.lifesign_engine(e.handle), &id, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return UUID{}, err
	}
	return uuid(&id), nil
}

// Tick drives time: leases whose end has come lapse in it. The times are used by
// an engine with a manual clock only: the wall clock, and the time since boot,
// suspension included. Call it every second or so, and at least four times in
// the shortest lease: one that comes more than half of that after the one before
// is a jump of time, and gives every lease its whole length anew. A time since
// boot of more than 10.9 years, or below 0, is [ErrInvalid]. With claims it waits
// for the file system.
func (e *Engine) Tick(wall time.Time, boot time.Duration) error {
	if boot < 0 {
		return invalid("the time since boot is %v: it cannot be negative", boot)
	}
	detail := newErrorDetail()
	err := detail.result(C.lifesign_engine_tick(C.lifesign_engine(e.handle), C.int64_t(wall.UnixNano()), C.uint64_t(boot), &detail.c))
	runtime.KeepAlive(e)
	return err
}

// Audit looks at every derived status once more, repairs what is wrong, and
// returns how many were. Any number but zero is a defect of the library worth
// a report. Call it every minute or so; its cost is linear in the checks.
func (e *Engine) Audit() (repaired uint64, err error) {
	var count C.uint64_t
	detail := newErrorDetail()
	err = detail.result(C.lifesign_engine_audit(C.lifesign_engine(e.handle), &count, &detail.c))
	runtime.KeepAlive(e)
	return uint64(count), err
}

// Record returns the writer record with an id from a [Snapshot], or
// [ErrNotFound].
func (e *Engine) Record(id uint32) (WriterRecord, error) {
	record := newRecord()
	detail := newErrorDetail()
	err := detail.result(C.lifesign_engine_record(C.lifesign_engine(e.handle), C.uint32_t(id), &record, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return WriterRecord{}, err
	}
	return *writerRecord(&record), nil
}

// NodeStatus is the worst status of the node's own direct checks, passing if
// there is none, and [Gone] if it cannot be read. It is two atomic loads: no
// call into C, no allocation.
func (e *Engine) NodeStatus() Status {
	status := e.node.Status()
	runtime.KeepAlive(e)
	return status
}

// Node returns the node's own direct checks as of one epoch, in the form of a
// service.
func (e *Engine) Node() (ServiceSnapshot, error) {
	snapshot, err := readView(func(view *C.lifesign_service_view, checks *C.lifesign_snapshot, checksCap C.size_t,
		bytes *C.char, bytesCap C.size_t, needed *C.size_t, detail *C.lifesign_error) C.lifesign_result {
		return C.lifesign_engine_node(C.lifesign_engine(e.handle), view, checks, checksCap, bytes, bytesCap, needed, detail)
	})
	runtime.KeepAlive(e)
	return snapshot, err
}

// Services returns all registered services, in no particular order.
func (e *Engine) Services() ([]*Service, error) {
	handles, err := listAll(nil, func(handles *uint64, capacity C.size_t, count *C.size_t, detail *C.lifesign_error) C.lifesign_result {
		return C.lifesign_engine_services(C.lifesign_engine(e.handle), (*C.lifesign_service)(handles), capacity, count, detail)
	})
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	services := make([]*Service, len(handles))
	for i, handle := range handles {
		services[i] = newService(e, handle)
	}
	return services, nil
}

// Checks returns all registered checks, aliases included, in no particular
// order.
func (e *Engine) Checks() ([]*Check, error) {
	handles, err := listAll(nil, func(handles *uint64, capacity C.size_t, count *C.size_t, detail *C.lifesign_error) C.lifesign_result {
		return C.lifesign_engine_checks(C.lifesign_engine(e.handle), (*C.lifesign_check)(handles), capacity, count, detail)
	})
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	checks := make([]*Check, len(handles))
	for i, handle := range handles {
		checks[i] = newCheck(e, handle)
	}
	return checks, nil
}
