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
# Run as it is, so that it is no dependency of the module's.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZ_SECONDS ?= 3600
FUZZ_JOBS ?= 2
PYTHON := $(VENV)/bin/python
# How `make deny` comes to its tool.
DENY := cargo install cargo-deny --locked --version 0.20.2

say = @printf "\n== %s\n" "$(1)"
comma := ,
install = $(PYTHON) -m pip install --quiet --disable-pip-version-check -r $(1) || { echo "make: what $(1) names could not be installed: pip needs a package index for that"; exit 2; }

# The Go module and the tests look for the libraries under target/.
unexport CARGO_TARGET_DIR

.PHONY: help run libraries build install go-module uninstall abi abi-describe test bench check verify story soak tools test-rust test-scripts test-models test-schedules test-c test-install test-go test-agent test-python test-readme test-bench header fmt clean fuzz sanitize test-fuzz test-docs docs setup deny wheel test-pythons test-abuse agent benches examples go include packaging python src tests

help: ## List the commands.
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Folders, which make would find to be up to date.
agent benches examples go include packaging python src tests:
	@echo "make: $@ is a folder and no command; make help lists them"; exit 2

tools:
	@for tool in cargo go python3; do command -v $$tool >/dev/null || { echo "make: $$tool is missing; Lifesign is built with cargo, Go 1.24 or newer, Python 3.11 or newer and a C compiler"; exit 2; }; done
	@command -v $${CC:-cc} >/dev/null || { echo "make: a C compiler is missing (cc, or set CC)"; exit 2; }

##@ Use it

run: build ## Run the agent on examples/: a sidecar follows a service that fails and recovers. End it with Ctrl-C. Where 8500 is taken: ARGS="-http 127.0.0.1:8600".
	@./examples/run.sh build/lifesign-agent build/flappy $(ARGS)

libraries: tools
	$(call say,building the libraries)
	cargo build --release --locked
	packaging/object.sh $(shell go env GOARCH)
	@packaging/licences.py build/lib/THIRD-PARTY-LICENSES

build: libraries ## Build the libraries, the agent and the example's web service.
	$(call say,building the agent)
	$(AGENT) build -o ../build/ ./cmd/...
	@packaging/licences.py --agent build/THIRD-PARTY-LICENSES

# Where `make install` puts things; DESTDIR stands before all of it, as packagers use it.
PREFIX ?= /usr/local
override PREFIX := $(abspath $(PREFIX))
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DOCDIR ?= $(PREFIX)/share/doc/lifesign
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ABI = $(shell sed -n 's/^\#define LIFESIGN_ABI_VERSION //p' include/lifesign.h)
SONAME = liblifesign.so.$(ABI)
# What a program that links the static library needs of the system. The tests ask the compiler whether that is all.
PRIVATE := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc

install: build ## Install header, libraries, pkg-config file, agent and licences: make install PREFIX=/usr/local [DESTDIR=…].
	$(call say,installing into $(DESTDIR)$(PREFIX))
	install -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(BINDIR)
	install -m 644 include/lifesign.h $(DESTDIR)$(INCLUDEDIR)/lifesign.h
	install -m 755 -s target/release/liblifesign.so $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/liblifesign.so
	install -m 644 build/lib/liblifesign.a $(DESTDIR)$(LIBDIR)/liblifesign.a
	sed -e 's#@PREFIX@#$(PREFIX)#; s#@LIBDIR@#$(LIBDIR)#; s#@INCLUDEDIR@#$(INCLUDEDIR)#; s#@VERSION@#$(VERSION)#; s#@PRIVATE@#$(PRIVATE)#' \
		packaging/lifesign.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/lifesign.pc
	install -m 755 build/lifesign-agent $(DESTDIR)$(BINDIR)/lifesign-agent
	install -d $(DESTDIR)$(DOCDIR)
	install -m 644 LICENSE-MIT LICENSE-APACHE build/THIRD-PARTY-LICENSES $(DESTDIR)$(DOCDIR)

uninstall: ## Take away what `make install` with the same PREFIX has installed.
	rm -f $(DESTDIR)$(INCLUDEDIR)/lifesign.h $(DESTDIR)$(LIBDIR)/liblifesign.a $(DESTDIR)$(LIBDIR)/liblifesign.so $(DESTDIR)$(LIBDIR)/$(SONAME) \
		$(DESTDIR)$(LIBDIR)/pkgconfig/lifesign.pc $(DESTDIR)$(BINDIR)/lifesign-agent \
		$(addprefix $(DESTDIR)$(DOCDIR)/,LICENSE-MIT LICENSE-APACHE THIRD-PARTY-LICENSES)
	@rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true

go-module: libraries ## Pack the Go module with the engine in it: build/lifesign-go-VERSION.tar.gz.
	$(call say,the Go module with its engine)
	tar -C go --exclude-vcs --dereference --sort=name --owner=0 --group=0 --transform 's#^\.#lifesign-go-$(VERSION)#' -czf build/lifesign-go-$(VERSION).tar.gz .

wheel: libraries $(VENV)/ready ## Build the Python wheel with the engine in it: build/lifesign-VERSION-py3-none-PLATFORM.whl.
	$(call say,the Python wheel with its engine)
	cd python && ../$(PYTHON) -m hatchling build -t wheel -d ../build

docs: libraries $(VENV)/docs-ready ## Build the documentation's site, references included, into build/docs.
	$(call say,docs: the reference of Go and of Rust)
	@CGO_ENABLED=1 go run docs/gopage/main.go go lifesign.dev/lifesign > docs/reference/go.md
	@rm -rf target/site/doc build/docs
	@RUSTDOCFLAGS="-D warnings --html-after-content $(CURDIR)/docs/rustdoc-back.html" cargo doc --quiet --no-deps --locked --package lifesign --target-dir target/site
	$(call say,docs: the site)
	@$(VENV)/bin/sphinx-build -W --keep-going -q -b html docs build/docs
	@cp -r target/site/doc build/docs/rust
	@python3 docs/links.py build/docs
	@echo "build/docs/index.html"

##@ Work on it

# What `make setup` looks for of the system: a command, the package that has it, and what is skipped without it.
SYSTEM := c++:g++:fuzzing_and_the_C++_programs pkg-config:pkg-config:the_test_of_what_is_installed valgrind:valgrind:the_C_programs_under_valgrind abidw:abigail-tools:the_comparison_of_the_ABI

setup: tools $(VENV)/bench-ready $(VENV)/docs-ready $(VENV)/howto-ready ## Get all that the other commands need, once; say what of the system is missing.
	$(call say,fetching what is built from)
	cargo fetch --locked
	cargo fetch --locked --manifest-path fuzz/Cargo.toml
	cd agent && go mod download
	cd benches/go && go mod download
	@for each in $(SYSTEM); do IFS=: read -r command package use <<< "$$each"; \
		command -v $$command >/dev/null || echo "missing: $$command (Debian: apt-get install $$package); without it is skipped: $${use//_/ }"; done
	@cargo deny --version >/dev/null 2>&1 || echo "missing: cargo-deny ($(DENY)); without it make deny is skipped"
	@echo "ready: make run, make check, make test"

$(VENV)/ready: python/requirements-dev.txt
	$(call say,Python: tools)
	python3 -m venv $(VENV)
	@$(call install,python/requirements-dev.txt)
	@touch $@

$(VENV)/bench-ready: benches/requirements.txt $(VENV)/ready
	$(call say,Python: what the benches need)
	@$(call install,benches/requirements.txt)
	@touch $@

$(VENV)/howto-ready: docs/howto/requirements.txt $(VENV)/ready
	$(call say,Python: what the how-tos run)
	@$(call install,docs/howto/requirements.txt)
	@touch $@

$(VENV)/docs-ready: docs/requirements.txt $(VENV)/ready
	$(call say,Python: what the documentation is built with)
	@$(call install,docs/requirements.txt)
	@touch $@

fmt: $(VENV)/bench-ready ## Format everything.
	cargo fmt --all
	cd fuzz && cargo fmt
	gofmt -w go agent benches/go docs
	$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

check: tools deny $(VENV)/bench-ready ## What to run before a commit: formatting and lints of all languages, dependencies.
	$(call say,Rust: rustfmt and clippy)
	cargo fmt --all --check
	cd fuzz && cargo fmt --check
	cargo clippy --release --locked --all-targets -- -D warnings
	cargo clippy --release --locked --all-targets --features failpoints,mutants --target-dir target/scripts -- -D warnings
	cargo clippy --release --locked --package lifesign-benches --benches -- -D warnings
	$(call say,Go: gofmt, vet and staticcheck)
	@unformatted=$$(gofmt -l go agent benches/go docs); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	@$(MAKE) -s libraries
	$(GO) vet ./...
	$(AGENT) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(AGENT) run $(STATICCHECK) ./...
	$(call say,Python: ruff and mypy)
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	cd python && ../$(VENV)/bin/mypy
	cd benches && ../$(VENV)/bin/mypy

deny: tools ## Licences, sources and advisories of everything that is built from, by deny.toml.
	$(call say,dependencies: licences$(comma) sources$(comma) advisories)
	@if ! cargo deny --version >/dev/null 2>&1; then echo "SKIPPED: licences, sources and advisories of the dependencies (cargo-deny is not installed: $(DENY))"; exit 0; fi; \
	for each in . fuzz; do (cd $$each && cargo deny --locked --config $(CURDIR)/deny.toml check bans licenses sources); done; \
	if cargo deny --locked fetch db >/dev/null 2>&1; then cargo deny --locked check --disable-fetch advisories; \
	else echo "SKIPPED: advisories (their database, github.com/RustSec/advisory-db, could not be fetched)"; fi

header: ## Write include/lifesign.h anew from src/ffi.
	LIFESIGN_WRITE_HEADER=1 $(SCRIPTS) --test header

# With full debug information, which is what the description is made of.
target/abi/release/liblifesign.so: FORCE
	CARGO_PROFILE_RELEASE_DEBUG=full cargo build --release --locked --lib --target-dir target/abi

FORCE:

abi: tools target/abi/release/liblifesign.so ## Compare the built library with the committed description of its ABI.
	$(call say,the ABI)
	ffi-tests/abi/test.sh

abi-describe: tools target/abi/release/liblifesign.so ## Describe the ABI of a new number, or what was added to the present one.
	$(call say,describing the ABI)
	ffi-tests/abi/abi.py --write

clean: ## Remove everything that was built.
	rm -rf target build

##@ Test it

# In the order in which they are started: the long ones first.
TESTS := test-models test-scripts test-fuzz test-schedules test-install test-agent test-abuse test-go test-python test-docs test-c test-rust test-readme test-bench

test: libraries $(VENV)/bench-ready $(VENV)/howto-ready ## Run all tests of all languages, as many parts at once as there are cores; their logs are in target/test.
	$(call say,all tests)
	@python3 tests/all.py $(TESTS)

test-rust: tools ## Rust: unit tests, documentation, the committed header.
	$(call say,Rust: unit tests and documentation)
	$(SCRIPTS) --lib --test header --test allocation
	$(SCRIPTS) --doc

test-scripts: tools ## Rust: the race scripts, the guarantees and the story, with forced orders.
	$(call say,Rust: race scripts and guarantees)
	$(SCRIPTS) --test scripts --test guarantees --test linearizable --test machine --test story --test soak --test faults
	$(SHRUNK) --test shrunk

test-models: tools ## Rust: the loom models and their mutants.
	$(call say,Rust: models and mutants)
	$(MODELS) models -- --test-threads=1 --nocapture

test-schedules: tools ## Rust: the race scripts under shuttle and their mutants. LIFESIGN_SCHEDULES=200000 for the long run.
	$(call say,Rust: schedules and mutants)
	$(SCHEDULES) schedules:: -- --nocapture

test-c: libraries ## C: header, symbols, the client, abuse of every function, under valgrind.
	$(call say,C)
	ffi-tests/c/run.sh

test-install: tools ## What is installed, as a C, a C++ and a Go program outside the tree use it.
	$(call say,what is installed)
	ffi-tests/install/test.sh

test-go: libraries ## Go: the module, with and without the race detector, and with checked pointers and constant garbage collection.
	$(call say,Go: the module)
	$(GO) test -count=1 ./...
	$(GO) test -count=1 -race ./...
	@# Every pointer that is stored or converted is looked at, and garbage is collected all the time.
	cd go && CGO_ENABLED=1 GOGC=1 GOEXPERIMENT=cgocheck2 go test -count=1 -gcflags=all=-d=checkptr ./...

test-agent: libraries ## Go: the agent, as a process too.
	$(call say,Go: the agent)
	$(AGENT) test -count=1 ./...
	$(AGENT) test -count=1 -race ./internal/...

# Each with its package. What breaks one is left among its seeds, where every run of the tests finds it.
ABUSE := config.FuzzJSON config.FuzzHCL config.FuzzBody agent.FuzzDefinitions httpapi.FuzzRequest
test-abuse: FUZZ_SECONDS := 6
test-abuse: libraries ## Go: fuzz what the agent reads and serves, each target for FUZZ_SECONDS=6.
	@for each in $(ABUSE); do \
		printf "\n== %s for %s s\n" $$each $(FUZZ_SECONDS); \
		(cd agent && CGO_ENABLED=1 go test -run '^$$' -fuzz "^$${each#*.}\$$" -fuzztime $(FUZZ_SECONDS)s -fuzzminimizetime 10x ./internal/$${each%.*}) || exit 1; \
	done

test-python: libraries $(VENV)/ready ## Python: the package.
	$(call say,Python: the package)
	cd python && ../$(PYTHON) -m pytest -q

test-readme: libraries ## The examples of the README, as they stand there.
	$(call say,README: its examples)
	python3 tests/readme.py

test-docs: libraries $(VENV)/howto-ready ## The tutorials and how-tos, every block of them as it stands there.
	$(call say,docs: tutorials and how-tos)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" python3 tests/docs.py
	@python3 docs/pictures/draw.py --check

test-fuzz: tools ## A minute of fuzzing, from the seeds on.
	$(call say,fuzzing for a minute)
	@python3 fuzz/run.py --seconds 60

test-bench: tools $(VENV)/bench-ready ## The benches' report.
	$(call say,the benches' report)
	cd benches/go && go test -count=1 ./lines
	cd benches && ../$(PYTHON) -m pytest -q

##@ Test it at length

verify: libraries $(VENV)/ready ## The long shares of all tests, an hour and a quarter, and a table of what bears out each guarantee: docs/evidence.md.
	$(call say,verify)
	@python3 tests/verify.py --write docs/evidence.md

soak: tools ## Everything at once: ten minutes of real threads, a thousand simulated hours, compared all the while.
	$(call say,the soak)
	@LIFESIGN_SOAK_SECONDS=600 LIFESIGN_SOAK_HOURS=1000 $(SCRIPTS) --test soak -- --nocapture

story: tools ## Tell how an alias stays critical for ever in the usual design and not here, and draw it: docs/story.svg.
	$(call say,the story)
	@LIFESIGN_LONG=1 LIFESIGN_STORY_SVG=docs/story.svg $(SCRIPTS) --test story -- --nocapture --exact the_story

fuzz: tools ## Fuzz the C ABI and what reads files, after every planted fault was found. FUZZ_SECONDS=3600, FUZZ_JOBS=2.
	$(call say,fuzzing)
	@python3 fuzz/run.py --planted --seconds $(FUZZ_SECONDS) --jobs $(FUZZ_JOBS)

sanitize: tools ## The guarantees, the race scripts and the C programs under Address-, Leak- and ThreadSanitizer, after each has found what was planted.
	$(call say,sanitizers)
	@python3 tests/sanitize.py

test-pythons: wheel ## Python: the package from the wheel, on every CPython from 3.11 on that is there; LIFESIGN_PYTHONS=FOLDER[:…] says where else.
	$(call say,Python: every CPython)
	$(PYTHON) python/tests/pythons.py build/lifesign-$(VERSION)-py3-none-*.whl

bench: tools $(VENV)/bench-ready ## Measure every budget beside its peers: one table, and docs/benchmarks.md with plots.
	$(call say,bench)
	@benches/run.sh $(PARTS)
