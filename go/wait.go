package lifesign

/*
#include <poll.h>
#include "lifesign.h"

// Whether the descriptor is readable now; never waits.
static int lifesign_go_readable(int fd) {
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	return poll(&entry, 1, 0) > 0;
}
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// next is Next for the consumer.
//
// The engine's descriptor is level-triggered and drained by the engine, in a
// poll; the runtime's network poller tells edges. So: look for something
// pending, then whether the descriptor is readable, and sleep only if it is
// not. Whatever becomes pending after that makes it readable, which is an edge,
// and the poller keeps an edge that comes before the goroutine sleeps, because
// RawConn.Read forgets old edges before it calls the function and not after.
func (s *Subscription) next(ctx context.Context) (Batch, error) {
	if ctx.Err() != nil {
		return Batch{}, ended(ctx)
	}
	batch, err := s.poll()
	if err != nil || batch.delivers() {
		return batch, err
	}
	file, err := s.descriptor()
	if err != nil {
		return Batch{}, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return Batch{}, s.waitError(ctx, err)
	}
	defer interrupt(ctx, file)()
	var pollErr error
	err = conn.Read(func(fd uintptr) bool {
		for {
			batch, pollErr = s.poll()
			if pollErr != nil || batch.delivers() || ctx.Err() != nil {
				return true
			}
			if C.lifesign_go_readable(C.int(fd)) == 0 {
				return false
			}
		}
	})
	switch {
	case pollErr != nil:
		return Batch{}, pollErr
	case batch.delivers():
		return batch, nil
	case err != nil:
		return Batch{}, s.waitError(ctx, err)
	default:
		return Batch{}, ended(ctx)
	}
}

// ended is why a context ended: its own error, and the cause too, if one was
// given.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	switch {
	case cause == nil:
		return err
	case errors.Is(cause, err):
		return cause
	default:
		return fmt.Errorf("%w: %w", err, cause)
	}
}

// interrupt ends the file's wait when the context ends. The returned function
// undoes it, and leaves the file fit for the next wait.
func interrupt(ctx context.Context, file *os.File) func() {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		// Fails only on a closed file, which ends the wait as well.
		_ = file.SetReadDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	return func() {
		if !stop() {
			<-interrupted
			_ = file.SetReadDeadline(time.Time{})
		}
	}
}

// waitError says why a wait ended without anything to deliver.
func (s *Subscription) waitError(ctx context.Context, err error) error {
	switch {
	case s.closed.Load():
		return s.errClosed()
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return ended(ctx)
	default:
		return fmt.Errorf("lifesign: waiting for a subscription: %w", err)
	}
}

// descriptor returns this subscription's own duplicate of the engine's
// descriptor, registered with the network poller.
func (s *Subscription) descriptor() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return nil, s.errClosed()
	}
	if s.waiter != nil {
		return s.waiter, nil
	}
	fd, err := s.duplicate()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "lifesign-subscription")
	// Only a file in the network poller takes deadlines.
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		file.Close()
		return nil, fmt.Errorf("lifesign: a subscription's descriptor cannot be waited for: %w", err)
	}
	s.waiter = file
	return file, nil
}

// duplicate asks for the descriptor before and after duplicating it: had the
// subscription been closed in between, the number could be another file's by
// now.
func (s *Subscription) duplicate() (int, error) {
	original, err := s.engineDescriptor()
	if err != nil {
		return -1, err
	}
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(original), syscall.F_DUPFD_CLOEXEC, 0)
	if _, err := s.engineDescriptor(); err != nil {
		if errno == 0 {
			syscall.Close(int(fd))
		}
		return -1, err
	}
	if errno != 0 {
		return -1, fmt.Errorf("lifesign: duplicating a subscription's descriptor: %w", errno)
	}
	return int(fd), nil
}

func (s *Subscription) engineDescriptor() (int32, error) {
	var fd C.int32_t
	detail := newErrorDetail()
	err := detail.result(C.lifesign_subscription_descriptor(C.lifesign_subscription(s.handle), &fd, &detail.c))
	runtime.KeepAlive(s)
	return int32(fd), err
}
