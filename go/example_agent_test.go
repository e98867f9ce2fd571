package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lifesign.dev/lifesign"
)

// An engine starts no thread: who opened it drives its time, from one goroutine
// that ends with the engine or with the program's context.
func ExampleEngine_Tick() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	token, _ := check.Acquire("a probe that hangs", lifesign.WithLease(50*time.Millisecond, lifesign.LapseCritical))
	token.Update(lifesign.Passing, "200 OK")

	ctx, stop := context.WithCancel(context.Background())
	ticking := make(chan error)
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond) // a second or so, of leases that are longer
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				ticking <- ctx.Err()
				return
			case now := <-ticker.C:
				if err := engine.Tick(now, 0); err != nil {
					ticking <- err // ErrClosed
					return
				}
			}
		}
	}()

	subscription, _ := engine.Subscribe(lifesign.Filter{Check: check, MinStatus: lifesign.Critical})
	for event, err := range subscription.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if event.Orphaned {
			fmt.Println(event.ID, "is", event.Status)
			break
		}
	}
	stop()
	fmt.Println(<-ticking)
	subscription.Close()
	token.Close()
	engine.Close()
	// Output:
	// web:http is critical
	// context canceled
}

// Two agents for one node: the second is refused, and told about the first.
func ExampleEngine_Claim() {
	directory, err := os.MkdirTemp("", "lifesign")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	first, _ := lifesign.Open(lifesign.Config{Name: "agent", Version: "1.0"})
	defer first.Close()
	second, _ := lifesign.Open(lifesign.Config{Name: "agent", Version: "1.1"})
	defer second.Close()

	claim, err := first.Claim(directory, "node")
	if err != nil {
		log.Fatal(err)
	}
	_, err = second.Claim(directory, "node")
	var refusal *lifesign.Error
	if errors.As(err, &refusal) && refusal.Code == lifesign.ErrHeld {
		fmt.Println("held by", refusal.Holder.Name, refusal.Holder.Version)
	}
	first.Tick(time.Now(), 0) // takes in who was refused
	rivals, _ := claim.Rivals()
	for _, rival := range rivals {
		fmt.Println("wanted by", rival.Record.Name, rival.Record.Version)
	}

	claim.Release()
	again, err := second.Claim(directory, "node")
	fmt.Println(err == nil)
	again.Release()
	// Output:
	// held by agent 1.0
	// wanted by agent 1.1
	// true
}

// A refusal that is logged is a group with both sides. So are states, events and
// trouble.
func ExampleError_LogValue() {
	engine, err := lifesign.Open(lifesign.Config{Name: "example", Version: "1.0"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	token, _ := check.Acquire("http probe")
	defer token.Close()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutWhatVaries}))
	if _, err := check.Acquire("another probe"); err != nil {
		logger.Warn("not started", "error", err)
	}
	// Output:
	// level=WARN msg="not started" error.code=HELD error.caller.label="another probe" error.holder.label="http probe" error.generation=2
}

// withoutWhatVaries leaves out what is another in each run, and what would make
// the line long.
func withoutWhatVaries(_ []string, attr slog.Attr) slog.Attr {
	switch attr.Key {
	case "level", "msg", "code", "label", "generation":
		return attr
	default:
		return slog.Attr{}
	}
}

// What the checks showed before a restart is shown again until they are
// reported anew, and is no transition.
func ExampleReadExport() {
	directory, err := os.MkdirTemp("", "lifesign")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "state.json")

	before, _ := lifesign.Open(lifesign.Config{Name: "example"})
	check, _ := before.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	token, _ := check.Acquire("http probe")
	token.Update(lifesign.Warning, "slow")
	before.Export(path)
	before.Close()

	after, _ := lifesign.Open(lifesign.Config{Name: "example"})
	defer after.Close()
	spec := lifesign.CheckSpec{ID: "web:http"}
	if export, err := lifesign.ReadExport(path); err == nil {
		if known, ok := export[spec.ID]; ok {
			spec.Restored = &known.State
		}
	}
	check, _ = after.RegisterCheck(spec)
	snapshot, _ := check.Snapshot()
	fmt.Println(snapshot.Status, snapshot.Output, snapshot.Restored, snapshot.Transitions)
	// Output:
	// warning slow true 0
}
