package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"log"

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
