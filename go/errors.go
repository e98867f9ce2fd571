package lifesign

// #include "lifesign.h"
import "C"

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"unsafe"
)

// Code is the reason of a refusal. The codes are the sentinels themselves:
//
//	if errors.Is(err, lifesign.ErrHeld) { ... }
type Code uint32

// The reasons, complete.
const (
	// ErrHeld: somebody holds the check's token, or the claimed name; the
	// error names the holder.
	ErrHeld Code = C.LIFESIGN_HELD
	// ErrFenced: another writer took over since; the error names it.
	ErrFenced Code = C.LIFESIGN_FENCED
	// ErrExpired: the lease lapsed and nobody else came; acquire again.
	ErrExpired Code = C.LIFESIGN_EXPIRED
	// ErrRevoked: the token was closed by its owner while this call came in.
	ErrRevoked Code = C.LIFESIGN_REVOKED
	// ErrGone: the check or service was deregistered, or is another life of
	// its id by now.
	ErrGone Code = C.LIFESIGN_GONE
	// ErrForged: no such handle was ever handed out, or for another kind.
	ErrForged Code = C.LIFESIGN_FORGED
	// ErrForeignEngine: the handle belongs to another engine.
	ErrForeignEngine Code = C.LIFESIGN_FOREIGN_ENGINE
	// ErrDerived: an alias is written by the engine alone.
	ErrDerived Code = C.LIFESIGN_DERIVED
	// ErrForked: this process is a fork of the one that opened the engine.
	ErrForked Code = C.LIFESIGN_FORKED
	// ErrClosed: the engine, token, subscription or claim is closed.
	ErrClosed Code = C.LIFESIGN_CLOSED
	// ErrExists: the id is registered with a different definition; the
	// message names the field.
	ErrExists Code = C.LIFESIGN_EXISTS
	// ErrNotFound: nothing is registered under the id, or there is no file. It
	// is [fs.ErrNotExist] as well.
	ErrNotFound Code = C.LIFESIGN_NOT_FOUND
	// ErrLoop: the alias would depend on itself; the message has the path.
	ErrLoop Code = C.LIFESIGN_LOOP
	// ErrInvalid: an argument is malformed; the message says which.
	ErrInvalid Code = C.LIFESIGN_INVALID
	// ErrTooLarge: an argument is longer than its limit.
	ErrTooLarge Code = C.LIFESIGN_TOO_LARGE
	// ErrBufferTooSmall: never returned by this package, which sizes its
	// buffers itself.
	ErrBufferTooSmall Code = C.LIFESIGN_BUFFER_TOO_SMALL
	// ErrLimit: a quota of the engine's [Config] is used up, or a disk.
	ErrLimit Code = C.LIFESIGN_LIMIT
	// ErrBusy: a service that still has checks, a subscription that already
	// has a consumer, or a name that somebody is in the middle of claiming.
	ErrBusy Code = C.LIFESIGN_BUSY
	// ErrTimeout: a wait in the engine ended with nothing; this package
	// returns the context's error instead.
	ErrTimeout Code = C.LIFESIGN_TIMEOUT
	// ErrStillRunning: the joined token is not closed yet, or its calls have
	// not left.
	ErrStillRunning Code = C.LIFESIGN_STILL_RUNNING
	// ErrWouldDeadlock: a token was to join itself.
	ErrWouldDeadlock Code = C.LIFESIGN_WOULD_DEADLOCK
	// ErrFutureCursor: the cursor's position has not been reached yet.
	ErrFutureCursor Code = C.LIFESIGN_FUTURE_CURSOR
	// ErrInternal: a defect of the engine; nothing was changed.
	ErrInternal Code = C.LIFESIGN_INTERNAL
)

// String is the code's stable name, such as "FENCED".
func (c Code) String() string { return C.GoString(C.lifesign_result_name(C.lifesign_result(c))) }

// Error makes a code usable as a sentinel.
func (c Code) Error() string { return "lifesign: " + c.String() }

// Is makes a code another one as well, for errors.Is: a revoked token is a
// closed one, [ErrClosed], and what is not found does not exist,
// [fs.ErrNotExist].
func (c Code) Is(target error) bool {
	switch c {
	case ErrRevoked:
		return target == error(ErrClosed)
	case ErrNotFound:
		return target == fs.ErrNotExist
	default:
		return false
	}
}

// Error is a refusal with both sides named. A call that returned one has
// changed nothing.
type Error struct {
	// Code is the reason.
	Code Code
	// Message says what happened, to which id, who else was involved and
	// what to do.
	Message string
	// Generation is the present holder's, when Holder is not nil.
	Generation uint64
	// Caller is the writer that was refused, nil if none is known.
	Caller *WriterRecord
	// Holder is the writer that holds the check's token now, or the engine
	// that holds the claimed name; nil if nobody.
	Holder *WriterRecord
}

// Error is the code's name and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Error()
	}
	return e.Code.Error() + ": " + e.Message
}

// Unwrap is the code: errors.Is(err, ErrHeld) and its like are true by it, and
// errors.As finds a [Code].
func (e *Error) Unwrap() error { return e.Code }

// invalid refuses an argument that does not get as far as the engine.
func invalid(format string, args ...any) error {
	return &Error{Code: ErrInvalid, Message: fmt.Sprintf(format, args...)}
}

// newError is an error with the engine's sentence. That begins with the code's
// name, which Error says by itself.
func newError(code Code, sentence string) *Error {
	return &Error{Code: code, Message: strings.TrimPrefix(sentence, code.String()+": ")}
}

// errorDetail is the struct that a failing call describes its refusal in. It
// is kept in a pool, because most calls do not fail and it is large.
type errorDetail struct{ c C.lifesign_error }

var errorDetails = sync.Pool{New: func() any {
	detail := new(errorDetail)
	prepareDetail(&detail.c)
	return detail
}}

// prepareDetail makes a struct of zeroes, or one that was used, ready for a call.
func prepareDetail(c *C.lifesign_error) {
	c.struct_size = C.uint32_t(unsafe.Sizeof(*c))
	c.code = C.LIFESIGN_OK
}

// newErrorDetail takes a struct from the pool; result gives it back.
func newErrorDetail() *errorDetail { return errorDetails.Get().(*errorDetail) }

// result makes a Go error of a call's result; the detail must not be used
// after it.
func (d *errorDetail) result(code C.lifesign_result) error {
	if code == C.LIFESIGN_OK {
		errorDetails.Put(d)
		return nil
	}
	err := refusal(&d.c, code)
	errorDetails.Put(d)
	return err
}

// place is where a call describes its refusal; without a detail it does not.
func (d *errorDetail) place() *C.lifesign_error {
	if d == nil {
		return nil
	}
	return &d.c
}

// done gives a detail back, if there is one, that no refusal is made of.
func (d *errorDetail) done() {
	if d != nil {
		prepareDetail(&d.c)
		errorDetails.Put(d)
	}
}

// refusal is what the detail describes, which is ready for another call then.
func refusal(c *C.lifesign_error, code C.lifesign_result) *Error {
	if c == nil {
		return &Error{Code: Code(code)}
	}
	defer prepareDetail(c)
	if c.code != code {
		// The call failed before it could describe why.
		return &Error{Code: Code(code)}
	}
	refused := newError(Code(code), text(c.message[:]))
	refused.Generation = uint64(c.generation)
	if c.caller.id != 0 {
		refused.Caller = writerRecord(&c.caller)
	}
	if c.holder.id != 0 {
		refused.Holder = writerRecord(&c.holder)
	}
	return refused
}
