package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"lifesign.dev/lifesign"
)

// A service with a check, and a sidecar whose alias follows it.
func ExampleEngine() {
	engine, err := lifesign.Open(lifesign.Config{Name: "example", Version: "1.0"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	web, _ := engine.RegisterService(lifesign.ServiceSpec{ID: "web"})
	sidecar, _ := engine.RegisterService(lifesign.ServiceSpec{ID: "web-sidecar"})
	http, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Service: web})
	alias, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web-sidecar:alias", Service: sidecar, AliasOf: "web"})
	token, err := http.Acquire("http probe")
	if err != nil {
		log.Fatal(err) // another writer has it, and the error says who
	}
	defer token.Close()
	token.Update(lifesign.Passing, "200 OK")
	fmt.Println(http.Status(), alias.Status(), sidecar.Status())
	token.Update(lifesign.Critical, "connection refused")
	fmt.Println(http.Status(), alias.Status(), sidecar.Status())
	// Output:
	// passing passing passing
	// critical critical critical
}

// The state first, then each change, until the check is deregistered.
func ExampleSubscription_Events() {
	engine, err := lifesign.Open(lifesign.Config{Name: "example"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "disk", Initial: lifesign.Warning})
	subscription, err := engine.Subscribe(lifesign.Filter{})
	if err != nil {
		log.Fatal(err)
	}
	defer subscription.Close()

	for event, err := range subscription.Events(context.Background()) {
		if err != nil {
			log.Fatal(err) // the context's error, or ErrClosed
		}
		fmt.Println(event.Kind, event.ID, event.Status)
		if event.Kind == lifesign.Tombstone {
			break
		}
		check.Deregister()
	}
	// Output:
	// state disk warning
	// tombstone disk warning
}

// A reload starts a new probe and need not wait for the old one, wherever it
// is: whatever that still writes is refused.
func ExampleCheck_TakeOver() {
	engine, err := lifesign.Open(lifesign.Config{Name: "example"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	before, _ := check.Acquire("probe, before the reload")
	after, _ := check.TakeOver(before.Generation(), "probe, after the reload")
	after.Update(lifesign.Passing, "200 OK")

	err = before.Update(lifesign.Critical, "timeout")
	var refusal *lifesign.Error
	if errors.As(err, &refusal) {
		fmt.Println("refused, the holder is", refusal.Holder.Label)
	}
	fmt.Println(errors.Is(err, lifesign.ErrFenced), check.Status())
	// Output:
	// refused, the holder is probe, after the reload
	// true passing
}

// A writer that is not heard of in time loses its check, and is told so.
func ExampleWithLease() {
	engine, err := lifesign.Open(lifesign.Config{Name: "example", ManualClock: true})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	token, _ := check.Acquire("http probe", lifesign.WithLease(30*time.Second, lifesign.LapseCritical))
	token.Update(lifesign.Passing, "200 OK")
	for second := range 31 * time.Second / time.Second { // an agent ticks by a timer
		engine.Tick(time.Unix(0, 0), (second+1)*time.Second)
	}
	who, _ := check.Who()
	fmt.Println(check.Status(), who.Orphaned)
	fmt.Println(errors.Is(token.Update(lifesign.Passing, "200 OK"), lifesign.ErrExpired))
	// Output:
	// critical true
	// true
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
