package lifesign_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// No test leaves a goroutine behind: those that are there when all have run,
// after a while to end in, fail the run.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftBehind(leavingTime()); len(left) > 0 {
		fmt.Printf("FAIL: %d goroutines left behind:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = max(code, 1)
	}
	os.Exit(code)
}

// planted is the environment variable with the fault that a test wants of a
// second run of this program, to see that it is found.
const planted = "LIFESIGN_PLANTED"

func leavingTime() time.Duration {
	if os.Getenv(planted) != "" {
		return 100 * time.Millisecond
	}
	return patience
}

// leftBehind are the stacks of the goroutines that have not ended within a time,
// the caller's own left out.
func leftBehind(within time.Duration) []string {
	for deadline := time.Now().Add(within); ; time.Sleep(time.Millisecond) {
		left := goroutines()[1:]
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

// goroutines are the stacks of all, the caller's first. Those of the runtime
// itself are not among them.
func goroutines() []string {
	stacks := make([]byte, 8<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var all []string
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		// What the runtime cleans up with shows while it runs a cleanup.
		if !strings.Contains(stack, "created by runtime.") {
			all = append(all, stack)
		}
	}
	return all
}

// again runs one test of this program in a process of its own, with the fault
// planted, if there is one, and returns what it printed.
func again(t *testing.T, test, fault string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$", "-test.v")
	command.Env = append(os.Environ(), planted+"="+fault, "GOMAXPROCS=2")
	output, err := command.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(output), err
}

func TestPlantedLeak(t *testing.T) {
	switch os.Getenv(planted) {
	case "leak":
		go neverEnds()
		return
	case "nothing":
		return
	}
	output, err := again(t, t.Name(), "leak")
	if err == nil || !strings.Contains(output, "neverEnds") || !strings.Contains(output, "--- PASS") {
		t.Errorf("the leak was not found: %v\n%s", err, output)
	}
	if output, err := again(t, t.Name(), "nothing"); err != nil || !strings.Contains(output, "--- PASS") {
		t.Errorf("a leak was found where none is: %v\n%s", err, output)
	}
}

func neverEnds() { select {} }
