// Package lifesign keeps the state of health checks in memory: an engine that
// agents write to and that everything which routes, alerts or displays reads
// from. It is the Go face of the Lifesign library, linked through cgo.
//
// # The pieces
//
// An [Engine] holds the state of one node. A [Service] is an id with a name
// and opaque bytes of the embedder. A [Check] is bound to a service, or to the
// node itself, and has a [Status], an output text and a version. An alias is a
// check whose status the engine derives from another service, or from the
// node: it is right at the moment a write it depends on returns, because
// nothing runs in between.
//
// To write a check one holds its [Token], and at most one token of a check is
// valid. [Check.Acquire] takes a free check and fails with [ErrHeld] on a held
// one; [Check.TakeOver] replaces a holder that the caller has seen. From then
// on the old token is fenced: whatever its owner still does with it, however
// late, is refused with [ErrFenced] and disturbs nobody.
//
//	engine, err := lifesign.Open(lifesign.Config{Name: "my-agent", Version: "1.0"})
//	...
//	web, err := engine.RegisterService(lifesign.ServiceSpec{ID: "web", Name: "web"})
//	...
//	check, err := engine.RegisterCheck(lifesign.CheckSpec{ID: "web:http", Service: web})
//	...
//	token, err := check.Acquire("http probe")
//	...
//	err = token.Update(lifesign.Passing, "200 OK")
//
// [UpdateBatch] writes several checks in one call.
//
// # Leases and time
//
// [WithLease] gives a token a deadline: a holder of which nothing is heard in
// time loses the check, which shows it, and finds its token expired:
// [ErrExpired]. What is heard of it are its reports, the same again included; one
// that reports rarely says [Token.Renew] in between, from the loop that does the
// work. There is no helper that renews by a timer: it would go on for a loop that
// hangs, which is what a lease is to find out.
//
// An engine starts no thread and no goroutine. Leases end in [Engine.Tick], which
// the program calls every second or so, and [Engine.Audit] is called every minute
// or so:
//
//	for now := range time.Tick(time.Second) {
//		if err := engine.Tick(now, 0); err != nil {
//			return err // ErrClosed
//		}
//	}
//
// # Reading
//
// [Check.Status], [Service.Status] and [Engine.NodeStatus] are one or two atomic
// loads of words of the library's: no call into C, whatever else goes on.
// [Check.Snapshot] is one whole commit, and
// [Service.Snapshot] a service with all its checks as of one epoch; neither
// changes after it was returned. [SnapshotBuffer] reads many checks by one call,
// without allocation. A check that was read before and stands as it was is read
// whole without a call.
//
// [Check.Who] tells who holds a check and since when, [Check.Writers] everybody
// who wrote it or tried to, and [Check.History] its latest changes of status,
// take-overs and lapses.
//
// # Restarts
//
// [Engine.Export] writes every state into a file, [ReadExport] reads it, and
// [CheckSpec] takes a state back in: the check shows it, marked as restored,
// until it is reported anew.
//
// # Watching
//
// A [Subscription] delivers first the state that matches its [Filter] and then
// every change, several changes of a check being merged into the newest when
// the reader is slow. [Subscription.Next] waits in the runtime's network
// poller, so that a waiting goroutine costs no thread; [Subscription.Events]
// is the same as an iterator:
//
//	for event, err := range subscription.Events(ctx) {
//		if err != nil {
//			return err // the context's error and its cause, or ErrClosed
//		}
//		fmt.Println(event.ID, event.Status)
//	}
//
// A subscription with [Filter.Trouble] delivers what goes wrong instead: who was
// refused, took over, lost a lease, or claims what is claimed, and from whom.
//
// [Subscription.Cursor] is where a subscriber stands. Its text can be kept, and
// [Filter.Since] continues from it, with what has changed since then.
//
// # Claiming a name
//
// [Engine.Claim] makes an engine the only holder of a name in a directory, so
// that two agents for one node find each other instead of disturbing each
// other: the second is refused with the record of the first, and the first is
// told by [Claim.Rivals] who tried. That takes an [Engine.Tick] every second
// or so.
//
// # Errors
//
// Every refusal is an [*Error]: a [Code] that [errors.Is] compares with the
// sentinels, a sentence that says what happened to which id and what to do,
// and the writer records of both sides, the caller and the present holder:
//
//	var refusal *lifesign.Error
//	if errors.As(err, &refusal) && refusal.Holder != nil {
//		log.Printf("held by %s", refusal.Holder)
//	}
//
// A call that fails has changed nothing.
//
// A call on something closed is [ErrClosed], on something deregistered [ErrGone],
// and in a process that was forked without exec [ErrForked]: that goes for all
// calls and is not repeated at each. A status fails never: it is [Gone] then.
//
// # Logging
//
// The package logs nothing. What it returns is a [slog.LogValuer] where a log has
// use for it: an [*Error] and [Trouble] come as groups with the records of both
// sides, a [Snapshot], [ServiceSnapshot], [Event], [Who] and [Stats] as what is
// worth a line.
//
// # Concurrency, waiting and closing
//
// Everything may be used from any goroutine, closing included. The exceptions say
// so: a [Subscription] has one consumer at a time, a [SnapshotBuffer] one user.
//
// A call waits for others in [Subscription.Next] and [Subscription.Events], which
// occupy no thread, and in [Token.Join] and [Token.JoinCalls], which occupy one;
// all of them take a context. [Engine.Export], [ReadExport], [Engine.Claim] and,
// of an engine with claims, [Engine.Tick] wait for the file system. Nothing else
// waits, but that registrations come one after another.
//
// Close may be called again. What is forgotten is closed some time after it
// became unreachable, which is a net and not the way; services and checks are no
// resources and have nothing to close. What comes from an engine keeps it open.
//
// An [Engine] comes from [Open], and what it has from its methods: zero values of
// those types are of no use.
//
// # Building
//
// Linux on 64-bit little-endian machines, with a C compiler for cgo. The engine is
// linked statically, from an object in the module; with the build tag
// lifesign_system it is the shared library that is installed on the system, found
// by pkg-config.
package lifesign
