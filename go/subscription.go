package lifesign

// #include "lifesign.h"
import "C"

import (
	"context"
	"iter"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Subscription delivers the state that matches a filter, and then its changes.
// One goroutine at a time may consume it: another one's Poll, Next or Events is
// [ErrBusy] meanwhile. Close may come from anywhere.
type Subscription struct {
	engine  *Engine // reachable, so that it is not closed as forgotten
	handle  uint64
	cleanup runtime.Cleanup

	consumed atomic.Bool // somebody is in Poll, Next or Events
	rest     Batch       // what an abandoned Events loop left, the consumer's
	known    bool        // something was delivered before, the consumer's

	closing sync.Once
	closed  atomic.Bool
	result  error

	mu     sync.Mutex
	waiter *os.File // the descriptor in the network poller, made by the first wait
	cursor Cursor   // what matches up to here was taken
}

// Subscribe starts a subscription; the first batches are the state that matches
// now, or with [Filter.Since] what may have changed since then. A cursor that the
// engine has not given out yet is [ErrFutureCursor], one subscription more than
// the engine's quota [ErrLimit], a filter that contradicts itself [ErrInvalid]. A
// subscriber that never reads delays nobody, and its memory is bounded.
func (e *Engine) Subscribe(filter Filter) (*Subscription, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	c, err := filter.pinned(&pins)
	if err != nil {
		return nil, err
	}
	var handle C.lifesign_subscription
	detail := newErrorDetail()
	err = detail.result(C.lifesign_subscribe(C.lifesign_engine(e.handle), &c, &handle, &detail.c))
	runtime.KeepAlive(e)
	if err != nil {
		return nil, err
	}
	return newSubscription(e, handle, filter), nil
}

// Subscribe is [Engine.Subscribe] as the check's writer: a runner that was
// started late, and taken over before it came to run, is told so here with
// [ErrFenced], or with [ErrExpired] if its lease ran out and nobody came. The
// subscription outlives the token.
func (t *Token) Subscribe(filter Filter) (*Subscription, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	c, err := filter.pinned(&pins)
	if err != nil {
		return nil, err
	}
	var handle C.lifesign_subscription
	detail := newErrorDetail()
	err = detail.result(C.lifesign_token_subscribe(C.lifesign_token(t.handle), &c, &handle, &detail.c))
	runtime.KeepAlive(t)
	if err != nil {
		return nil, err
	}
	return newSubscription(t.engine, handle, filter), nil
}

func newSubscription(e *Engine, handle C.lifesign_subscription, filter Filter) *Subscription {
	s := &Subscription{engine: e, handle: uint64(handle), known: filter.Since != Cursor{}, cursor: filter.Since}
	s.cleanup = runtime.AddCleanup(s, unsubscribe, s.handle)
	return s
}

func unsubscribe(handle uint64) { C.lifesign_unsubscribe(C.lifesign_subscription(handle), nil) }

// Close ends the subscription and, with [ErrClosed], a call that waits in it.
// Closing again does nothing and returns what the first Close did.
func (s *Subscription) Close() error {
	s.closing.Do(func() {
		s.cleanup.Stop()
		s.closed.Store(true)
		detail := newErrorDetail()
		s.result = detail.result(C.lifesign_unsubscribe(C.lifesign_subscription(s.handle), &detail.c))
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.waiter != nil {
			s.waiter.Close()
		}
	})
	return s.result
}

// Poll returns what is pending, at most some tens of events, and never waits.
// A batch without events and without Resync says that nothing is. While another
// goroutine consumes it is [ErrBusy].
func (s *Subscription) Poll() (Batch, error) {
	if err := s.enter(); err != nil {
		return Batch{}, err
	}
	defer s.leave()
	return s.hand(s.poll())
}

// Cursor is where the subscriber stands: what matches up to there was returned by
// Poll or Next, or taken by the body of a loop over Events. After a wait that
// ended with the context's error it is a bookmark: nothing was pending up to
// there. Kept over a restart of the subscriber it goes into [Filter.Since].
func (s *Subscription) Cursor() Cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor
}

func (s *Subscription) moveTo(cursor Cursor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor = cursor
}

// hand notes what is returned to the caller.
func (s *Subscription) hand(batch Batch, err error) (Batch, error) {
	if err == nil {
		s.moveTo(batch.Cursor)
	}
	return batch, err
}

// Next waits until something is pending and returns it. When the context ends
// first, or has ended already, it returns the context's error: one that is
// [context.Canceled] or [context.DeadlineExceeded], and the cause too, if the
// context was given one. When subscription or engine is closed it returns
// [ErrClosed]. A waiting goroutine occupies no thread.
func (s *Subscription) Next(ctx context.Context) (Batch, error) {
	if err := s.enter(); err != nil {
		return Batch{}, err
	}
	defer s.leave()
	return s.hand(s.next(ctx))
}

// Events returns the events as they come, waiting as [Subscription.Next] does.
// The sequence ends with an error: what Next would have returned. After a loop
// that was left early, what it did not take comes with the next call. A loop is
// the subscription's consumer until it ends: in it, Poll, Next and Events are
// [ErrBusy].
//
// An event of kind [Resync] says that more was deregistered than the engine
// keeps for a slow reader or since a cursor, or that the cursor was another
// engine's: forget everything, the whole state follows.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := s.enter(); err != nil {
			yield(Event{}, err)
			return
		}
		defer s.leave()
		for {
			known := s.known
			batch, err := s.next(ctx)
			if err != nil {
				yield(Event{}, err)
				return
			}
			if !s.yieldBatch(batch, known, yield) {
				return
			}
		}
	}
}

// yieldBatch keeps the rest of a batch whose loop was left, by a panic too.
func (s *Subscription) yieldBatch(batch Batch, known bool, yield func(Event, error) bool) bool {
	defer func() {
		if batch.delivers() {
			s.rest = batch
		} else {
			s.moveTo(batch.Cursor)
		}
	}()
	if batch.Resync {
		batch.Resync = false
		if known && !yield(Event{Kind: Resync}, nil) {
			return false
		}
	}
	for len(batch.Events) > 0 {
		event := batch.Events[0]
		batch.Events = batch.Events[1:]
		if !yield(event, nil) {
			return false
		}
	}
	return true
}

// enter makes the caller the consumer.
func (s *Subscription) enter() error {
	if s.consumed.CompareAndSwap(false, true) {
		return nil
	}
	return &Error{Code: ErrBusy, Message: "somebody is in Poll, Next or a loop over Events of this subscription: give each consumer one of its own"}
}

func (s *Subscription) leave() { s.consumed.Store(false) }

// poll is Poll for the consumer.
func (s *Subscription) poll() (Batch, error) {
	if s.closed.Load() {
		return Batch{}, s.errClosed()
	}
	if s.rest.delivers() {
		batch := s.rest
		s.rest = Batch{}
		return batch, nil
	}
	batch, err := s.read()
	runtime.KeepAlive(s)
	if err != nil && s.closed.Load() {
		err = s.errClosed()
	}
	if batch.delivers() {
		s.known = true
	} else if err == nil {
		s.moveTo(batch.Cursor) // nothing is pending up to there
	}
	return batch, err
}

func (s *Subscription) errClosed() error {
	return &Error{Code: ErrClosed, Message: "the subscription was closed by its owner: subscribe again to go on"}
}

// batchBuffer is what a poll is received in, kept in a pool.
type batchBuffer struct {
	events [64]C.lifesign_event
	bytes  []byte
}

var batchBuffers = sync.Pool{New: func() any { return &batchBuffer{bytes: make([]byte, 32<<10)} }}

func (s *Subscription) read() (Batch, error) {
	buffer := batchBuffers.Get().(*batchBuffer)
	defer batchBuffers.Put(buffer)
	for {
		for i := range buffer.events {
			state := &buffer.events[i].state
			state.struct_size = C.uint32_t(unsafe.Sizeof(*state))
		}
		var c C.lifesign_batch
		c.struct_size = C.uint32_t(unsafe.Sizeof(c))
		detail := newErrorDetail()
		result := C.lifesign_subscription_poll(C.lifesign_subscription(s.handle), &buffer.events[0], C.size_t(len(buffer.events)),
			(*C.char)(unsafe.Pointer(unsafe.SliceData(buffer.bytes))), C.size_t(len(buffer.bytes)), &c, &detail.c)
		err := detail.result(result)
		switch {
		case err == nil:
			return s.batch(buffer, &c), nil
		case result == C.LIFESIGN_BUFFER_TOO_SMALL:
			buffer.bytes = make([]byte, c.bytes)
		default:
			return Batch{}, err
		}
	}
}

func (s *Subscription) batch(buffer *batchBuffer, c *C.lifesign_batch) Batch {
	b := Batch{
		Resync: c.resync != 0,
		Reset:  c.reset != 0,
		More:   c.more != 0,
		Cursor: cursor(&c.cursor),
	}
	if c.count > 0 {
		b.Events = make([]Event, c.count)
	}
	for i := range b.Events {
		event := &buffer.events[i]
		b.Events[i].Kind = EventKind(event.kind)
		if event.kind == C.LIFESIGN_EVENT_TROUBLE {
			b.Events[i].Trouble = s.trouble(buffer.bytes, &event.trouble)
		} else {
			b.Events[i].Snapshot = snapshot(buffer.bytes, &event.state)
		}
	}
	return b
}
