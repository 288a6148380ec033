# make run | test | simulate | crash-matrix | soak | large-object | model | fuzz | build | publish | bench | bench-gate | dist | install | clean. Needs Debian 12, the .NET 10 SDK and git; the rest is installed here.
SHELL := /bin/bash
AOT_FRAMEWORK := $(shell sed -n 's|.*<AotFramework>\(.*\)</AotFramework>.*|\1|p' Directory.Build.props)
VERSION := $(shell sed -n 's|.*<VersionPrefix>\(.*\)</VersionPrefix>.*|\1|p' Directory.Build.props)
ISA ?=
PREFIX ?= /usr/local
LISTEN ?= 127.0.0.1:8080
DATA := $(CURDIR)/data
SOURCES := $(shell find native contract engine transport server cli loader -not -path '*/obj/*' -not -path '*/bin/*' \
	\( -name '*.cs' -o -name '*.c' -o -name '*.h' -o -name '*.csproj' -o -name '*.targets' -o -name 'hrw-vectors.json' \)) \
	Directory.Build.props Directory.Packages.props
BUILD_PACKAGES := clang gcc binutils libc6-dev zlib1g-dev libxxhash-dev libsqlite3-dev libssl3 curl
TEST_PACKAGES := attr xfsprogs e2fsprogs btrfs-progs mount procps zsh fish
BENCH_PACKAGES := nginx wrk fio xfsprogs mount util-linux openssl libisal2
# The compiler server must not outlive the call that started it.
export UseSharedCompilation := false
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1
export MSBUILDDISABLENODEREUSE := 1

.PHONY: run test test-memory simulate endurance-build crash-matrix soak large-object model fuzz build publish bench bench-build bench-gate bench-gate-selftest flame dist install deps deps-test deps-bench clean
.DEFAULT_GOAL := publish

deps:
	@deploy/packages.sh $(BUILD_PACKAGES)

deps-test: deps
	@deploy/packages.sh $(TEST_PACKAGES)

deps-bench: deps
	@deploy/packages.sh $(BENCH_PACKAGES)

build: deps
	dotnet build Sluice.slnx -v quiet

publish: out/sluice

# A stamp per instruction set: ISA=native after the portable build publishes again.
out/.isa-$(or $(ISA),portable):
	@mkdir -p out && rm -f out/.isa-* && touch $@

out/sluice: $(SOURCES) out/.isa-$(or $(ISA),portable) | deps
	dotnet publish server/server.csproj -f $(AOT_FRAMEWORK) -c Release -v quiet -o out/publish $(if $(ISA),-p:Isa=$(ISA))
	install -m 755 out/publish/sluice out/sluice
	@ls -l out/sluice

run: publish
	@mkdir -p $(DATA)/mp1 $(DATA)/mp2 $(DATA)/mp3 $(DATA)/mp4
	@echo "Four mountpaths under ./data on one disk, for trying out. In another shell:"
	@echo "  out/sluice bucket create ais://demo"
	@echo "  out/sluice put README.md ais://demo/readme && out/sluice cat ais://demo/readme"
	@echo "  curl -T README.md http://$(LISTEN)/v1/objects/demo/again && curl http://$(LISTEN)/v1/objects/demo/again"
	out/sluice serve --listen $(LISTEN) --allow-shared-disk --mountpath $(DATA)/mp1 --mountpath $(DATA)/mp2 --mountpath $(DATA)/mp3 --mountpath $(DATA)/mp4

test:
	@[[ $$EUID -eq 0 ]] || { echo "make test loop-mounts file systems: run it as root" >&2; exit 1; }
	@$(MAKE) --no-print-directory deps-test publish
	tests/run-selftest.sh
	tests/run.sh

# The full size of a test that make test runs smaller: takes minutes and 44 GiB below /tmp.
test-memory:
	@$(MAKE) --no-print-directory deps-test publish
	dotnet build tests/EndToEnd.Tests/EndToEnd.Tests.csproj -v quiet -p:OnlyFramework=net10.0
	MEMORY_TEST_BYTES=1073741824 tests/EndToEnd.Tests/bin/Debug/net10.0/Sluice.EndToEnd.Tests -noColor -showLiveOutput \
		-method '*SixtyFourWritesAndReadsAtOnceFitIntoASmallGroup'

# Histories of seeds over simulated disks (docs/TESTING.md): SEEDS=2000 from FIRST=1 on, past failures with ALL=1; or one again,
# made shorter when it fails: SEED=8123.
simulate: deps
	dotnet build tests/Simulation.Tests/Simulation.Tests.csproj -c Release -v quiet -p:OnlyFramework=net10.0
	SIMULATE_SEED=$(SEED) SIMULATE_SEEDS=$(or $(SEEDS),2000) SIMULATE_FIRST=$(or $(FIRST),1) SIMULATE_ALL=$(ALL) \
		tests/Simulation.Tests/bin/Release/net10.0/Sluice.Simulation.Tests -noColor -showLiveOutput \
		-method '*.HistoryTests.$(if $(SEED),TheReplayedHistoryHolds,EveryPromiseHoldsInHistoriesOfManySeeds)'

# Power cuts in the midst of writing, and hours of load with faults (docs/TESTING.md): ROUNDS=1000 SEED=7; HOURS=8 or MINUTES=30, JSON=FILE.
ENDURANCE := tests/Endurance.Tests/bin/Debug/net10.0/Sluice.Endurance.Tests -noColor -showLiveOutput

endurance-build:
	@$(MAKE) --no-print-directory deps-test publish
	dotnet build tests/Endurance.Tests/Endurance.Tests.csproj -v quiet -p:OnlyFramework=net10.0

crash-matrix: endurance-build
	CRASH_ROUNDS=$(ROUNDS) CRASH_SEED=$(SEED) $(ENDURANCE) -method '*NothingAcknowledgedIsLostNothingIsTornNothingLeaks'

soak: endurance-build
	SOAK_HOURS=$(HOURS) SOAK_MINUTES=$(MINUTES) SOAK_JSON='$(JSON)' $(ENDURANCE) -method '*AServerUnderLoadAndFaultsHoldsNoMoreAtTheEndThanAtFirst'

# One object of GIB parts of 1 GiB, on a file system that compresses: it takes about a twentieth of that.
large-object: endurance-build
	LARGE_GIB=$(or $(GIB),100) $(ENDURANCE) -method '*AnObjectOfManyLargePartsIsListedAndReadInFlatMemory'

# Random calls of several clients at once, checked to be those on one register a name (docs/TESTING.md): SEEDS=500 from FIRST=1 on; or one
# again and again, made shorter when it fails: SEED=17.
model:
	@$(MAKE) --no-print-directory deps-test publish
	dotnet build tests/EndToEnd.Tests/EndToEnd.Tests.csproj -v quiet -p:OnlyFramework=net10.0
	TEST_MODEL_SEED=$(SEED) TEST_MODEL_SEEDS=$(or $(SEEDS),500) TEST_MODEL_FIRST=$(or $(FIRST),1) \
		tests/EndToEnd.Tests/bin/Debug/net10.0/Sluice.EndToEnd.Tests -noColor -showLiveOutput -method '*.ApiModelTests.CallsOfSeveralClients*'

# Mutations of what every parser takes (docs/TESTING.md), 60 s each, or SECONDS=600 from SEED=7 on; of one parser with TARGET='range header';
# and one input again with its INPUT=1234 beside them.
fuzz: deps
	dotnet build tests/Fuzz.Tests/Fuzz.Tests.csproj -c Release -v quiet -p:OnlyFramework=net10.0
	TEST_FUZZ_SECONDS=$(or $(SECONDS),60) TEST_FUZZ_SEED=$(or $(SEED),$(shell date +%s)) TEST_FUZZ_INPUT=$(INPUT) TEST_FUZZ_TARGET='$(TARGET)' \
		tests/Fuzz.Tests/bin/Release/net10.0/Sluice.Fuzz.Tests -noColor -showLiveOutput \
		-method '*.FuzzTests.$(if $(TARGET),TheNamedTargetHolds,NoInputBreaksAParser)'

# Sluice beside nginx, fio and bare system calls (docs/PERFORMANCE.md): ROWS=get/4KiB ROUNDS=3 SECONDS=5 FULL=1. A quarter of an hour without.
BENCH := bench/quiet.sh dotnet bench/bin/Release/net10.0/Sluice.Bench.dll
BENCH_FLAGS = $(if $(ROWS),--rows '$(ROWS)') $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(FULL),--full)

bench-build:
	dotnet build bench/bench.csproj -c Release -v quiet -p:OnlyFramework=net10.0

bench: deps-bench bench-build
	@$(MAKE) --no-print-directory publish ISA=native
	$(BENCH) run $(BENCH_FLAGS) $(if $(ROWS),,--document)

# Ends with 1 when HEAD (or HEAD=REV) is slower than BASE beyond the noise of the run. ROWS, ROUNDS and SECONDS as above.
bench-gate: deps-bench bench-build
	@[[ -n "$(BASE)" ]] || { echo "make bench-gate BASE=REV" >&2; exit 2; }
	$(BENCH) gate --base '$(BASE)' $(if $(HEAD),--head '$(HEAD)') $(BENCH_FLAGS)

# Shows that the gate stays open for an equal build and shuts for a slowed one.
bench-gate-selftest: deps-bench bench-build
	$(BENCH) gate-selftest --rows '$(or $(ROWS),get/4KiB)' --rounds $(or $(ROUNDS),6) $(if $(SECONDS),--seconds $(SECONDS))

# Flame graphs of what docs/PERFORMANCE.md explains. perf finds the names of functions in out/publish/sluice.dbg.
flame: deps bench-build
	@deploy/packages.sh linux-perf wrk xfsprogs mount util-linux
	@$(MAKE) --no-print-directory publish ISA=native
	$(BENCH) flame get-4KiB --seconds 5 --binary out/publish/sluice
	$(BENCH) flame put-4KiB --seconds 5 --binary out/publish/sluice
	$(BENCH) flame put-1MiB --seconds 5 --binary out/publish/sluice

dist: publish
	deploy/dist.sh $(VERSION) $(AOT_FRAMEWORK)

install: publish
	deploy/install.sh $(PREFIX) $(DESTDIR)

clean:
	rm -rf out dist
	find . -type d \( -name bin -o -name obj \) -not -path './.git/*' -prune -exec rm -rf {} +
