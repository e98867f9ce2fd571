package lifesign

/*
#include <stdlib.h>
#include "lifesign.h"

#cgo noescape token_write
#cgo nocallback token_write

// What came of a write; of a refused one its detail, to be freed, or NULL if there is no memory for it.
typedef struct {
	lifesign_result result;
	lifesign_error *detail;
} written;

// Most writes are not refused: the place for a detail is on this side's stack, where it costs nothing.
static written token_write(lifesign_token token, lifesign_status status, const char *output, size_t length) {
	lifesign_error detail;
	written of = {0, NULL};

	detail.struct_size = sizeof detail;
	detail.code = LIFESIGN_OK;
	of.result = lifesign_token_write(token, status, output, length, &detail);
	if (of.result != LIFESIGN_OK && (of.detail = malloc(sizeof detail)) != NULL)
		*of.detail = detail;
	return of;
}
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// Token is the right to write one check. It may be used from several
// goroutines; their commits come one after another.
type Token struct {
	engine     *Engine // reachable, so that it is not closed as forgotten
	handle     uint64
	generation uint64
	closing    sync.Once
	closed     error
	cleanup    runtime.Cleanup
}

// Acquire takes the token of a check that nobody holds. It never waits and
// never steals: a held check is [ErrHeld], with the holder's record and
// generation; a holder whose lease ran out does not hold it any more. An alias
// is [ErrDerived]. The label, at most 127 bytes, tells people which part of the
// program writes.
func (c *Check) Acquire(label string, options ...AcquireOption) (*Token, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	how, err := acquireSpec(&pins, label, options)
	if err != nil {
		return nil, err
	}
	var handle C.lifesign_token
	detail := newErrorDetail()
	err = detail.result(C.lifesign_token_acquire(C.lifesign_check(c.handle), &how, &handle, &detail.c))
	runtime.KeepAlive(c)
	if err != nil {
		return nil, err
	}
	return newToken(c.engine, handle)
}

// TakeOver replaces the holder whose generation the caller has seen, in
// [Check.Who] or in an [Error], in one atomic step. If another came in between
// it is [ErrHeld], with that one's record and generation. The replaced token is
// fenced from then on.
func (c *Check) TakeOver(expected uint64, label string, options ...AcquireOption) (*Token, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	how, err := acquireSpec(&pins, label, options)
	if err != nil {
		return nil, err
	}
	var handle C.lifesign_token
	detail := newErrorDetail()
	err = detail.result(C.lifesign_token_take_over(C.lifesign_check(c.handle), C.uint64_t(expected), &how, &handle, &detail.c))
	runtime.KeepAlive(c)
	if err != nil {
		return nil, err
	}
	return newToken(c.engine, handle)
}

func newToken(engine *Engine, handle C.lifesign_token) (*Token, error) {
	var generation C.uint64_t
	detail := newErrorDetail()
	if err := detail.result(C.lifesign_token_generation(handle, &generation, &detail.c)); err != nil {
		closeToken(uint64(handle))
		return nil, err
	}
	t := &Token{engine: engine, handle: uint64(handle), generation: uint64(generation)}
	t.cleanup = runtime.AddCleanup(t, closeToken, t.handle)
	return t, nil
}

func closeToken(handle uint64) { C.lifesign_token_close(C.lifesign_token(handle), nil) }

// Update commits a status and an output. When it has returned, every reader
// sees it, in the check and in every alias that depends on it. A token that
// was taken over is [ErrFenced], one whose lease ran out is [ErrExpired] and
// acquires again. An output longer than the engine's MaxOutput
// is [ErrTooLarge]: cut it at a character's edge and say so in it.
//
// The same status and output again is a heartbeat: it starts the lease anew and
// changes nothing.
func (t *Token) Update(status Status, output string) error {
	written := C.token_write(C.lifesign_token(t.handle), C.lifesign_status(status), chars(output), C.size_t(len(output)))
	runtime.KeepAlive(t)
	if written.result == C.LIFESIGN_OK {
		return nil
	}
	defer C.free(unsafe.Pointer(written.detail))
	return refusal(written.detail, written.result)
}

// Renew starts the token's lease anew without a report. One that ran out is
// [ErrExpired].
func (t *Token) Renew() error {
	detail := newErrorDetail()
	err := detail.result(C.lifesign_token_renew(C.lifesign_token(t.handle), &detail.c))
	runtime.KeepAlive(t)
	return err
}

// Generation tells the writers of one life of a check apart, and rises.
func (t *Token) Generation() uint64 { return t.generation }

// Record is the token's own writer record. It lives until the token is closed,
// fenced or not.
func (t *Token) Record() (WriterRecord, error) {
	record := newRecord()
	detail := newErrorDetail()
	err := detail.result(C.lifesign_token_record(C.lifesign_token(t.handle), &record, &detail.c))
	runtime.KeepAlive(t)
	if err != nil {
		return WriterRecord{}, err
	}
	return *writerRecord(&record), nil
}

// DeregisterCheck removes the check as its holder. A fenced token cannot:
// [ErrFenced].
func (t *Token) DeregisterCheck() error {
	detail := newErrorDetail()
	err := detail.result(C.lifesign_token_deregister_check(C.lifesign_token(t.handle), &detail.c))
	runtime.KeepAlive(t)
	return err
}

// Close gives the check back, if the token still holds it; its state stays.
// It never touches a successor, and a fenced or expired token is closed without
// error. Closing again does nothing and returns what the first Close did.
func (t *Token) Close() error {
	t.closing.Do(func() {
		t.cleanup.Stop()
		detail := newErrorDetail()
		t.closed = detail.result(C.lifesign_token_close(C.lifesign_token(t.handle), &detail.c))
	})
	return t.closed
}

// Join waits until the old token is closed, which says that its owner is done,
// and its calls have left. Nothing depends on it for safety: the old token is
// fenced already. When the context ends first, the error is both the context's,
// as of [Subscription.Next], and [ErrStillRunning]. A token that would join
// itself is [ErrWouldDeadlock], no token [ErrInvalid].
//
// A joining goroutine occupies a thread, and sees the end of its context within
// 50 ms.
func (t *Token) Join(ctx context.Context, old *Token) error { return t.join(ctx, old, 0) }

// JoinCalls is [Token.Join] for the old token's calls in flight alone, whether
// the token is closed or not.
func (t *Token) JoinCalls(ctx context.Context, old *Token) error {
	return t.join(ctx, old, C.LIFESIGN_JOIN_CALLS_ONLY)
}

// joinSlice bounds how late a cancelled context is noticed.
const joinSlice = 50 * time.Millisecond

func (t *Token) join(ctx context.Context, old *Token, flags C.uint32_t) error {
	if old == nil {
		return invalid("there is no token to join: give the one that was taken over")
	}
	wait := time.Duration(0)
	for {
		detail := newErrorDetail()
		err := detail.result(C.lifesign_token_join(C.lifesign_token(t.handle), C.lifesign_token(old.handle), flags,
			C.int64_t(wait.Milliseconds()), &detail.c))
		runtime.KeepAlive(t)
		runtime.KeepAlive(old)
		if !errors.Is(err, ErrStillRunning) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", err, ended(ctx))
		}
		wait = joinSlice
	}
}
