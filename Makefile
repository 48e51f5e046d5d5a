# Tenon. The work is Meson's and Ninja's; this file knows the order.
#
#   make              build/tenon
#   make demo         installs what is missing, builds, and runs a component
#   make test         unit, command line and example tests
#   make conformance  the outside suites in SUITES
#   make guests       programs in C, Zig, Go, Python, JavaScript and SQL, see docs/guests.md
#   make bench        against wasmtime, if there is one, on the programs in GUESTS
#   make serve-test   the server with other people's clients, h2spec, and thousands of connections
#   make tsan         the server's own tests with a server that is built for the thread sanitizer
#   make bench-link   linked components against the same in one file, and against wasmtime
#   make bench-serve  the server against wasmtime serve and nginx, whichever are there
#   make soak         the server under load for SOAK_MINUTES, with a graph of its memory
#   make fuzz         each fuzz target for FUZZ_SECONDS
#   make docs         docs/cli.md, docs/tenon.1 and docs/serve-settings.md from the program's own tables
#   make format       clang-format over everything
#   make install      to PREFIX; DESTDIR is understood
#
# BUILD       where to build; SANITIZE=address,undefined builds for the sanitizers, in build-sanitized
# ENGINE      folder of a ready engine; else scripts/engine.sh builds it once and keeps it outside the tree

SANITIZE ?=
ifeq ($(SANITIZE),)
BUILD ?= build
FLAGS = --buildtype=release
else
BUILD ?= build-sanitized
FLAGS = --buildtype=debugoptimized -Db_sanitize=$(SANITIZE) -Db_lundef=false -Db_ndebug=false
endif
WERROR ?= false
PREFIX ?= /usr/local
SUITES ?= ../shared/suites
GUESTS ?= ../shared/guests
FUZZ_SECONDS ?= 60
SOAK_MINUTES ?= 60

.PHONY: all demo test serve-test tsan guests bench bench-link bench-serve soak fuzz format conformance install docs clean setup
.DELETE_ON_ERROR:

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

# A fresh checkout: packages, the engine, and the build folder.
$(BUILD)/build.ninja:
	@sh scripts/setup.sh
	@engine="$(ENGINE)"; [ -n "$$engine" ] || engine=$$(sh scripts/engine.sh) || exit 1; \
	meson setup $(BUILD) $(FLAGS) --prefix=$(PREFIX) -Dwerror=$(WERROR) -Dengine="$$engine"

demo: all
	@sh examples/demo.sh $(BUILD)/tenon

test: all
	@sh scripts/setup.sh test
	@meson test -C $(BUILD) --print-errorlogs

conformance: all
	@sh scripts/setup.sh test
	@TENON=$(abspath $(BUILD)/tenon) tests/conformance/run $(SUITES)

guests: all
	@sh scripts/setup.sh test
	@sh scripts/guests.sh $(BUILD)/tenon

bench: all
	@ninja -C $(BUILD) --quiet bench/host_calls && $(BUILD)/bench/host_calls
	@python3 bench/run.py --tenon $(BUILD)/tenon --guests $(GUESTS)

serve-test: all
	@sh scripts/setup.sh serve-test
	@python3 tests/serve/run.py $(BUILD)/tenon $(BUILD)/tests/serve/work clients suspended

# The sanitizer has no room for the addresses that many instances reserve, and makes everything many times slower.
tsan:
	@$(MAKE) BUILD=build-tsan SANITIZE=thread WERROR=$(WERROR) all
	@sh scripts/setup.sh test
	@TENON_TIME_FACTOR=4 TENON_MAX_CONCURRENT=50 \
	TSAN_OPTIONS="history_size=4 report_signal_unsafe=0 suppressions=$(CURDIR)/tests/serve/tsan.supp" \
	python3 tests/serve/run.py build-tsan/tenon build-tsan/work \
	  routing protocol streaming faults limits operate tls outgoing load

bench-link: all
	@ninja -C $(BUILD) --quiet bench/link && $(BUILD)/bench/link
	@python3 bench/link.py --tenon $(BUILD)/tenon --guests $(GUESTS)

bench-serve: all
	@sh scripts/setup.sh bench
	@python3 bench/serve.py --tenon $(BUILD)/tenon --guests $(GUESTS)

soak: all
	@sh scripts/setup.sh bench
	@python3 bench/soak.py --tenon $(BUILD)/tenon --minutes $(SOAK_MINUTES)

fuzz:
	@sh scripts/setup.sh fuzz
	@sh scripts/fuzz.sh $(FUZZ_SECONDS) $(SUITES)

docs: all
	@$(BUILD)/tenon help --markdown > docs/cli.md
	@$(BUILD)/tenon help --man > docs/tenon.1
	@$(BUILD)/tenon help --settings > docs/serve-settings.md

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

# A prefix that is given now counts, not the one of the build's beginning: pkg-config's file has it in it.
install: all
ifneq ($(filter command environment,$(firstword $(origin PREFIX))),)
	@meson configure $(BUILD) --prefix=$(PREFIX)
endif
	@meson install -C $(BUILD) --quiet

clean:
	@rm -rf $(BUILD)
