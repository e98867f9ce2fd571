package probe

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"lifesign.dev/agent/internal/config"
	"lifesign.dev/lifesign"
)

// stopGrace bounds how long the output of a script that has ended, or was
// killed, is waited for: a process it left behind may hold the pipe open.
const stopGrace = time.Second

type scriptProber struct {
	check config.Check
}

// Probe runs the command: exit code 0 is passing, 1 is warning, anything else
// critical. When the time is up the whole process group is killed.
func (p *scriptProber) Probe(ctx context.Context) Result {
	ctx, cancel := context.WithTimeout(ctx, p.check.Timeout)
	defer cancel()
	output := &capture{limit: p.check.OutputMaxSize}
	command := exec.CommandContext(ctx, p.check.Args[0], p.check.Args[1:]...)
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = stopGrace

	result := func(status lifesign.Status, head string) Result {
		return Result{status, output.after(head, p.check.OutputMaxSize)}
	}
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return result(lifesign.Critical, fmt.Sprintf("%s: not done within %v, killed with its process group\n", p.check.Args[0], p.check.Timeout))
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return result(lifesign.Passing, "")
	case !errors.As(err, &exit):
		return result(lifesign.Critical, fmt.Sprintf("%s could not be run: %v\n", p.check.Args[0], err))
	case exit.ExitCode() == 1:
		return result(lifesign.Warning, "")
	case exit.ExitCode() < 0:
		return result(lifesign.Critical, fmt.Sprintf("%s: %v\n", p.check.Args[0], exit))
	default:
		return result(lifesign.Critical, "")
	}
}
