// Package benches measures Lifesign's Go package beside what a Go program would
// keep its checks in otherwise, each peer doing the same work in one process:
//
//   - consul: the local state of Consul's agent, [local.State], with its alias
//     checks, [checks.CheckAlias];
//   - rwmutex-map, sync-map, atomic-pointer: a map under a sync.RWMutex, a
//     sync.Map of immutable structs, an atomic.Pointer to one for each check.
//     They have no aliases, no events, and nothing that keeps two writers apart.
//
// It is a module of its own so that Consul and what it depends on stay out of
// Lifesign's. Before a peer is measured, and after each measurement, what it
// answers is compared with what was written: a fast wrong answer fails the run.
//
// # Which Consul
//
// 1.15.7, under the Mozilla Public License 2.0 as its LICENSE says. It is the
// newest one under that licence that can be built as a module:
//
//   - from 1.15.8 and 1.16.4 on, LICENSE is the Business Source License;
//   - 1.16.0 to 1.16.3 import github.com/hashicorp/consul/envoyextensions, in
//     versions v0.3.0 and v0.4.1 that could not be had, or not be verified,
//     through the Go module proxy and its checksum database.
//
// Consul's own repository builds those against a neighbouring folder, by a
// replace directive, which a module that is depended on cannot bring along.
// "go mod tidy" fails here for the like reason, at what Consul's own tests
// import: go.mod and go.sum are kept by "go get" and "go list -mod=mod -deps
// -test ./...".
//
// # How it is run
//
// From the top of the repository, after "cargo build --release":
//
//	benches/go/run.sh
//
// It goes several times through all of them, so that what else the machine does
// meanwhile meets each peer alike, and prints what "go test -bench" prints, which
// benchstat reads. It leaves the same text and the figures, one JSON object a
// line, in $LIFESIGN_BENCH (build/bench by default) as go.txt and go.jsonl;
// command lines says how they are named. $LIFESIGN_BENCH_COUNT and
// $LIFESIGN_BENCH_TIME change how often (5) and how long (200ms) each is
// measured. Two idle cores need about three minutes, and the first build of
// Consul about two more.
//
// go/bench_test.go has the rows without peers, for those who work on the package
// and compare a change by benchstat.
//
// A single row, in this folder:
//
//	go test -run '^$' -bench 'FlipUntilAlias/consul' -count 10 .
//
// [local.State]: https://pkg.go.dev/github.com/hashicorp/consul@v1.15.7/agent/local#State
// [checks.CheckAlias]: https://pkg.go.dev/github.com/hashicorp/consul@v1.15.7/agent/checks#CheckAlias
package benches
