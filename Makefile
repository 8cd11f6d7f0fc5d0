# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make help` lists the targets. Everything built lands below $(O); what is generated is not committed.

O        ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
VERSION  := 0.2.0

CC       ?= gcc
CLANG    ?= $(firstword $(foreach c,clang clang-14 clang-16 clang-19,$(if $(shell command -v $(c)),$(c))) clang)
BPFTOOL  ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
PKGS     := libbpf libdw libelf libxxhash libzstd zlib libprotobuf-c libmicrohttpd libseccomp libcap-ng ncursesw
ARCHDIR  := $(shell $(CC) -print-multiarch 2>/dev/null)

Q        := $(if $(filter 1,$(V)),,@)
say       = $(if $(Q),@printf '  %-7s %s\n' $(1) $(2))

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef \
            -Wvla -Wpointer-arith -Wimplicit-fallthrough -Wold-style-definition $(if $(CI),-Werror)
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CPPFLAGS_ := -D_GNU_SOURCE -DPYLEAK_VERSION='"$(VERSION)"' $(if $(STATIC),-DPYLEAK_STATIC) -Iinclude -Isrc -I$(O)
CFLAGS_  := -std=gnu11 -O2 -g $(WARN) $(HARDEN) -ffile-prefix-map=$(CURDIR)=. \
            $(if $(SAN),-fsanitize=$(SAN) -U_FORTIFY_SOURCE) $(if $(STATIC),-ffunction-sections -fdata-sections)
# STATIC=1: no library is wanted where it runs. packaging/release has the libraries for that.
STATIC_LD := -static-pie -Wl,--gc-sections
LDFLAGS_ := $(if $(STATIC),$(STATIC_LD),-pie) -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))
LIBS      = $(shell pkg-config $(if $(STATIC),--static) --libs $(PKGS)) -lZydis -liberty -llzma -lm
# The host's flags never reach the BPF compiler: -fstack-protector breaks it.
BPF_FLAGS := -g -O2 --target=bpf -mcpu=v3 -Wall -ffile-prefix-map=$(CURDIR)=. -Iinclude -Ivmlinux -Ibpf -I/usr/include/$(ARCHDIR)

ROOMS    := base storage proc container saved dso linetable py sym heap why census places probe ledger stacks ladder track verdict evidence judge record alert confine memory inquiry lines session sweep report compare out screen serve cli command
SRC      := $(sort $(foreach r,$(ROOMS),$(wildcard src/$(r)/*.c)))
LIB_OBJ  := $(SRC:src/%.c=$(O)/%.o)
# Objects of their own: processes are followed by one, however many are watched, and one tells how they are numbered.
OWN      := pids tree
# maps first: the linker resolves the others' extern maps only against what it has seen.
BPF_OBJ  := $(patsubst %,$(O)/bpf/%.bpf.o,maps $(filter-out maps $(OWN),$(patsubst bpf/%.bpf.c,%,$(sort $(wildcard bpf/*.bpf.c)))))
# Generated files come before what includes them.
SKEL     := $(O)/pyleak.skel.h $(OWN:%=$(O)/%.skel.h) $(O)/profile.pb-c.h $(O)/web/page.h

all: $(O)/pyleak-bpf $(O)/report.schema.json $(O)/diff.schema.json ## build build/pyleak-bpf (needs `make deps` once)

$(O)/pyleak-bpf: $(O)/main.o $(O)/libpyleak.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_) $(LDFLAGS) -o $@ $^ $(LIBS)

$(O)/libpyleak.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Told by name before anything is built: a compiler would tell of the first header that is not there.
$(O)/found:
	$(Q)missing=$$(for t in $(firstword $(CC)) $(CLANG) $(BPFTOOL) pkg-config protoc-c $(ESBUILD) $(PYTHON); do command -v $$t >/dev/null || echo $$t; done; \
		for p in $(PKGS); do pkg-config --exists $$p 2>/dev/null || echo $$p; done); \
	[ -z "$$missing" ] || { echo "missing: "$$missing"; make deps installs it" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && touch $@

$(BPF_OBJ) $(OWN:%=$(O)/bpf/%.bpf.o) $(O)/profile.pb-c.h $(O)/web/page.js: | $(O)/found

$(O)/%.o: src/%.c | $(SKEL)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_) $(CPPFLAGS) $(CFLAGS_) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -c -o $@ $<

$(O)/bpf/pyleak.o: $(BPF_OBJ)
	$(call say,BPFLD,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(O)/pyleak.skel.h: $(O)/bpf/pyleak.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name pyleak_bpf > $@

$(OWN:%=$(O)/%.skel.h): $(O)/%.skel.h: $(O)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(O)/profile.pb-c.h: src/out/profile.proto
	$(call say,PROTO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $<

include web/web.mk
include tests/tests.mk

# One page of each command, and completions: all from --help.
$(O)/man/pyleak-bpf.8: $(O)/pyleak-bpf packaging/man.py packaging/options.py
	$(call say,MAN,$(@D))
	$(Q)rm -rf $(@D) && $(PYTHON) -B packaging/man.py $< $(VERSION) $(@D)

$(O)/completions/pyleak-bpf: $(O)/pyleak-bpf packaging/completions.py packaging/options.py
	$(call say,COMPL,$(@D))
	$(Q)$(PYTHON) -B packaging/completions.py $< $(@D)

# Runs where it is built.
$(O)/schema: packaging/schema.c $(O)/libpyleak.a
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS_) $(CPPFLAGS) $(CFLAGS_) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $^ $(LDFLAGS_) $(LDFLAGS) -lm

$(O)/report.schema.json: $(O)/schema
	$(call say,SCHEMA,$@)
	$(Q)$< >$@

$(O)/diff.schema.json: $(O)/schema
	$(call say,SCHEMA,$@)
	$(Q)$< diff >$@

install: all $(O)/man/pyleak-bpf.8 $(O)/completions/pyleak-bpf ## install into $(DESTDIR)$(PREFIX)
	$(Q)install -D -m 755 $(O)/pyleak-bpf $(DESTDIR)$(PREFIX)/sbin/pyleak-bpf
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(O)/man/*.8
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(O)/completions/pyleak-bpf
	$(Q)install -D -m 644 -t $(DESTDIR)$(ZSHDIR) $(O)/completions/_pyleak-bpf
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d $(O)/completions/pyleak-bpf.fish
	$(Q)install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/pyleak-bpf $(O)/report.schema.json $(O)/diff.schema.json docs/why.schema.json

uninstall: ## remove what install put there
	$(Q)rm -f $(DESTDIR)$(PREFIX)/sbin/pyleak-bpf $(DESTDIR)$(PREFIX)/share/man/man8/pyleak-bpf.8 $(DESTDIR)$(PREFIX)/share/man/man8/pyleak-bpf-*.8
	$(Q)rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pyleak-bpf $(DESTDIR)$(ZSHDIR)/_pyleak-bpf
	$(Q)rm -f $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/pyleak-bpf.fish
	$(Q)rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/doc/pyleak-bpf/,report.schema.json diff.schema.json why.schema.json)

# Built once more from a copy of the tree, the way the package builds everywhere.
deb: ## build/pyleak-bpf_VERSION_ARCH.deb (needs `make deps` and debhelper)
	$(Q)rm -rf $(O)/deb && mkdir -p $(O)/deb/src
	$(Q)tar -c --exclude='./build*' --exclude=./$(O) --exclude=./.git . | tar -x -C $(O)/deb/src
	$(Q)cp -r packaging/debian $(O)/deb/src/debian
	$(Q)cd $(O)/deb/src && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc $(if $(JOBS),-j$(JOBS))
	$(Q)mv $(O)/deb/*.deb $(O)/ && rm -rf $(O)/deb
	@ls $(O)/*.deb

# In a root of Debian 12 of its own, from the last commit.
release: ## build/release: the static binary, .deb, wheel, image, source, sums (as root)
	@sh tests/deps.sh $(RELEASE_DEPS)
	@sh packaging/release/release.sh $(VERSION) $(O)/release $(or $(JOBS),$(shell nproc)) $(BUILD_DEPS)

clean: ## remove build results
	$(Q)rm -rf $(O)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all install uninstall deb release clean help
.DELETE_ON_ERROR:
.SECONDARY:

-include $(LIB_OBJ:.o=.d) $(BPF_OBJ:.o=.d) $(OWN:%=$(O)/bpf/%.bpf.d) $(O)/main.d
