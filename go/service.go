package lifesign

// #include "lifesign.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// ServiceSpec defines a service.
type ServiceSpec struct {
	// ID is unique in the engine: UTF-8, 1 to 255 bytes, compared bytewise.
	ID string
	// Name is shown to people and need not be unique.
	Name string
	// Data is opaque to the engine, at most 4 KiB: address, tags, meta.
	Data []byte
}

// Service is a registered service. It may be used from several goroutines. It
// stays usable after its deregistration, every call then being refused with
// [ErrGone].
type Service struct {
	engine *Engine
	handle uint64
	reader reader
}

func newService(e *Engine, handle uint64) *Service {
	reader := newReader(func(reader *C.lifesign_reader) C.lifesign_result {
		return C.lifesign_service_reader(C.lifesign_service(handle), reader, nil)
	})
	return &Service{engine: e, handle: handle, reader: reader}
}

// RegisterService registers a service. The same definition again returns the
// same service; a different one under a registered id is [ErrExists], and the
// message names the field.
func (e *Engine) RegisterService(spec ServiceSpec) (*Service, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	c := spec.pinned(&pins)
	var handle C.lifesign_service
	detail := newErrorDetail()
	err := detail.result(C.lifesign_service_register(C.lifesign_engine(e.handle), &c, &handle, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	return newService(e, uint64(handle)), nil
}

// Service finds a registered service by its id, or fails with [ErrNotFound].
func (e *Engine) Service(id string) (*Service, error) {
	var handle C.lifesign_service
	detail := newErrorDetail()
	err := detail.result(C.lifesign_service_find(C.lifesign_engine(e.handle), chars(id), C.size_t(len(id)), &handle, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	return newService(e, uint64(handle)), nil
}

// Handle is the engine's number for this life of the service, never used twice.
func (s *Service) Handle() uint64 { return s.handle }

// Status is the worst of the service's checks and of the node's own, passing
// if there is none, and [Gone] if the service is. It is two atomic loads: no
// call into C, no allocation.
func (s *Service) Status() Status {
	status := s.reader.Status()
	runtime.KeepAlive(s)
	return status
}

// Snapshot returns the service and all its checks as of one epoch.
func (s *Service) Snapshot() (ServiceSnapshot, error) {
	snapshot, err := readView(func(view *C.lifesign_service_view, checks *C.lifesign_snapshot, checksCap C.size_t,
		bytes *C.char, bytesCap C.size_t, needed *C.size_t, detail *C.lifesign_error) C.lifesign_result {
		return C.lifesign_service_snapshot(C.lifesign_service(s.handle), view, checks, checksCap, bytes, bytesCap, needed, detail)
	})
	runtime.KeepAlive(s)
	return snapshot, err
}

// Redefine changes name and data. The id cannot change: [ErrInvalid].
func (s *Service) Redefine(spec ServiceSpec) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	c := spec.pinned(&pins)
	detail := newErrorDetail()
	err := detail.result(C.lifesign_service_redefine(C.lifesign_service(s.handle), &c, &detail.c))
	runtime.KeepAlive(s)
	return err
}

// Deregister removes the service. While it has checks it is [ErrBusy], and the
// message names one. Aliases on it become critical.
func (s *Service) Deregister() error {
	detail := newErrorDetail()
	err := detail.result(C.lifesign_service_deregister(C.lifesign_service(s.handle), &detail.c))
	runtime.KeepAlive(s)
	return err
}

// pinned is the spec as the engine reads it, valid until the pins are undone.
func (spec *ServiceSpec) pinned(pins *runtime.Pinner) C.lifesign_service_spec {
	var c C.lifesign_service_spec
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	c.id = pinString(pins, spec.ID)
	c.name = pinString(pins, spec.Name)
	c.data = pinBytes(pins, spec.Data)
	return c
}
