package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

func TestAfterClose(t *testing.T) {
	engine := must(lifesign.Open(lifesign.Config{}))(t)
	web := service(t, engine, "web")
	http := register(t, engine, "web:http", web)
	token := must(http.Acquire("probe"))(t)
	check(t, token.Update(lifesign.Passing, "fine"))
	subscription := must(engine.Subscribe(lifesign.Filter{}))(t)
	check(t, engine.Close())
	check(t, engine.Close())
	for call, err := range engineCalls(engine, web, http, token, subscription) {
		t.Run(call, func(t *testing.T) { refused(t, err(), lifesign.ErrClosed) })
	}
	if http.Status() != lifesign.Gone || web.Status() != lifesign.Gone || engine.NodeStatus() != lifesign.Gone {
		t.Errorf("check %v, service %v, node %v", http.Status(), web.Status(), engine.NodeStatus())
	}
}

// engineCalls are all calls that need an open engine, but for statuses.
func engineCalls(engine *lifesign.Engine, web *lifesign.Service, http *lifesign.Check, token *lifesign.Token, subscription *lifesign.Subscription) map[string]func() error {
	return map[string]func() error{
		"id":       func() error { _, err := engine.ID(); return err },
		"tick":     func() error { return engine.Tick(time.Now(), time.Hour) },
		"audit":    func() error { _, err := engine.Audit(); return err },
		"stats":    func() error { _, err := engine.Stats(); return err },
		"node":     func() error { _, err := engine.Node(); return err },
		"record":   func() error { _, err := engine.Record(1); return err },
		"services": func() error { _, err := engine.Services(); return err },
		"checks":   func() error { _, err := engine.Checks(); return err },
		"service":  func() error { _, err := engine.Service("web"); return err },
		"check":    func() error { _, err := engine.Check("web:http"); return err },
		"register service": func() error {
			_, err := engine.RegisterService(lifesign.ServiceSpec{ID: "web"})
			return err
		},
		"register check": func() error {
			_, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Service: web})
			return err
		},
		"subscribe": func() error {
			subscription, err := engine.Subscribe(lifesign.Filter{})
			if err == nil {
				err = subscription.Close()
			}
			return err
		},
		"service snapshot": func() error { _, err := web.Snapshot(); return err },
		"service redefine": func() error { return web.Redefine(lifesign.ServiceSpec{ID: "web"}) },
		"check snapshot":   func() error { _, err := http.Snapshot(); return err },
		"check redefine":   func() error { return http.Redefine(lifesign.CheckSpec{ID: "web:http", Service: web}) },
		"who":              func() error { _, err := http.Who(); return err },
		"writers":          func() error { _, err := http.Writers(); return err },
		"history":          func() error { _, err := http.History(); return err },
		"declare writer":   func() error { _, err := engine.DeclareWriter(lifesign.WriterRecord{Machine: "peer"}); return err },
		"batch":            func() error { return lifesign.UpdateBatch([]lifesign.Write{{Token: token, Status: lifesign.Passing}}) },
		"renew":            token.Renew,
		"update":           func() error { return token.Update(lifesign.Passing, "fine") },
		"token record":     func() error { _, err := token.Record(); return err },
		"poll":             func() error { _, err := subscription.Poll(); return err },
	}
}

// Every call, over and over, while the engine closes: each succeeds or is
// refused as closed, and every goroutine was at work before and after.
func TestCloseDuringCalls(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	for range 5 {
		engine := must(lifesign.Open(lifesign.Config{}))(t)
		web := service(t, engine, "web")
		http := register(t, engine, "web:http", web)
		token := must(http.Acquire("probe"))(t)
		subscription := must(engine.Subscribe(lifesign.Filter{}))(t)
		calls := engineCalls(engine, web, http, token, subscription)
		var group sync.WaitGroup
		var working atomic.Int32
		for call, f := range calls {
			group.Add(1)
			go func() {
				defer group.Done()
				for succeeded := false; ; succeeded = true {
					err := f()
					if errors.Is(err, lifesign.ErrClosed) {
						if !succeeded {
							t.Errorf("%s never succeeded", call)
						}
						return
					}
					if err != nil {
						t.Errorf("%s: %v", call, err)
						return
					}
					if !succeeded {
						working.Add(1)
					}
					http.Status()
				}
			}()
		}
		eventually(t, "all are at work", func() bool { return int(working.Load()) == len(calls) || t.Failed() })
		closed := make(chan error)
		for range 2 {
			go func() { closed <- engine.Close() }()
		}
		check(t, <-closed)
		check(t, <-closed)
		group.Wait()
	}
}

func TestTokenClose(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	token := must(http.Acquire("first"))(t)
	check(t, token.Update(lifesign.Warning, "kept"))
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				if err := token.Update(lifesign.Warning, "kept"); err != nil {
					if !errors.Is(err, lifesign.ErrClosed) {
						t.Errorf("got %v, want %v", err, lifesign.ErrClosed)
					}
					return
				}
			}
		}()
	}
	check(t, token.Close())
	group.Wait()
	check(t, token.Close())
	if snapshot := must(http.Snapshot())(t); snapshot.Status != lifesign.Warning || snapshot.Output != "kept" || snapshot.Holder != 0 {
		t.Errorf("%+v", snapshot)
	}
	successor := must(http.Acquire("second"))(t)
	check(t, token.Close())
	check(t, successor.Update(lifesign.Passing, "undisturbed"))
	refused(t, token.DeregisterCheck(), lifesign.ErrClosed)
}

// What is forgotten is closed in the end; what is used is not, however much
// garbage is collected.
func TestForgotten(t *testing.T) {
	engine := open(t, lifesign.Config{})
	http := register(t, engine, "web:http", nil)
	func() {
		must(http.Acquire("forgotten"))(t)
		must(engine.Subscribe(lifesign.Filter{}))(t)
	}()
	eventually(t, "token and subscription are closed", func() bool {
		runtime.GC()
		stats := must(engine.Stats())(t)
		return stats.Tokens == 0 && stats.Subscriptions == 0
	})
	check(t, must(http.Acquire("second"))(t).Update(lifesign.Passing, ""))

	// Only a check is left of this engine: it is used.
	check := func() *lifesign.Check {
		return register(t, must(lifesign.Open(lifesign.Config{}))(t), "alone", nil)
	}()
	for range 5 {
		runtime.GC()
	}
	time.Sleep(10 * time.Millisecond)
	if status := check.Status(); status != lifesign.Critical {
		t.Errorf("an engine was closed under its check: %v", status)
	}
}

// Everything at once while the collector runs all the time.
func TestGarbageCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	engine := open(t, lifesign.Config{})
	web := service(t, engine, "web")
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	var reads, events atomic.Int64
	for i := range 4 {
		id := fmt.Sprintf("web:%d", i)
		token := must(register(t, engine, id, web).Acquire(id))(t)
		subscription := subscribe(t, engine, lifesign.Filter{Prefix: id})
		group.Add(3)
		go func() {
			defer group.Done()
			for n := 0; ctx.Err() == nil; n++ {
				if err := token.Update(lifesign.Status(1+n%3), fmt.Sprintf("%s says %d", id, n)); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		go func() {
			defer group.Done()
			for event, err := range subscription.Events(ctx) {
				if err != nil {
					return
				}
				var n int
				if _, err := fmt.Sscanf(event.Output, id+" says %d", &n); !event.Initial && (err != nil || event.Status != lifesign.Status(1+n%3)) {
					t.Errorf("torn: %+v", event)
					return
				}
				events.Add(1)
			}
		}()
		go func() {
			defer group.Done()
			for ctx.Err() == nil {
				view, err := web.Snapshot()
				if err != nil {
					t.Error(err)
					return
				}
				worst := lifesign.Passing
				for _, check := range view.Checks {
					worst = max(worst, check.Status)
				}
				if view.Own != worst {
					t.Errorf("the worst is %v, the service %v", worst, view.Own)
					return
				}
				reads.Add(1)
			}
		}()
	}
	eventually(t, "enough was seen", func() bool { return reads.Load() > 500 && events.Load() > 500 || t.Failed() })
	cancel()
	group.Wait()
}
