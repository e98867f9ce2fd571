package agent

import (
	"testing"
	"time"

	"lifesign.dev/lifesign"
)

// A peer that takes a check away is told loudly, with both sides; a reload's own
// take-over is no news.
func TestTroubleIsLogged(t *testing.T) {
	define := func(ttl string) map[string]string {
		return map[string]string{"a.json": `{"check": {"id": "c", "ttl": "` + ttl + `"}}`}
	}
	f := start(t, define("1h"))
	f.write(define("2h"))
	f.reload()
	f.eventually("the reload's take-over is told", func() bool {
		return len(f.log.with("level=DEBUG", "msg=trouble", "kind=take-over", "check=c", `offender.label="probe ttl #2"`, `holder.label="probe ttl #1"`)) == 1
	})
	if loud := f.log.with("level=WARN", "msg=trouble"); len(loud) != 0 {
		t.Errorf("among the agent's own loops: %v", loud)
	}

	peer, err := f.engine.DeclareWriter(lifesign.WriterRecord{Machine: "elsewhere", PID: 77, Build: "older", Label: "their probe"})
	if err != nil {
		t.Fatal(err)
	}
	check, err := f.lookUp("c")
	if err != nil {
		t.Fatal(err)
	}
	who, err := f.Who("c")
	if err != nil {
		t.Fatal(err)
	}
	token, err := check.TakeOver(who.Generation, "", lifesign.WithWriter(peer), lifesign.WithLease(time.Second, lifesign.LapseKeep))
	if err != nil {
		t.Fatal(err)
	}
	defer token.Close()
	f.eventually("the peer's take-over is told", func() bool {
		return len(f.log.with("level=WARN", "msg=trouble", "kind=take-over", "offender.machine=elsewhere", "offender.pid=77", "offender.build=older",
			`holder.label="probe ttl #2"`)) == 1
	})
	if f.Report("c", lifesign.Passing, "late") == nil {
		t.Error("a report to a check that a peer holds was accepted")
	}
	f.eventually("the refusal is told", func() bool {
		return len(f.log.with("level=WARN", "msg=trouble", "kind=refusal", "reason=FENCED", `offender.label="probe ttl #2"`, "holder.machine=elsewhere")) > 0
	})
}
