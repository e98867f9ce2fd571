package lifesign_test

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// What a handle and a buffer keep must never be older than what somebody sees
// who asks the engine for the first time.
func TestKeptSnapshotsAreTheNewest(t *testing.T) {
	c := manual(t, lifesign.Config{})
	web := service(t, c.engine, "web")
	spec := lifesign.CheckSpec{ID: "web:http", Name: "HTTP", Service: web, Data: []byte("GET /")}
	http := must(c.engine.RegisterCheck(spec))(t)
	alias := must(c.engine.RegisterCheck(lifesign.CheckSpec{ID: "alias", AliasOf: "web"}))(t)
	var buffer lifesign.SnapshotBuffer
	same := func(after string) lifesign.Snapshot {
		t.Helper()
		want := must(must(c.engine.Check("web:http"))(t).Snapshot())(t)
		for range 3 {
			if got := must(http.Snapshot())(t); !reflect.DeepEqual(got, want) {
				t.Errorf("after %s the handle shows %+v, want %+v", after, got, want)
			}
			if got := must(buffer.Read(http))(t); !reflect.DeepEqual(got[0], want) {
				t.Errorf("after %s the buffer shows %+v, want %+v", after, got[0], want)
			}
			shown := must(alias.Snapshot())(t)
			if first := must(must(c.engine.Check("alias"))(t).Snapshot())(t); !reflect.DeepEqual(shown, first) {
				t.Errorf("after %s the alias shows %+v, want %+v", after, shown, first)
			}
		}
		return want
	}

	versions := []uint64{same("the registration").Version}
	token := must(http.Acquire("probe", lifesign.WithLease(10*time.Second, lifesign.LapseWarning)))(t)
	var newer *lifesign.Token
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"the acquisition", func() error { return nil }},
		{"a report", func() error { return token.Update(lifesign.Passing, "fine") }},
		{"another output", func() error { return token.Update(lifesign.Passing, "finer") }},
		{"a redefinition", func() error { spec.Name, spec.Data = "HTTPS", []byte("GET /s"); return http.Redefine(spec) }},
		{"a take-over", func() (err error) {
			newer, err = http.TakeOver(token.Generation(), "another", lifesign.WithLease(10*time.Second, lifesign.LapseWarning))
			return err
		}},
		{"a lapse", func() error { c.pass(20 * time.Second); return nil }},
		{"a return", func() (err error) { check(t, newer.Close()); newer, err = http.Acquire("again"); return err }},
		{"a close", func() error { return newer.Close() }},
	} {
		check(t, step.do())
		versions = append(versions, same(step.what).Version)
	}
	for i := range versions[1:] {
		if versions[i+1] <= versions[i] {
			t.Errorf("step %d was no commit: %v", i, versions)
		}
	}

	check(t, http.Deregister())
	_, err := http.Snapshot()
	refused(t, err, lifesign.ErrGone)
	if gone := must(buffer.Read(http))(t); gone[0].Status != lifesign.Gone || gone[0].ID != "" {
		t.Errorf("after the end there is %+v", gone[0])
	}
	again := must(c.engine.RegisterCheck(spec))(t)
	must(again.Snapshot())(t)
	must(again.Snapshot())(t)
	check(t, c.engine.Close())
	for _, closed := range []*lifesign.Check{http, again} {
		_, err := closed.Snapshot()
		refused(t, err, lifesign.ErrClosed)
	}
}

// What a caller does to what it was given is not seen by the next.
func TestKeptSnapshotsAreNobodysElse(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := must(engine.RegisterCheck(lifesign.CheckSpec{ID: "http", Data: []byte("GET /")}))(t)
	quiet := register(t, engine, "quiet", nil)
	for range 4 {
		snapshot := must(http.Snapshot())(t)
		if string(snapshot.Data) != "GET /" {
			t.Fatalf("the data is %q", snapshot.Data)
		}
		snapshot.Data[0] = 'X'
	}
	var buffer lifesign.SnapshotBuffer
	for range 4 {
		snapshots := must(buffer.Read(http, quiet))(t)
		if snapshots[0].ID != "http" || snapshots[1].ID != "quiet" || snapshots[1].Version != 1 {
			t.Fatalf("%+v", snapshots)
		}
		snapshots[0], snapshots[1] = snapshots[1], lifesign.Snapshot{}
	}
	if _, err := buffer.Read(http, nil); err == nil {
		t.Error("nil was read")
	}
	if snapshots := must(buffer.Read(http))(t); len(snapshots) != 1 || snapshots[0].ID != "http" {
		t.Errorf("after a refusal: %+v", snapshots)
	}
}

// Through one handle, beside its writer: whole, never back, and never behind a
// write that has returned.
func TestKeptSnapshotsBesideAWriter(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "http", nil)
	token := must(http.Acquire("probe"))(t)
	outputs := map[lifesign.Status]string{lifesign.Passing: "200 OK", lifesign.Critical: "no answer"}
	check(t, token.Update(lifesign.Passing, outputs[lifesign.Passing]))

	var reading sync.WaitGroup
	stop := make(chan struct{})
	for reader := range 2 {
		reading.Add(1)
		go func() {
			defer reading.Done()
			var buffer lifesign.SnapshotBuffer
			for last := uint64(0); ; {
				select {
				case <-stop:
					return
				default:
				}
				one, err := http.Snapshot()
				two, failed := buffer.Read(http)
				if err != nil || failed != nil {
					t.Errorf("reader %d: %v, %v", reader, err, failed)
					return
				}
				for _, shown := range []*lifesign.Snapshot{&one, &two[0]} {
					if shown.Version < last || shown.Output != outputs[shown.Status] {
						t.Errorf("reader %d: after version %d it is %+v", reader, last, shown)
						return
					}
					last = shown.Version
				}
			}
		}()
	}
	var buffer lifesign.SnapshotBuffer
	status := lifesign.Passing
	for last := must(http.Snapshot())(t).Version; last < 20_000 && !t.Failed(); last++ {
		status = lifesign.Passing + lifesign.Critical - status
		check(t, token.Update(status, outputs[status]))
		one, two := must(http.Snapshot())(t), must(buffer.Read(http))(t)
		if one.Version != last+1 || one.Status != status || !reflect.DeepEqual(two[0], one) {
			t.Errorf("after the write of version %d: %+v, %+v", last+1, one, two[0])
		}
	}
	close(stop)
	reading.Wait()
}
