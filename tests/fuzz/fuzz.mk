# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# libFuzzer targets (tests/fuzz/fuzz_*.c), each built twice: with the sanitizers, to find what is wrong, and
# with coverage of source lines, to see what the inputs reach. Included by tests/tests.mk.

FUZZ_CC      ?= $(firstword $(foreach c,clang-14 clang clang-16 clang-19,$(if $(shell command -v $(c)),$(c))) clang-14)
FUZZ_SECONDS ?= 600
FUZZ_JOBS    ?= 2

FUZZ_NAMES   := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZERS      := $(FUZZ_NAMES:%=$(O)/fuzz/san/fuzz_%)
FUZZ_COVER   := $(FUZZ_NAMES:%=$(O)/fuzz/cover/fuzz_%)
FUZZ_SHARED  := $(filter-out tests/fuzz/fuzz_%.c,$(wildcard tests/fuzz/*.c))
# Tables that are made for millions of objects cost each input milliseconds, and their ends would never be met.
FUZZ_SMALL   := -DHEAP_WINDOW=32768u -DHEAP_TYPE_BITS=7 -DHEAP_GROUP=24 -DREACH_THREADS=64 -DREACH_MODULES=64 \
                -DWALK_ROWS=64 -DPATHS_DEPTH=200 -DLADDER_SAMPLES=12 -DLADDER_LOOK=40 -DLADDER_SEEN=512u -DLADDER_TURN=40
# Warnings are for the build that is shipped.
FUZZ_FLAGS   := -std=gnu11 -O2 -g -fno-omit-frame-pointer -w $(FUZZ_SMALL)
FUZZ_WRAP    := -Wl,--wrap=open,--wrap=fopen,--wrap=py_pause_us,--wrap=clock_ns,--wrap=getrandom,--wrap=sym_debug_find,--wrap=proc_read_named
# NULL is no memory that AddressSanitizer lets through: asking at each pointer beforehand costs a third of the speed.
FUZZ_san     := -fsanitize=address,undefined -fno-sanitize=null -fno-sanitize-recover=undefined
FUZZ_cover   := -fprofile-instr-generate -fcoverage-mapping
# The instrumentation that guides the fuzzer, of src/ only; -fsanitize=fuzzer adds its main().
FUZZ_lib_san := -fsanitize=fuzzer-no-link
# src/heap and src/why compare words of a process, thousands for each input, of which none stands in the input: noting
# them all, in order to try them as bytes of the next input, costs a third of the speed.
FUZZ_WORDS   := $(O)/fuzz/san/heap/%.o $(O)/fuzz/san/why/%.o $(O)/fuzz/san/census/%.o $(O)/fuzz/san/base/map64.o
FUZZ_RUN      = $(PYTHON) -B tests/fuzz/run.py --build $(O)/fuzz --jobs $(FUZZ_JOBS)

define fuzz_rules
FUZZ_OBJ_$(1) := $(SRC:src/%.c=$(O)/fuzz/$(1)/%.o) $(FUZZ_SHARED:tests/fuzz/%.c=$(O)/fuzz/$(1)/tests/%.o)

$(O)/fuzz/$(1)/%.o: src/%.c | $(SKEL)
	$$(call say,FUZZCC,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_) $(FUZZ_FLAGS) $(FUZZ_$(1)) $(FUZZ_lib_$(1)) \
		$$(if $$(filter $(FUZZ_WORDS),$$@),-fno-sanitize-coverage=trace-cmp) -MMD -MP -c -o $$@ $$<

$(O)/fuzz/$(1)/tests/%.o: tests/fuzz/%.c
	$(Q)mkdir -p $$(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_) -Itests $(FUZZ_FLAGS) $(FUZZ_$(1)) -MMD -MP -c -o $$@ $$<

$(O)/fuzz/$(1)/libpyleak.a: $$(FUZZ_OBJ_$(1))
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^

$(FUZZ_NAMES:%=$(O)/fuzz/$(1)/fuzz_%): $(O)/fuzz/$(1)/fuzz_%: tests/fuzz/fuzz_%.c $(O)/fuzz/$(1)/libpyleak.a
	$$(call say,FUZZLD,$$@)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_) -Itests -Ibpf $(FUZZ_FLAGS) $(FUZZ_$(1)) -fsanitize=fuzzer -MMD -MP -MF $$@.d -o $$@ $$< \
		$(FUZZ_WRAP) $(O)/fuzz/$(1)/libpyleak.a $$(LIBS)

# The tool itself, with the fuzzers' small tables.
$(O)/fuzz/$(1)/pyleak-bpf: src/main.c $(O)/fuzz/$(1)/libpyleak.a
	$$(call say,FUZZLD,$$@)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_) $(FUZZ_FLAGS) $(FUZZ_$(1)) $(FUZZ_lib_$(1)) -o $$@ $$^ $$(LIBS)

-include $$(FUZZ_OBJ_$(1):.o=.d)
endef
$(foreach kind,san cover,$(eval $(call fuzz_rules,$(kind))))
-include $(FUZZERS:%=%.d) $(FUZZ_COVER:%=%.d)

fuzzers: $(FUZZERS)

fuzz: deps-test ## search for inputs that break a reader: FUZZ_SECONDS=600 of each, FUZZ_JOBS=2, FUZZ=names
	$(Q)$(MAKE) --no-print-directory $(FUZZERS) $(FUZZ_COVER)
	$(Q)$(FUZZ_RUN) --seconds $(FUZZ_SECONDS) --coverage $(FUZZ)

fuzz-coverage: deps-test ## which lines of the readers the kept inputs reach
	$(Q)$(MAKE) --no-print-directory $(FUZZ_COVER)
	$(Q)$(FUZZ_RUN) --coverage $(FUZZ)

.PHONY: fuzz fuzzers fuzz-coverage
