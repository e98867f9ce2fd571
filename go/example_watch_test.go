package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"lifesign.dev/lifesign"
)

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

// A wait with a deadline. The context's error says that nothing came, and the
// cursor then is a bookmark.
func ExampleSubscription_Next() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	engine.RegisterCheck(lifesign.CheckSpec{ID: "disk", Initial: lifesign.Passing})
	subscription, err := engine.Subscribe(lifesign.Filter{Prefix: "disk"})
	if err != nil {
		log.Fatal(err)
	}
	defer subscription.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for {
		batch, err := subscription.Next(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("no change")
			return
		}
		if err != nil {
			log.Fatal(err) // ErrClosed: the engine or the subscription is
		}
		for _, event := range batch.Events {
			fmt.Println(event.ID, event.Status)
		}
	}
	// Output:
	// disk passing
	// no change
}

// A subscriber that comes back goes on where it was, if it has kept its cursor:
// in a file, or with the peer that it reports to.
func ExampleCursor() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	for _, id := range []string{"cpu", "disk"} {
		engine.RegisterCheck(lifesign.CheckSpec{ID: id, Initial: lifesign.Passing})
	}
	first, _ := engine.Subscribe(lifesign.Filter{})
	batch, _ := first.Poll()
	fmt.Println("at first", len(batch.Events), "events")
	kept, _ := first.Cursor().MarshalText()
	first.Close()

	disk, _ := engine.Check("disk")
	token, _ := disk.Acquire("disk probe")
	defer token.Close()
	token.Update(lifesign.Critical, "full")

	var since lifesign.Cursor
	if err := since.UnmarshalText(kept); err != nil {
		log.Fatal(err)
	}
	again, err := engine.Subscribe(lifesign.Filter{Since: since})
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	batch, _ = again.Poll()
	if batch.Resync {
		fmt.Println("forget what was known: the whole state follows")
	}
	for _, event := range batch.Events {
		fmt.Println("since then", event.ID, event.Status, event.Output)
	}
	// Output:
	// at first 2 events
	// since then disk critical full
}

// Who disturbs whom, as it happens.
func ExampleFilter_trouble() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	subscription, err := engine.Subscribe(lifesign.Filter{Trouble: true})
	if err != nil {
		log.Fatal(err)
	}
	defer subscription.Close()
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	token, _ := check.Acquire("http probe")
	defer token.Close()
	check.Acquire("a second probe, by mistake")

	batch, err := subscription.Next(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, event := range batch.Events {
		trouble := event.Trouble
		fmt.Println(trouble.Kind, trouble.Reason.String(), "at", trouble.ID)
		fmt.Println(trouble.Offender.Label, "/", trouble.Holder.Label)
	}
	// Output:
	// refusal HELD at web:http
	// a second probe, by mistake / http probe
}
