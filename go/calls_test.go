package lifesign_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"iter"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// handles are one of each thing that can be closed or belongs to one that can,
// on an engine that others may use too.
type handles struct {
	name           string // what their ids begin with
	directory      string
	engine         *lifesign.Engine
	service, empty *lifesign.Service
	held, free     *lifesign.Check
	old, token     *lifesign.Token // of held; the old one is fenced and open
	subscription   *lifesign.Subscription
	claim          *lifesign.Claim
}

func newHandles(t *testing.T, engine *lifesign.Engine, name, directory string) *handles {
	t.Helper()
	h := &handles{name: name, directory: directory, engine: engine}
	h.service, h.empty = service(t, engine, name), service(t, engine, name+" empty")
	h.held, h.free = register(t, engine, name+":held", h.service), register(t, engine, name+":free", h.service)
	h.old = must(h.held.Acquire("old"))(t)
	h.token = must(h.held.TakeOver(h.old.Generation(), "new"))(t)
	h.subscription = must(engine.Subscribe(lifesign.Filter{Prefix: name}))(t)
	h.claim = must(engine.Claim(directory, name))(t)
	return h
}

// call is one exported function or method with a handle in it.
type call struct {
	name  string
	waits bool // for a context's end or for a close
	// make makes it, and returns its error and the status it tells, if it does.
	make func() (*lifesign.Status, error)
}

// calls are all methods of a thing, found by reflection, so that none that is
// new is forgotten.
func (h *handles) calls(t *testing.T, ctx context.Context, of any) []call {
	var all []call
	kind := reflect.TypeOf(of)
	for i := range kind.NumMethod() {
		method := kind.Method(i)
		name := kind.Elem().Name() + "." + method.Name
		arguments, waits := []reflect.Value{reflect.ValueOf(of)}, false
		switch name {
		case "Check.TakeOver", "Check.Who", "Check.Writers":
			arguments[0] = reflect.ValueOf(h.held)
		case "Service.Deregister":
			arguments[0] = reflect.ValueOf(h.empty)
		}
		texts := h.texts(name)
		for in := 1; in < method.Type.NumIn(); in++ {
			if method.Type.IsVariadic() && in == method.Type.NumIn()-1 {
				break
			}
			if method.Type.In(in) == reflect.TypeFor[context.Context]() {
				arguments, waits = append(arguments, reflect.ValueOf(ctx)), true
				continue
			}
			arguments = append(arguments, h.argument(t, name, method.Type.In(in), &texts))
		}
		all = append(all, call{name, waits, func() (*lifesign.Status, error) {
			defer runtime.KeepAlive(h) // what is forgotten is closed
			return outcome(method.Func.Call(arguments))
		}})
	}
	return all
}

// texts are the arguments of a method that are strings.
func (h *handles) texts(method string) []string {
	switch method {
	case "Engine.Service":
		return []string{h.name}
	case "Engine.Check":
		return []string{h.name + ":held"}
	case "Engine.Claim":
		return []string{h.directory, h.name + " again"}
	case "Engine.Export":
		return []string{filepath.Join(h.directory, h.name+".json")}
	default:
		return []string{"a text"}
	}
}

// argument is one that a method accepts as long as nothing is closed.
func (h *handles) argument(t *testing.T, method string, in reflect.Type, texts *[]string) reflect.Value {
	t.Helper()
	if in.Kind() == reflect.String {
		text := (*texts)[0]
		*texts = (*texts)[1:]
		return reflect.ValueOf(text)
	}
	for _, argument := range []any{
		lifesign.ServiceSpec{ID: h.name}, lifesign.CheckSpec{ID: h.name + ":free", Service: h.service}, lifesign.Filter{Check: h.free},
		lifesign.Passing, lifesign.WriterRecord{Machine: "a peer"}, h.old, h.token.Generation(), uint32(1), time.Now(), time.Hour,
	} {
		if reflect.TypeOf(argument) == in {
			return reflect.ValueOf(argument)
		}
	}
	t.Fatalf("%s takes a %v: say here which it accepts", method, in)
	return reflect.Value{}
}

// outcome is what a call returned, what can be closed of it being closed.
func outcome(results []reflect.Value) (status *lifesign.Status, err error) {
	for _, result := range results {
		switch result := result.Interface().(type) {
		case error:
			err = result
		case lifesign.Status:
			status = &result
		case iter.Seq2[lifesign.Event, error]:
			for _, each := range result {
				err = each
			}
		case interface{ Release() error }:
			if !reflect.ValueOf(result).IsNil() {
				result.Release()
			}
		case io.Closer:
			if !reflect.ValueOf(result).IsNil() {
				result.Close()
			}
		}
	}
	return status, err
}

// functions are those of the package that work on handles.
func (h *handles) functions() []call {
	return []call{
		{"UpdateBatch", false, func() (*lifesign.Status, error) {
			return nil, lifesign.UpdateBatch([]lifesign.Write{{Token: h.token, Status: lifesign.Passing}})
		}},
		{"SnapshotBuffer.Read", false, func() (*lifesign.Status, error) {
			var buffer lifesign.SnapshotBuffer
			snapshots, err := buffer.Read(h.held, h.free)
			if err != nil {
				return nil, err
			}
			return &snapshots[1].Status, nil
		}},
	}
}

// closers are the methods that close what they are called on.
var closers = []string{"Engine.Close", "Token.Close", "Subscription.Close", "Claim.Release"}

// silent are the methods that neither fail nor tell a status.
var silent = []string{"Service.Handle", "Check.Handle", "Token.Generation", "Subscription.Cursor"}

// ending is how a thing is closed, and all calls that this ends.
type ending struct {
	end   func() error
	calls []call
}

// endable are the things that can be closed.
var endable = []string{"Engine", "Token", "Subscription", "Claim"}

func (h *handles) ending(t *testing.T, ctx context.Context, what string) ending {
	t.Helper()
	switch what {
	case "Engine":
		return ending{h.engine.Close, slices.Concat(h.functions(), h.calls(t, ctx, h.engine), h.calls(t, ctx, h.service), h.calls(t, ctx, h.free),
			h.calls(t, ctx, h.token), h.calls(t, ctx, h.subscription), h.calls(t, ctx, h.claim))}
	case "Token":
		return ending{h.token.Close, append(h.functions()[:1], h.calls(t, ctx, h.token)...)}
	case "Subscription":
		return ending{h.subscription.Close, h.calls(t, ctx, h.subscription)}
	default:
		return ending{h.claim.Release, h.calls(t, ctx, h.claim)}
	}
}

// No function and no type with a handle is left out of the tables here.
func TestEveryCallIsKnown(t *testing.T) {
	h := newHandles(t, open(t, lifesign.Config{}), "web", t.TempDir())
	known := map[string]bool{}
	for _, each := range h.ending(t, patient(t), "Engine").calls {
		kind, _, _ := strings.Cut(each.name, ".")
		known[kind] = true
	}
	// These work on no handle.
	for _, each := range []string{"Open", "ReadExport", "ParseStatus", "Version", "ABIVersion", "WithLease", "WithWriter"} {
		known[each] = true
	}
	for _, each := range declared(t) {
		if !known[each] {
			t.Errorf("%s is in no table: is it raced against a close?", each)
		}
	}
}

// declared are the exported functions of the package, and its types with a handle.
func declared(t *testing.T) (names []string) {
	t.Helper()
	files := must(filepath.Glob("*.go"))(t)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed := must(parser.ParseFile(token.NewFileSet(), file, nil, 0))(t)
		for _, declaration := range parsed.Decls {
			switch declaration := declaration.(type) {
			case *ast.FuncDecl:
				if declaration.Recv == nil && declaration.Name.IsExported() {
					names = append(names, declaration.Name.Name)
				}
			case *ast.GenDecl:
				for _, each := range declaration.Specs {
					if kind, ok := each.(*ast.TypeSpec); ok && kind.Name.IsExported() && strings.Contains(fmt.Sprint(fields(kind)), "handle") {
						names = append(names, kind.Name.Name)
					}
				}
			}
		}
	}
	return names
}

func fields(kind *ast.TypeSpec) (names []string) {
	if structure, ok := kind.Type.(*ast.StructType); ok {
		for _, field := range structure.Fields.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}
