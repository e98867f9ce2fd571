# Lifesign. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Tests that force an order of steps need pause points, mutants need their broken lines; neither is in the libraries that ship, so they are
# built in folders of their own.
SCRIPTS := cargo test --release --locked --features failpoints,mutants --target-dir target/scripts
SHRUNK := cargo test --release --locked --features shrunk-counters --target-dir target/shrunk
SCHEDULES := RUSTFLAGS="--cfg shuttle" cargo test --release --locked --lib --features mutants --target-dir target/shuttle
MODELS := RUSTFLAGS="--cfg loom" cargo test --release --locked --lib --features mutants --target-dir target/loom
GO := cd go && CGO_ENABLED=1 go
AGENT := cd agent && CGO_ENABLED=1 go
VENV := build/venv
PYTHON := $(VENV)/bin/python

say = @printf "\n== %s\n" "$(1)"

# The Go module and the tests look for the libraries under target/.
unexport CARGO_TARGET_DIR

.PHONY: help run build test bench check verify story soak tools test-rust test-scripts test-models test-schedules test-c test-go test-agent test-python test-readme test-bench header fmt clean

help: ## List the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

tools:
	@for tool in cargo go python3; do command -v $$tool >/dev/null || { echo "make: $$tool is missing; Lifesign is built with cargo, Go 1.24 or newer, Python 3.11 or newer and a C compiler"; exit 2; }; done
	@command -v $${CC:-cc} >/dev/null || { echo "make: a C compiler is missing (cc, or set CC)"; exit 2; }

build: tools ## Build the libraries, the agent and the example's web service.
	$(call say,building the libraries)
	cargo build --release --locked
	$(call say,building the agent)
	@# The go command does not see that the library it linked has changed.
	@rm -f build/lifesign-agent build/flappy
	$(AGENT) build -o ../build/ ./cmd/...

run: build ## Run the agent on examples/: a sidecar follows a service that fails and recovers. End it with Ctrl-C.
	@./examples/run.sh build/lifesign-agent build/flappy $(ARGS)

test: test-rust test-scripts test-models test-schedules test-c test-go test-agent test-python test-readme test-bench ## Run all tests of all languages.
	@printf '\n== all tests passed\n'

verify: tools $(VENV)/ready ## The long shares of all tests, under an hour, and a table of what bears out each guarantee: docs/evidence.md.
	$(call say,verify)
	cargo build --release --locked
	@python3 tests/verify.py --write docs/evidence.md

bench: tools $(VENV)/bench-ready ## Measure every budget beside its peers: one table, and docs/benchmarks.md with plots.
	$(call say,bench)
	@benches/run.sh $(PARTS)

test-rust: tools ## Rust: unit tests, documentation, the committed header.
	$(call say,Rust: unit tests and documentation)
	cargo test --release --locked

test-scripts: tools ## Rust: the race scripts, the guarantees and the story, with forced orders.
	$(call say,Rust: race scripts and guarantees)
	$(SCRIPTS) --test scripts --test guarantees --test linearizable --test machine --test story --test soak --test faults
	$(SHRUNK) --test shrunk

story: tools ## Tell how an alias stays critical for ever in the usual design and not here, and draw it: docs/story.svg.
	$(call say,the story)
	@LIFESIGN_LONG=1 LIFESIGN_STORY_SVG=docs/story.svg $(SCRIPTS) --test story -- --nocapture --exact the_story

soak: tools ## Everything at once: ten minutes of real threads, a thousand simulated hours, compared all the while.
	$(call say,the soak)
	@LIFESIGN_SOAK_SECONDS=600 LIFESIGN_SOAK_HOURS=1000 $(SCRIPTS) --test soak -- --nocapture

test-models: tools ## Rust: the loom models and their mutants.
	$(call say,Rust: models and mutants)
	$(MODELS) models -- --test-threads=1 --nocapture

test-schedules: tools ## Rust: the race scripts under shuttle and their mutants. LIFESIGN_SCHEDULES=200000 for the long run.
	$(call say,Rust: schedules and mutants)
	$(SCHEDULES) schedules:: -- --nocapture

test-c: tools ## C: header, symbols, the client, abuse of every function, under valgrind.
	$(call say,C)
	cargo build --release --locked
	ffi-tests/c/run.sh

test-go: tools ## Go: the module, with and without the race detector, and with checked pointers.
	$(call say,Go: the module)
	cargo build --release --locked
	$(GO) test -count=1 ./...
	$(GO) test -count=1 -race ./...
	cd go && CGO_ENABLED=1 GOEXPERIMENT=cgocheck2 go test -count=1 -gcflags=all=-d=checkptr -run 'Status|Snapshot|Forged' .

test-agent: tools ## Go: the agent, as a process too.
	$(call say,Go: the agent)
	cargo build --release --locked
	$(AGENT) test -count=1 ./...
	$(AGENT) test -count=1 -race ./internal/...

$(VENV)/ready: python/requirements-dev.txt
	$(call say,Python: tools)
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r python/requirements-dev.txt
	@touch $@

test-python: tools $(VENV)/ready ## Python: the package.
	$(call say,Python: the package)
	cargo build --release --locked
	cd python && ../$(PYTHON) -m pytest -q

test-readme: tools ## The examples of the README, as they stand there.
	$(call say,README: its examples)
	cargo build --release --locked
	python3 tests/readme.py

$(VENV)/bench-ready: benches/requirements.txt $(VENV)/ready
	$(call say,Python: what the benches need)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r benches/requirements.txt
	@touch $@

test-bench: tools $(VENV)/bench-ready ## The benches' report.
	$(call say,the benches' report)
	cd benches/go && go test -count=1 ./lines
	cd benches && ../$(PYTHON) -m pytest -q

check: tools $(VENV)/bench-ready ## Formatting and lints of all languages.
	$(call say,Rust: rustfmt and clippy)
	cargo fmt --all --check
	cargo clippy --release --locked --all-targets -- -D warnings
	cargo clippy --release --locked --all-targets --features failpoints,mutants --target-dir target/scripts -- -D warnings
	cargo clippy --release --locked --package lifesign-benches --benches -- -D warnings
	$(call say,Go: gofmt and vet)
	@unformatted=$$(gofmt -l go agent benches/go); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	cargo build --release --locked
	$(GO) vet ./...
	$(AGENT) vet ./...
	$(call say,Python: ruff and mypy)
	cd python && ../$(VENV)/bin/ruff check . && ../$(VENV)/bin/ruff format --check . && ../$(VENV)/bin/mypy
	cd benches && ../$(VENV)/bin/ruff check . && ../$(VENV)/bin/ruff format --check . && ../$(VENV)/bin/mypy

header: ## Write include/lifesign.h anew from src/ffi.
	LIFESIGN_WRITE_HEADER=1 cargo test --release --locked --test header

fmt: $(VENV)/bench-ready ## Format everything.
	cargo fmt --all
	gofmt -w go agent benches/go
	cd python && ../$(VENV)/bin/ruff format . && ../$(VENV)/bin/ruff check --fix .
	cd benches && ../$(VENV)/bin/ruff format . && ../$(VENV)/bin/ruff check --fix .

clean: ## Remove everything that was built.
	rm -rf target build
