package lifesign_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

func openBuild(t *testing.T, build string) *lifesign.Engine {
	t.Helper()
	return open(t, lifesign.Config{Name: "agent", Version: "1.0", Build: build})
}

func tick(t *testing.T, engine *lifesign.Engine) {
	t.Helper()
	check(t, engine.Tick(time.Now(), time.Hour))
}

func TestClaimIsExclusive(t *testing.T) {
	directory := t.TempDir()
	west, east := openBuild(t, "west"), openBuild(t, "east")
	before := time.Now().Add(-time.Second)
	claim := must(west.Claim(directory, "node"))(t)
	_, err := east.Claim(directory, "node")
	refusal := refused(t, err, lifesign.ErrHeld)
	if refusal.Caller == nil || refusal.Caller.Build != "east" || refusal.Holder == nil || refusal.Holder.Build != "west" ||
		refusal.Holder.PID != uint64(os.Getpid()) {
		t.Errorf("caller %v, holder %v", refusal.Caller, refusal.Holder)
	}
	mentions(t, refusal, `"node"`, directory, "east", "west", strconv.Itoa(os.Getpid()), "since 20")

	if rivals := must(claim.Rivals())(t); len(rivals) != 0 {
		t.Errorf("before a tick: %v", rivals)
	}
	tick(t, west)
	rivals := must(claim.Rivals())(t)
	if len(rivals) != 1 || rivals[0].Record.Build != "east" || rivals[0].Record.PID != uint64(os.Getpid()) || rivals[0].Count != 1 ||
		rivals[0].First.Before(before) || !rivals[0].First.Equal(rivals[0].Last) {
		t.Errorf("rivals: %+v", rivals)
	}
	state := must(claim.State())(t)
	if state.Advisory || !state.Held || state.Rivals != 1 || state.Beats != 1 || state.Trouble != nil || state.Since.Before(before) {
		t.Errorf("state: %+v", state)
	}

	check(t, claim.Release())
	check(t, claim.Release())
	_, err = claim.State()
	refused(t, err, lifesign.ErrClosed)
	_, err = claim.Rivals()
	refused(t, err, lifesign.ErrClosed)
	must(east.Claim(directory, "node"))(t)
}

func TestAdvisoryClaim(t *testing.T) {
	directory := t.TempDir()
	check(t, os.WriteFile(filepath.Join(directory, ".lifesign-advisory"), nil, 0o600))
	west, east := openBuild(t, "west"), openBuild(t, "east")
	first, second := must(west.Claim(directory, "node"))(t), must(east.Claim(directory, "node"))(t)
	tick(t, west)
	tick(t, east)
	for build, claim := range map[string]*lifesign.Claim{"west": second, "east": first} {
		rivals := must(claim.Rivals())(t)
		if len(rivals) != 1 || rivals[0].Record.Build != build || !must(claim.State())(t).Advisory {
			t.Errorf("the rival is %s: %+v", build, rivals)
		}
	}
}

func TestClaimThatCannotBe(t *testing.T) {
	directory := t.TempDir()
	engine := openBuild(t, "west")
	for _, c := range []struct {
		dir, name string
		code      lifesign.Code
		words     string
	}{
		{directory, "", lifesign.ErrInvalid, "empty"},
		{directory, "a/b", lifesign.ErrInvalid, `"a/b"`},
		{directory, ".a", lifesign.ErrInvalid, `".a"`},
		{directory, "a\xffb", lifesign.ErrInvalid, "not UTF-8"},
		{directory, strings.Repeat("n", 300), lifesign.ErrTooLarge, "300 bytes"},
		{"", "node", lifesign.ErrInvalid, "empty"},
		{filepath.Join(directory, "absent"), "node", lifesign.ErrInvalid, `absent": No such file`},
		{"a\x00b", "node", lifesign.ErrInvalid, "NUL"},
	} {
		_, err := engine.Claim(c.dir, c.name)
		mentions(t, refused(t, err, c.code), c.words)
	}
	if entries := must(os.ReadDir(directory))(t); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestTroubleOfAClaimFailsNoTick(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "claims")
	check(t, os.Mkdir(directory, 0o700))
	engine := openBuild(t, "west")
	claim := must(engine.Claim(directory, "node"))(t)
	check(t, os.RemoveAll(directory))
	tick(t, engine)
	state := must(claim.State())(t)
	if state.Held {
		t.Errorf("state: %+v", state)
	}
	mentions(t, refused(t, state.Trouble, lifesign.ErrInvalid), directory)
}

func TestForgottenClaimIsReleased(t *testing.T) {
	directory := t.TempDir()
	west, east := openBuild(t, "west"), openBuild(t, "east")
	must(west.Claim(directory, "node"))(t)
	eventually(t, "the name is free", func() bool {
		runtime.GC()
		_, err := east.Claim(directory, "node")
		return err == nil
	})
}

func TestClaimEndsWithItsEngine(t *testing.T) {
	directory := t.TempDir()
	west := must(lifesign.Open(lifesign.Config{}))(t)
	claim := must(west.Claim(directory, "node"))(t)
	check(t, west.Close())
	_, err := claim.State()
	refused(t, err, lifesign.ErrClosed)
	refused(t, claim.Release(), lifesign.ErrClosed)
	_, err = west.Claim(directory, "node")
	refused(t, err, lifesign.ErrClosed)
	must(openBuild(t, "east").Claim(directory, "node"))(t)
}
