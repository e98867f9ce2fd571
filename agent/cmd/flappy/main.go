// Command flappy is a small web service for trying out health checks: healthy
// for a while, failing for a while, over and over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	name := flag.String("name", "flappy", "name in the answers")
	address := flag.String("addr", "127.0.0.1:0", "address to listen on")
	healthy := flag.Duration("healthy-for", 5*time.Second, "how long it is healthy")
	failing := flag.Duration("failing-for", 5*time.Second, "how long it fails afterwards; 0: never")
	flag.Parse()
	if flag.NArg() > 0 || *healthy < 0 || *failing < 0 || *healthy+*failing <= 0 {
		fmt.Fprintln(os.Stderr, "flappy: durations must not be negative, nor both 0, and there are no further arguments")
		os.Exit(2)
	}
	if err := run(*name, *address, *healthy, *failing); err != nil {
		fmt.Fprintln(os.Stderr, "flappy:", err)
		os.Exit(1)
	}
}

func run(name, address string, healthy, failing time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	started := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		code, text := http.StatusOK, "is fine"
		if time.Since(started)%(healthy+failing) >= healthy {
			code, text = http.StatusServiceUnavailable, "has lost its database"
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		fmt.Fprintln(w, name, text)
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
