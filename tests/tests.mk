# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests, checks and what they need. Included by the Makefile.

# Debian's own Python runs the tests: it is the one whose pytest the packages install.
PYTHON ?= /usr/bin/python3

BUILD_DEPS := gcc libc6-dev linux-libc-dev pkg-config clang bpftool libbpf-dev libelf-dev libdw-dev \
              libiberty-dev liblzma-dev libzydis-dev libzycore-dev libxxhash-dev libzstd-dev \
              zlib1g-dev libprotobuf-c-dev protobuf-c-compiler \
              libmicrohttpd-dev libseccomp-dev libcap-ng-dev libncurses-dev python3 mount esbuild
TEST_DEPS  := g++ binutils gdb python3-dev python3-numpy python3-lxml python3-pil libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0 libcmocka-dev \
              python3-pytest python3-pytest-xdist python3-pyte python3-jsonschema python3-yaml systemd prometheus debuginfod mmdebstrap dpkg-dev xz-utils \
              clang-14 libclang-rt-14-dev llvm-14 podman runc qemu-system-x86 busybox-static util-linux procps iproute2 \
              flex bison bc dwarves linux-perf trace-cmd bpftrace
# Completions are tried in the shells, manual pages by a reader.
TEST_DEPS  += zsh fish mandoc
# Servers (not apache2 itself, which would begin to serve).
TEST_DEPS  += gunicorn python3-flask python3-tornado apache2-bin libapache2-mod-wsgi-py3
# Greenlets, which switch stacks in C.
TEST_DEPS  += python3-greenlet
RELEASE_DEPS := git mmdebstrap debian-archive-keyring util-linux
# Programs that embed Python; go tool pprof, 440 MB.
MATRIX_DEPS := uwsgi-plugin-python3 golang-go
# Servers of tests/services.
MATRIX_DEPS += python3-uvicorn python3-starlette python3-gevent python3-aiohttp python3-twisted python3-django celery redis-server postgresql-plpython3-15
# Not supervisor and fail2ban, which would begin to look after the machine; they are watched where they are installed.
MATRIX_DEPS += mitmproxy mercurial python3-radicale python3-aiosmtpd python3-pyftpdlib python3-ipykernel python3-jupyter-client python3-grpcio
MATRIX_DEPS += python3-sqlalchemy python3-pandas python3-sklearn python3-matplotlib cython3 pybind11-dev python3-cffi
# The wheel is installed, an Alpine-like root made, a certificate too.
MATRIX_DEPS += $(RELEASE_DEPS) python3-venv musl openssl
CHECK_DEPS := clang-format clang-tidy cppcheck shellcheck codespell

C_PIECES   := unit walk kern cli
C_TESTS    := $(foreach p,$(C_PIECES),$(patsubst tests/%.c,$(O)/tests/%,$(sort $(wildcard tests/$(p)/test_*.c))))
# The readers of hostile files once more, with sanitizers; only what they need is built so.
SAN_TESTS  := $(O)/tests/unit/test_dso_san $(O)/tests/unit/test_sym_san
C_TESTS    += $(SAN_TESTS)
# Programs that tests in Python start; tests/kern/*.c that are no tests themselves.
HELPERS    := $(patsubst %,$(O)/tests/kern/%,births_live walk_live unwind_live)
PY_TESTS   := $(sort $(dir $(wildcard tests/*/test_*.py)))
SUITES     := bullseye trixie sid
RUN_TESTS   = $(PYTHON) tests/run.py --build $(O)

include tests/fuzz/fuzz.mk

deps: ## install what building needs
	@sh tests/deps.sh $(BUILD_DEPS)

deps-test: deps
	@sh tests/deps.sh $(TEST_DEPS)

deps-check: deps
	@sh tests/deps.sh $(CHECK_DEPS) libcmocka-dev

# The packages that a browser needs; without it tests/web is skipped.
deps-web: deps ## what tests/web needs: Chromium, node
	@sh tests/deps.sh chromium $(if $(shell command -v npm),,nodejs npm)
	$(Q)npm ci --prefix tests/web --no-audit --no-fund --loglevel=error

mounts:
	@sh tests/mounts.sh

roots: deps-test ## the Pythons of Debian 11, 13 and sid that tests watch
	@sh tests/e2e/roots.sh $(SUITES)

# The packages come first, then a make of its own: the tools found by the Makefile may just have arrived.
demo: deps mounts ## build, run a leaking program, watch its line being named
	$(Q)$(MAKE) --no-print-directory all
	@sh tests/demo.sh $(O)/pyleak-bpf

test: deps-test mounts roots ## all tests, as root, on a bare Debian 12
	$(Q)$(MAKE) --no-print-directory test-built

matrix: deps-test mounts roots ## as test, with every program on every Python, long soaks, all kernels
	-@sh tests/deps.sh $(MATRIX_DEPS)
	-@sh tests/e2e/nogil.sh
	-@sh tests/e2e/roots.sh services
	-@sh tests/e2e/builds.sh
	-@sh tests/e2e/musl.sh
	-@$(MAKE) --no-print-directory deps-web
	$(Q)$(MAKE) --no-print-directory test-built MATRIX=full

test-built:
	$(Q)$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) tests-to-run
	$(Q)$(RUN_TESTS) --matrix $(or $(MATRIX),core) $(PY_TESTS:%=--pytest %) $(C_TESTS)

tests-to-run: all $(FUZZERS) $(O)/fuzz/san/pyleak-bpf $(C_TESTS) $(HELPERS) $(O)/tests/safety/cycles

# The tool, and the tests of what reads a hostile process, once more with sanitizers.
ASAN_MAKE = $(MAKE) --no-print-directory O=$(O)/asan SAN=address,undefined CFLAGS='-O1 -fno-sanitize-recover=undefined'
asan: $(SKEL)
	+$(Q)$(ASAN_MAKE) all

test-san: ## unit and walk tests with sanitizers
	+$(Q)$(ASAN_MAKE) test-san-built

SAN_BUILT := $(filter-out $(SAN_TESTS),$(filter $(O)/tests/unit/% $(O)/tests/walk/%,$(C_TESTS)))
test-san-built: $(SAN_BUILT)
	$(Q)ASAN_OPTIONS=detect_leaks=0 $(RUN_TESTS) $^

liars: all asan ## every command on processes that lie, MINUTES=30 of each build
	$(Q)$(PYTHON) -B tests/safety/lib_liars.py --tool $(O)/pyleak-bpf --minutes $(or $(MINUTES),30)
	$(Q)$(PYTHON) -B tests/safety/lib_liars.py --tool $(O)/asan/pyleak-bpf --minutes $(or $(MINUTES),30) --seed 100000

# One piece: make test-unit, test-walk, test-kern, test-cli, test-e2e.
test-fuzz: $(FUZZERS)
test-%: all $(C_TESTS) $(HELPERS)
	$(Q)$(RUN_TESTS) $(patsubst %,--pytest %,$(filter tests/$*/,$(PY_TESTS))) $(filter $(O)/tests/$*/%,$(C_TESTS))

$(O)/tests/%: tests/%.c $(O)/libpyleak.a
	$(call say,CCTEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_) -Itests -Ibpf $(CPPFLAGS) $(CFLAGS_) $(CFLAGS) -MMD -MP -MF $@.d \
		-o $@ $< $(O)/libpyleak.a $(LDFLAGS_) $(LDFLAGS) $(LIBS) -lcmocka

# The judge and what it rests on, evidence as bytes, and nothing else of the tool.
PURE_OBJ := $(patsubst src/%.c,$(O)/%.o,$(foreach r,base report verdict evidence judge,$(wildcard src/$(r)/*.c)) $(wildcard src/record/evidence_*.c) src/record/wire.c)
$(O)/tests/unit/test_judge: tests/unit/test_judge.c $(PURE_OBJ)
	$(call say,CCTEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_) -Itests $(CPPFLAGS) $(CFLAGS_) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(PURE_OBJ) $(LDFLAGS_) $(LDFLAGS) -lm -lxxhash -lcmocka

$(O)/tests/unit/%_san: tests/unit/%.c $(wildcard $(foreach r,base storage dso proc sym,src/$(r)/*.[ch]))
	$(call say,CCSAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_) -Itests -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o $@ $(filter %.c,$^) $(LIBS) -lcmocka

# The program whose forks and execs are timed needs no library but the C library, as a small program of anybody's.
$(O)/bench/starts: bench/starts.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_) $(CPPFLAGS) $(CFLAGS_) $(CFLAGS) -o $@ $< $(LDFLAGS_) $(LDFLAGS)

# bench/mechanism.c: `make build/bench/mechanism`.
$(O)/bench/%: bench/%.c $(O)/libpyleak.a
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_) $(CPPFLAGS) $(CFLAGS_) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(O)/libpyleak.a $(LDFLAGS_) $(LDFLAGS) $(LIBS)

# Hours: the attach/detach cycles, kills, stops and freezes that docs/RELIABILITY.md tells of.
torture: all $(O)/tests/safety/cycles ## the tool killed, stopped, frozen, thousands of times
	$(Q)PYLEAK_BUILD=$(abspath $(O)) $(PYTHON) -B tests/safety/torture.py --cycles 5000 --runs 100 --kills 500 \
		--stops 200 --suspends 100 --freezes 100

# Half an hour: docs/RELIABILITY.md's table of what watching does to who is watched.
harmless: all ## what watching does to memory and forks of who is watched
	$(Q)PYLEAK_BUILD=$(abspath $(O)) $(PYTHON) -B tests/safety/harmless.py

faults: all ## every command with one call failing after the other, EACH=60 of each kind
	$(Q)PYLEAK_BUILD=$(abspath $(O)) $(PYTHON) -B tests/faults/faults.py --each $(or $(EACH),60)

# RECORD='--matrix full -k debian-3.13': more of them, fewer, or on other Pythons.
RECORDED := zoo matrix fds retention native packages
record: all mounts roots ## real programs watched once more, for the corpus of tests/judge
	$(Q)d=$$(mktemp -d) && PYLEAK_TEST_RECORD=$$d PYLEAK_BUILD=$(abspath $(O)) $(PYTHON) -m pytest -q -n $$((2 * $$(nproc))) \
		$(RECORDED:%=tests/e2e/test_%.py) $(RECORD); rm -rf $$d

judge-table: all ## what the judge says of every recording, and how often it is right
	$(Q)$(PYTHON) -B tests/judge/corpus.py --tool $(O)/pyleak-bpf

judge-mutate: ## each threshold of the judge moved: does anything notice?
	$(Q)$(PYTHON) -B tests/judge/mutate.py

bench: deps-test mounts all ## what watching costs: the slow-down table
	$(Q)$(PYTHON) bench/slowdown.py --tool $(O)/pyleak-bpf

# Ten minutes: how long forks and execs of others take beside the tool, and without it.
stalls: all $(O)/bench/starts ## how long the tool keeps other processes from starting
	$(Q)PYLEAK_BUILD=$(abspath $(O)) $(PYTHON) -B bench/stalls.py

C_FILES   := $(wildcard include/pyleak/*.h src/*.c src/*/*.[ch] bpf/*.[ch] tests/*/*.[ch])
H_FILES   := $(filter-out bpf/%,$(filter %.h,$(C_FILES)))
SH_FILES  := .ci/run $(wildcard packaging/release/*.sh tests/*.sh tests/*/*.sh) tests/vm/init

check: deps-check check-format check-arrows check-shell check-spell check-headers check-cppcheck check-tidy ## format, include arrows, static analysis

check-format:
	$(call say,FORMAT)
	$(Q)clang-format -n -Werror $(C_FILES)

check-arrows: $(LIB_OBJ)
	$(call say,ARROWS)
	$(Q)$(PYTHON) tests/lint/arrows.py
	$(Q)$(PYTHON) tests/lint/stamped.py
	$(Q)$(PYTHON) tests/lint/circles.py $(O)

# Each header compiles alone; and what a changed one breaks of the fuzz targets is seen before they are built.
check-headers: $(SKEL)
	$(call say,HEADERS)
	$(Q)for h in $(filter include/% src/%,$(H_FILES)); do \
		echo "#include <linux/types.h>\n#include \"$$h\"" | \
		$(CC) $(CPPFLAGS_) -I. -std=gnu11 $(WARN) -Werror -fsyntax-only -x c - || exit 1; done
	$(Q)for c in $(wildcard tests/fuzz/*.c); do \
		$(CC) $(CPPFLAGS_) -Itests -std=gnu11 -Werror=implicit-function-declaration -fsyntax-only $$c || exit 1; done

check-cppcheck:
	$(call say,CPPCHK)
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability \
		--suppressions-list=tests/lint/cppcheck.txt '-DLIBBPF_OPTS(t,n,...)=struct t n' \
		'-Dbpf_object__for_each_program(p,o)=while(p)' -D_GNU_SOURCE -Iinclude -Isrc src

check-tidy: $(SKEL)
	$(call say,TIDY)
	$(Q)printf '%s\n' $(wildcard src/*/*.c) | xargs -P $(shell nproc) -I{} sh -c 'clang-tidy --quiet \
		--config-file=tests/lint/clang-tidy.yml {} -- $$0 2>/dev/null' '$(filter-out -DPYLEAK_VERSION%,$(CPPFLAGS_)) -DPYLEAK_VERSION=0'

check-shell:
	$(call say,SHELL)
	$(Q)shellcheck -s sh $(SH_FILES)

check-spell:
	$(call say,SPELL)
	$(Q)codespell --ignore-words=tests/lint/words.txt Makefile README.md CONTRIBUTING.md docs .ci include src bpf bench web \
		$(wildcard tests/*.sh tests/*.py) tests/e2e tests/lint tests/vm tests/zoo tests/unit tests/kern tests/safety

.PHONY: judge-mutate stalls faults torture harmless deps deps-test deps-check deps-web mounts roots demo test matrix test-built tests-to-run bench check check-format \
	check-arrows check-headers check-cppcheck check-tidy check-shell check-spell

-include $(C_TESTS:%=%.d)
