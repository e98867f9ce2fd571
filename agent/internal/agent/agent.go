// Package agent keeps the definitions and runs the checks. Their state is in
// the engine and nowhere else: the agent holds definitions, tokens and the
// loops that use them.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// auditEvery is how often the engine is asked to look for wrong summaries.
const auditEvery = 60 * time.Second

// Options say how to run an agent.
type Options struct {
	Directory      string // of the definitions
	DataDirectory  string // where the state is kept over a restart; empty: nowhere
	ClaimDirectory string // where the node's name is claimed; empty: nowhere
	Node           string // this node's name
	Version        string // of this program, for the writer records
	Build          string
	History        uint32       // entries of each check's history, as in lifesign.Config
	Log            *slog.Logger // has errors as texts, which an index of a log wants alike in each line
	Changed        func()       // called after the state has changed; may be nil
}

// Agent runs the checks of one node.
type Agent struct {
	options Options
	log     *slog.Logger
	engine  *lifesign.Engine
	process lifesign.UUID // this one's in its writer records
	changes *changes
	unsaved mark            // the state in the data directory is not the latest
	claim   *lifesign.Claim // nil if the node's name is not claimed

	ctx     context.Context // ends every loop
	cancel  context.CancelFunc
	running sync.WaitGroup

	// mu orders changes of the definitions. Nothing that waits, a probe, a
	// target, a disk, is done under it.
	mu       sync.RWMutex
	closed   bool
	keeping  bool // the definitions were read, so what is registered is the whole state
	services map[string]*service
	checks   map[string]*check
	restored map[string]lifesign.Exported // from before a restart, not yet registered
}

// service is a service that the agent has registered.
type service struct {
	def     config.Service
	handle  *lifesign.Service
	remote  bool               // registered over HTTP, not by a file
	unwatch context.CancelFunc // nil while its summary is not watched
}

// check is a check that the agent has registered.
type check struct {
	def    config.Check
	handle *lifesign.Check
	runner *runner // nil for an alias: the engine writes it
	runs   int     // loops started so far in this life of the id
	remote bool
}

// New opens an engine, claims the node's name and starts an agent with no
// definitions; Reload reads them.
func New(options Options) (*Agent, error) {
	if options.Changed == nil {
		options.Changed = func() {}
	}
	engine, err := lifesign.Open(lifesign.Config{Name: "lifesign-agent", Version: options.Version, Build: options.Build,
		History: options.History})
	if err != nil {
		return nil, fmt.Errorf("opening the engine: %w", err)
	}
	// The engine's own record is the first.
	own, err := engine.Record(1)
	if err != nil {
		engine.Close()
		return nil, fmt.Errorf("the engine's own record: %w", err)
	}
	a := &Agent{
		options:  options,
		log:      options.Log,
		engine:   engine,
		process:  own.Process,
		changes:  newChanges(),
		unsaved:  newMark(),
		services: map[string]*service{},
		checks:   map[string]*check{},
	}
	// The state belongs to whoever has the name.
	if err := a.claimNode(); err != nil {
		engine.Close()
		return nil, err
	}
	if err := a.readState(); err != nil {
		engine.Close()
		return nil, err
	}
	everything, err := engine.Subscribe(lifesign.Filter{})
	if err != nil {
		engine.Close()
		return nil, fmt.Errorf("subscribing to the engine: %w", err)
	}
	trouble, err := engine.Subscribe(lifesign.Filter{Trouble: true})
	if err != nil {
		engine.Close()
		return nil, fmt.Errorf("subscribing to the engine: %w", err)
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.run(func() { a.watchChecks(everything) })
	a.run(func() { a.watchTrouble(trouble) })
	a.run(a.tick)
	a.run(a.audit)
	return a, nil
}

// run runs a loop that Close waits for.
func (a *Agent) run(loop func()) {
	a.running.Add(1)
	go func() {
		defer a.running.Done()
		loop()
	}()
}

// Node is the name of this node.
func (a *Agent) Node() string { return a.options.Node }

// Close ends every loop, waits until each has closed its token, keeps the state
// and closes the engine. It is for one caller.
func (a *Agent) Close() error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.running.Wait()
	var unsaved error
	if a.keeping {
		unsaved = a.saveState()
	}
	return errors.Join(unsaved, a.engine.Close())
}

// tick tells the engine the time, in which leases end and claims beat.
func (a *Agent) tick() {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	watch := claimWatch{agent: a, rivals: map[rivalKey]time.Time{}}
	for {
		select {
		case <-a.ctx.Done():
			return
		case now := <-ticker.C:
			if err := a.engine.Tick(now, 0); err != nil {
				a.log.Error("tick failed", "error", err.Error())
			}
			watch.look()
		}
	}
}

// audit asks the engine once in a while whether every summary is right.
func (a *Agent) audit() {
	ticker := time.NewTicker(auditEvery)
	defer ticker.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-ticker.C:
		}
		switch repaired, err := a.engine.Audit(); {
		case err != nil:
			a.log.Error("audit failed", "error", err.Error())
		case repaired != 0:
			a.log.Error("audit repaired summaries: this is a bug of the engine, please report it", "repaired", repaired)
		}
	}
}

// The classes of refusals, beside those of the engine.
var (
	ErrUnknown  = errors.New("unknown id")
	ErrConflict = errors.New("conflict")
	ErrMisused  = errors.New("not possible for this check")
	ErrClosed   = errors.New("the agent is shutting down")
)

// refusal is an error of one of the classes above with a sentence of its own.
type refusal struct {
	class error
	text  string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.class }

func refuse(class error, format string, args ...any) error {
	return &refusal{class, fmt.Sprintf(format, args...)}
}

// origin says where a definition came from, for messages.
func origin(place config.Place, remote bool) string {
	if remote {
		return "HTTP"
	}
	return place.String()
}
