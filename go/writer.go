package lifesign

// #include "lifesign.h"
import "C"

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// UUID is a 128-bit identifier: of an engine, a process or a boot.
type UUID [16]byte

// String is the usual form, 8-4-4-4-12 hexadecimal digits.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// MarshalText implements [encoding.TextMarshaler] with the text of
// [UUID.String].
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. What is not in the form of
// [UUID.String] is [ErrInvalid].
func (u *UUID) UnmarshalText(text []byte) error {
	var parsed UUID
	digits, err := hex.DecodeString(strings.ReplaceAll(string(text), "-", ""))
	if err != nil || copy(parsed[:], digits) != len(digits) || !strings.EqualFold(parsed.String(), string(text)) {
		return invalid("%q is no identifier: give 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12", text)
	}
	*u = parsed
	return nil
}

// WriterRecord says who writes: every token carries one, and every commit and
// refusal names one.
type WriterRecord struct {
	// ID is the record's number within its engine; 1 is the engine itself.
	ID uint32
	// Process is drawn at random once per process; Boot is the kernel's
	// boot id. Together with PID, PIDNamespace and ProcessStart they tell
	// processes apart where a bare pid would not, in containers for one.
	Process, Boot UUID
	PID           uint64
	// ProcessStart is in clock ticks since boot.
	ProcessStart uint64
	PIDNamespace uint64
	// Declared says that an embedder registered the record for a remote
	// peer, instead of the engine having observed it.
	Declared bool
	// Machine is the host name, Executable the program's path.
	Machine, Executable string
	// Name, Version and Build are those of the embedder's [Config].
	Name, Version, Build string
	// Label was given with [Check.Acquire] or [Check.TakeOver].
	Label string
}

// String is one readable line.
func (w WriterRecord) String() string {
	var line strings.Builder
	if w.Label != "" {
		fmt.Fprintf(&line, "%q", w.Label)
	} else {
		line.WriteString("a writer without label")
	}
	if w.Name != "" {
		fmt.Fprintf(&line, " of %s", w.Name)
		if w.Version != "" {
			fmt.Fprintf(&line, " %s", w.Version)
		}
		if w.Build != "" {
			fmt.Fprintf(&line, " (build %s)", w.Build)
		}
	}
	fmt.Fprintf(&line, " on %s, pid %d", w.Machine, w.PID)
	if w.Executable != "" {
		fmt.Fprintf(&line, " (%s)", w.Executable)
	}
	fmt.Fprintf(&line, ", process %s, record %d", w.Process, w.ID)
	if w.Declared {
		line.WriteString(", declared")
	}
	return line.String()
}

func writerRecord(c *C.lifesign_record) *WriterRecord {
	return &WriterRecord{
		ID:           uint32(c.id),
		Process:      uuid(&c.process_uuid),
		Boot:         uuid(&c.boot_id),
		PID:          uint64(c.pid),
		ProcessStart: uint64(c.process_start),
		PIDNamespace: uint64(c.pid_namespace),
		Declared:     c.declared != 0,
		Machine:      text(c.machine[:]),
		Executable:   text(c.executable[:]),
		Name:         text(c.name[:]),
		Version:      text(c.version[:]),
		Build:        text(c.build[:]),
		Label:        text(c.label[:]),
	}
}

func newRecord() C.lifesign_record {
	var record C.lifesign_record
	record.struct_size = C.uint32_t(unsafe.Sizeof(record))
	return record
}

func uuid(c *[16]C.uint8_t) UUID { return *(*UUID)(unsafe.Pointer(c)) }

// text is a NUL-terminated array's text.
func text(array []C.char) string {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(array))), len(array))
	if end := bytes.IndexByte(raw, 0); end >= 0 {
		raw = raw[:end]
	}
	return string(raw)
}

// DeclareWriter makes a record for a writer that is not this process: a remote
// peer that the embedder fronts. It is marked as declared wherever it is shown,
// and its number goes into [WithWriter]. ID and Declared of the given one are
// not looked at; what is not known stays empty. The same again gives the same
// number. Texts that are too long to be kept are [ErrTooLarge].
func (e *Engine) DeclareWriter(writer WriterRecord) (uint32, error) {
	c := newRecord()
	*(*UUID)(unsafe.Pointer(&c.process_uuid)) = writer.Process
	*(*UUID)(unsafe.Pointer(&c.boot_id)) = writer.Boot
	c.pid = C.uint64_t(writer.PID)
	c.process_start = C.uint64_t(writer.ProcessStart)
	c.pid_namespace = C.uint64_t(writer.PIDNamespace)
	for _, field := range []struct {
		name string
		text string
		into []C.char
	}{
		{"machine", writer.Machine, c.machine[:]},
		{"executable", writer.Executable, c.executable[:]},
		{"name", writer.Name, c.name[:]},
		{"version", writer.Version, c.version[:]},
		{"build", writer.Build, c.build[:]},
		{"label", writer.Label, c.label[:]},
	} {
		if strings.IndexByte(field.text, 0) >= 0 {
			return 0, invalid("the declared writer's %s has a NUL in it", field.name)
		}
		if len(field.text) >= len(field.into) {
			return 0, &Error{Code: ErrTooLarge, Message: fmt.Sprintf("the declared writer's %s has %d bytes; at most %d are kept",
				field.name, len(field.text), len(field.into)-1)}
		}
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(field.into))), len(field.into)), field.text)
	}
	var id C.uint32_t
	detail := newErrorDetail()
	err := detail.result(C.lifesign_engine_declare_writer(C.lifesign_engine(e.handle), &c, &id, &detail.c))
	runtime.KeepAlive(e)
	return uint32(id), err
}
