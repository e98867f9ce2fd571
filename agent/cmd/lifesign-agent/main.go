// Command lifesign-agent runs the health checks defined in a directory, keeps
// their state in a Lifesign engine and serves it on the loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"lifesign.dev/agent/internal/agent"
	"lifesign.dev/agent/internal/board"
	"lifesign.dev/agent/internal/httpapi"
	"lifesign.dev/lifesign"
)

// What was built; a release sets both: -ldflags "-X main.version=… -X
// main.revision=…".
var (
	version  = "0.1.0"
	revision string // if empty, what the go command has noted
)

const (
	exitFailure = 1
	exitUsage   = 2
	exitHeld    = 3 // another agent has this node's name
)

// maxHistory bounds the entries of each check's history.
const maxHistory = 10_000

// drain is how long requests in flight are waited for at the end.
const drain = 5 * time.Second

func main() {
	o, code := parse(os.Args[1:])
	if o == nil {
		os.Exit(code)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "lifesign-agent:", agent.Sentence(err))
		if errors.Is(err, lifesign.ErrHeld) {
			os.Exit(exitHeld)
		}
		os.Exit(exitFailure)
	}
}

type options struct {
	directory string
	data      string
	history   uint
	claims    string
	http      string
	node      string
	logJSON   bool
	logLevel  slog.Level
	board     bool
	scripts   bool
}

// parse reads the command line. It returns nil and an exit code when there is
// nothing to run.
func parse(args []string) (*options, int) {
	var o options
	flags := flag.NewFlagSet("lifesign-agent", flag.ContinueOnError)
	flags.StringVar(&o.directory, "config-dir", "", "directory of service and check definitions, *.json and *.hcl (required)")
	flags.StringVar(&o.data, "data-dir", "", "directory that keeps the state over a restart (default: it is not kept)")
	flags.UintVar(&o.history, "history", 16, "entries kept of each check's history; 0 keeps none")
	flags.StringVar(&o.claims, "claim-dir", "", "directory in which the node's name is claimed, so that a second agent for it is refused")
	flags.StringVar(&o.http, "http", "127.0.0.1:8500", "address of the HTTP API: host:port on the loopback, or unix:///path")
	flags.BoolVar(&o.scripts, "http-script-checks", false, "let script checks be registered over HTTP")
	flags.StringVar(&o.node, "node", "", "name of this node (default: the host name)")
	format := flags.String("log-format", "text", "text or json")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	show := flags.String("board", "auto", "live board: auto (on a terminal), on or off")
	showVersion := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, 0
	} else if err != nil {
		return nil, exitUsage
	}
	usage := func(format string, args ...any) (*options, int) {
		fmt.Fprintf(os.Stderr, "lifesign-agent: "+format+"\n", args...)
		return nil, exitUsage
	}
	if *showVersion {
		fmt.Printf("lifesign-agent %s (build %s), library %s, ABI %d\n", version, build(), lifesign.Version(), lifesign.ABIVersion())
		return nil, 0
	}
	if flags.NArg() > 0 {
		return usage("unexpected argument %q", flags.Arg(0))
	}
	if o.directory == "" {
		return usage("-config-dir is missing: name the directory of definitions")
	}
	if info, err := os.Stat(o.directory); err != nil {
		return usage("-config-dir: %v", err)
	} else if !info.IsDir() {
		return usage("-config-dir: %s is not a directory", o.directory)
	}
	if o.history > maxHistory {
		return usage("-history takes at most %d, not %d", maxHistory, o.history)
	}
	switch *format {
	case "text", "json":
		o.logJSON = *format == "json"
	default:
		return usage("-log-format takes text or json, not %q", *format)
	}
	switch *show {
	case "auto":
		o.board = term.IsTerminal(int(os.Stdout.Fd()))
	case "on", "off":
		o.board = *show == "on"
	default:
		return usage("-board takes auto, on or off, not %q", *show)
	}
	if o.node == "" {
		name, err := os.Hostname()
		if err != nil {
			return usage("-node: the host has no name: %v", err)
		}
		o.node = name
	}
	return &o, 0
}

// build is the revision that the program was built from.
func build() string {
	if revision != "" {
		return revision
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func run(o *options) (err error) {
	// From here on no signal kills the agent, however early it comes.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var a *agent.Agent
	var listener net.Listener
	footer := board.NewLog()
	table := board.New(board.Options{
		Output: os.Stdout,
		Title: func() string {
			return fmt.Sprintf("lifesign-agent %s  node %s  API %s  definitions %s", version, o.node, listener.Addr(), o.directory)
		},
		Size: terminalSize,
		Rows: func() ([]board.Row, error) { return rows(a) },
		Log:  footer,
	})
	log := slog.New(handler(o, footer))
	// The HTTP client tells of what targets do amiss by the standard logger, and
	// any target could fill the terminal.
	stdlog.SetFlags(0)
	stdlog.SetOutput(slog.NewLogLogger(log.Handler(), slog.LevelDebug).Writer())
	history := uint32(o.history)
	if history == 0 {
		history = lifesign.HistoryOff
	}
	// The name comes first: an agent that is one too many says so, and not
	// that somebody else listens at its address.
	a, err = agent.New(agent.Options{Directory: o.directory, DataDirectory: o.data, ClaimDirectory: o.claims, Node: o.node,
		Version: version, Build: build(), History: history, Log: log, Changed: table.Changed})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, a.Close())
		log.Info("stopped")
	}()
	listener, err = httpapi.Listen(o.http)
	if err != nil {
		return err
	}
	defer listener.Close()
	if o.board {
		wait := drawInBackground(table, footer)
		defer func() { err = errors.Join(err, wait()) }()
	}
	if err := a.Reload(); err != nil {
		return err
	}
	return serve(ctx, a, listener, hangup, log, o)
}

// serve answers requests and reloads until ctx is done.
func serve(ctx context.Context, a *agent.Agent, listener net.Listener, hangup <-chan os.Signal, log *slog.Logger, o *options) error {
	server := httpapi.NewServer(a, httpapi.Options{Log: log, Scripts: o.scripts})
	broken := make(chan error, 1)
	go func() { broken <- server.Serve(listener) }()
	log.Info("serving", "network", listener.Addr().Network(), "address", listener.Addr().String(), "node", o.node, "pid", os.Getpid())
	for {
		select {
		case <-hangup:
			log.Info("reloading", "directory", o.directory)
			if err := a.Reload(); err != nil {
				log.Error("reload failed, everything stays as it was", "error", err.Error())
			}
		case err := <-broken:
			return fmt.Errorf("HTTP server: %w", err)
		case <-ctx.Done():
			log.Info("stopping")
			deadline, cancel := context.WithTimeout(context.Background(), drain)
			defer cancel()
			if err := server.Shutdown(deadline); err != nil {
				log.Warn("requests cut off", "error", err.Error())
			}
			if err := <-broken; !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("HTTP server: %w", err)
			}
			return nil
		}
	}
}

// handler is where the log goes: below the board, and to standard error too
// when that is not the same terminal; without a board, to standard output.
func handler(o *options, footer *board.Log) slog.Handler {
	var to io.Writer = os.Stdout
	if o.board {
		to = footer
		if !term.IsTerminal(int(os.Stderr.Fd())) {
			to = io.MultiWriter(footer, os.Stderr)
		}
	}
	level := &slog.HandlerOptions{Level: o.logLevel}
	if o.logJSON {
		return slog.NewJSONHandler(to, level)
	}
	return slog.NewTextHandler(to, level)
}
