package lifesign_test

import (
	"errors"
	"fmt"
	"log"
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

// One writer at a time: who comes second is told who was first.
func ExampleCheck_Acquire() {
	engine, err := lifesign.Open(lifesign.Config{Name: "example", Version: "1.0"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	check, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := check.Acquire("http probe")
	if err != nil {
		log.Fatal(err)
	}
	defer token.Close()

	_, err = check.Acquire("another probe")
	var refusal *lifesign.Error
	if errors.As(err, &refusal) && refusal.Code == lifesign.ErrHeld {
		fmt.Println("held by", refusal.Holder.Label, "of", refusal.Holder.Name, refusal.Holder.Version)
	}
	// Output:
	// held by http probe of example 1.0
}

// What is new is a commit, and a transition if the status is; the same again is
// a heartbeat.
func ExampleToken_Update() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "disk"})
	token, _ := check.Acquire("disk probe")
	defer token.Close()
	for _, free := range []string{"40 % free", "8 % free", "8 % free", "6 % free"} {
		status := lifesign.Passing
		if len(free) < len("10 % free") {
			status = lifesign.Warning
		}
		if err := token.Update(status, free); err != nil {
			log.Fatal(err) // taken over, or expired: this writer is done
		}
		snapshot, _ := check.Snapshot()
		fmt.Println(snapshot.Status, snapshot.Output, "version", snapshot.Version, "transitions", snapshot.Transitions)
	}
	// Output:
	// passing 40 % free version 3 transitions 1
	// warning 8 % free version 4 transitions 2
	// warning 8 % free version 4 transitions 2
	// warning 6 % free version 5 transitions 2
}

// An alias needs no runner: it is critical while its target is missing, and
// follows it from the registration on.
func ExampleCheckSpec_alias() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	alias, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "sidecar:web", AliasOf: "web"})
	fmt.Println(alias.Status())

	web, _ := engine.RegisterService(lifesign.ServiceSpec{ID: "web"})
	fmt.Println(alias.Status())
	http, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Service: web})
	token, _ := http.Acquire("http probe")
	defer token.Close()
	token.Update(lifesign.Warning, "slow")
	snapshot, _ := alias.Snapshot()
	fmt.Println(snapshot.Status, "-", snapshot.Output)

	_, err = alias.Acquire("somebody")
	fmt.Println(errors.Is(err, lifesign.ErrDerived))
	// Output:
	// critical
	// passing
	// warning - Check "web:http" is warning: slow
	// true
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

// Several writes in one call. One that is refused keeps no other from being
// made.
func ExampleUpdateBatch() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	var writes []lifesign.Write
	for _, id := range []string{"cpu", "disk", "memory"} {
		check, _ := engine.RegisterCheck(lifesign.CheckSpec{ID: id})
		token, _ := check.Acquire("host probe")
		defer token.Close()
		writes = append(writes, lifesign.Write{Token: token, Status: lifesign.Passing, Output: "fine"})
	}
	disk, _ := engine.Check("disk")
	successor, _ := disk.TakeOver(writes[1].Token.Generation(), "disk probe")
	defer successor.Close()

	err = lifesign.UpdateBatch(writes)
	fmt.Println(errors.Is(err, lifesign.ErrFenced))
	for _, write := range writes {
		fmt.Println(write.Err == nil, write.Revision > 0)
	}
	// Output:
	// true
	// true true
	// false false
	// true true
}

// Many checks by one call, into memory that is used again.
func ExampleSnapshotBuffer() {
	engine, err := lifesign.Open(lifesign.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	for _, id := range []string{"cpu", "disk", "memory"} {
		engine.RegisterCheck(lifesign.CheckSpec{ID: id, Initial: lifesign.Passing})
	}
	checks, _ := engine.Checks()
	var buffer lifesign.SnapshotBuffer
	snapshots, err := buffer.Read(checks...)
	if err != nil {
		log.Fatal(err)
	}
	for _, snapshot := range snapshots { // good until the next Read
		fmt.Println(snapshot.ID, snapshot.Status)
	}
	// Unordered output:
	// cpu passing
	// disk passing
	// memory passing
}
