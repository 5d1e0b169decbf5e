# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# sockwatch: top for sockets. `make help` lists the targets.
#
#   O=DIR       where products go (default build, or build/san with SAN=1)
#   V=1         print each command
#   WERROR=1    warnings are errors
#   SAN=1       AddressSanitizer and UndefinedBehaviorSanitizer
#   CC=clang    another compiler; CFLAGS, CPPFLAGS and LDFLAGS are added to ours
#   ARGS=...    arguments of `make run`, `make check-root`, `make check-vm` and `make bench`
#   FUZZ_SECONDS=60  how long `make fuzz` runs each target
#   UPDATE=1    let `make check-unit` rewrite the golden files
#
# Nothing is asked of a tool or a library before a recipe runs, since in `make deps run` they may
# only be there by then: a variable made with $(call once,...) is computed at its first use.

VERSION := 0.1.0

PREFIX  ?= /usr/local
sbindir ?= $(PREFIX)/sbin
datadir ?= $(PREFIX)/share
mandir  ?= $(datadir)/man

O := $(if $(filter-out 0,$(SAN)),build/san,build)

ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS     ?= -O2 -g
PKG_CONFIG ?= pkg-config

.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := all

Q    := $(if $(filter-out 0,$(V)),,@)
say   = $(if $(Q),@printf '  %-8s %s\n' '$(1)' '$(2)')
quote = '$(subst ','\'',$(1))'

# ---- tools and flags, each found at its first use ----

once    = $(eval $(1) := $(2))$($(1))
missing = $(error $(1) is missing: run `make deps`)

# A tool by its plain or versioned name, newest first, also where only root's PATH looks.
find-tool = $(or $(shell PATH="$$PATH:/usr/sbin:/sbin"; \
	for n in $(1) $(foreach v,22 21 20 19 18 17 16 15 14 13 12,$(1)-$(v)); do \
		command -v $$n && break; done),$(call missing,$(1)))
pkg = $(if $(shell $(PKG_CONFIG) --exists $(2) 2>/dev/null && echo y),$(shell $(PKG_CONFIG) $(1) $(2)),\
	$(call missing,a library of "$(2)"$(comma) or pkg-config$(comma)))
comma := ,

CLANG      = $(call once,CLANG,$(call find-tool,clang))
LLVM_STRIP = $(call once,LLVM_STRIP,$(call find-tool,llvm-strip))
BPFTOOL    = $(call once,BPFTOOL,$(call find-tool,bpftool))
MACHINE    = $(call once,MACHINE,$(or $(shell $(CC) -dumpmachine),$(call missing,$(CC))))

LIB_CFLAGS = $(call once,LIB_CFLAGS,$(call pkg,--cflags,libbpf ncursesw))
LIB_LIBS   = $(call once,LIB_LIBS,$(call pkg,--libs,libbpf ncursesw) \
	$(shell $(PKG_CONFIG) --libs tinfo 2>/dev/null) -lpthread)
CMOCKA     = $(call once,CMOCKA,$(call pkg,--cflags --libs,cmocka))

werror  := $(if $(filter-out 0,$(WERROR)),-Werror)
san     := $(strip $(if $(filter-out 0,$(SAN)),-fsanitize=address$(comma)undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer) $(if $(FUZZ),-fsanitize=fuzzer-no-link))
fortify := $(if $(san),,$(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),\
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
branch   = $(if $(filter x86_64% i%86%,$(MACHINE)),-fcf-protection,\
	$(if $(filter aarch64%,$(MACHINE)),-mbranch-protection=standard))

WARNINGS := -Wall -Wextra -Wformat=2 -Wshadow $(werror)
INCLUDES := -Iuser -Iinclude -I$(O)

USER_CPPFLAGS = -D_GNU_SOURCE= -DSOCKWATCH_VERSION='"$(VERSION)"' $(fortify) $(INCLUDES) \
	$(LIB_CFLAGS) $(CPPFLAGS)
USER_CFLAGS   = -std=gnu11 $(WARNINGS) -ffile-prefix-map=$(CURDIR)=. \
	-fstack-protector-strong -fPIE $(branch) $(san) $(CFLAGS)
USER_LDFLAGS  = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(san) $(LDFLAGS)

# `-target bpf` forgets where the system's headers are, so ask the same clang without it.
SYSTEM_INCLUDES = $(call once,SYSTEM_INCLUDES,$(shell $(CLANG) -v -E - </dev/null 2>&1 | \
	sed -n '/search starts here:/,/End of search list/{ s| \(/.*\)|-idirafter \1|p; }'))
BPF_CFLAGS      = -g -O2 -target bpf -mcpu=v3 -Wall -Werror -ffile-prefix-map=$(CURDIR)=. \
	-I. -Iinclude -Ivmlinux -Ibpf $(call pkg,--cflags,libbpf) $(SYSTEM_INCLUDES)

# ---- what is built from what ----

BIN  := $(O)/sockwatch
SKEL := $(O)/sockwatch.skel.h
WHO  := $(O)/who.skel.h
LIB  := $(O)/libsockwatch.a
GEN  := $(if $(wildcard tests/root/gen*.c),$(O)/tests/root/gen)

LIB_SRC  := $(filter-out user/main.c,$(wildcard user/*.c user/*/*.c))
UNIT_SRC := $(wildcard tests/unit/*.c)
GEN_SRC  := $(wildcard tests/root/gen*.c)
VM_SRC   := $(wildcard tests/vm/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
BENCH_BPF := $(filter %.bpf.c,$(BENCH_SRC))
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)

object     = $(patsubst %.c,$(O)/%.o,$(1))
UNIT      := $(patsubst %.c,$(O)/%,$(filter tests/unit/test_%,$(UNIT_SRC)))
UNIT_HELP := $(call object,$(filter-out tests/unit/test_%,$(UNIT_SRC)))
VM        := $(patsubst %.c,$(O)/%,$(VM_SRC))
BENCH     := $(patsubst %.c,$(O)/%,$(filter-out $(BENCH_BPF),$(BENCH_SRC)))
BPF       := $(O)/sockwatch.bpf.o $(O)/who.bpf.o $(call object,$(BENCH_BPF))
FUZZERS   := $(patsubst %.c,$(O)/%,$(FUZZ_SRC))
OBJECTS   := $(call object,user/main.c $(LIB_SRC) $(UNIT_SRC) $(GEN_SRC) $(VM_SRC) $(FUZZ_SRC)) \
	$(BENCH:=.o)

.PHONY: all tests deps run check check-unit check-root check-vm bench bench-deps fuzz fuzz-run lint \
	format clean install uninstall help FORCE

## all: build the program
all: $(BIN)

## tests: build the test programs, run none
tests: $(UNIT) $(GEN) $(VM) $(BENCH) $(BPF)

$(BIN): $(O)/user/main.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(LIB): $(call object,$(LIB_SRC)) $(O)/sources
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(OBJECTS): $(O)/%.o: %.c $(O)/flags
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/user/capture/live.o: $(SKEL)
$(O)/user/capture/census.o: $(WHO)

$(SKEL) $(WHO): $(O)/%.skel.h: $(O)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $* >$@

# The BTF stays. The DWARF goes, twenty times as large and read by nobody, and so does what is for
# linkers: relocations of the BTF and labels of jumps, a third of the rest.
$(O)/sockwatch.bpf.o: bpf/sockwatch.bpf.c
$(O)/who.bpf.o: bpf/who.bpf.c
$(call object,$(BENCH_BPF)): $(O)/%.o: %.c
$(BPF): $(O)/flags
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $(filter %.bpf.c,$^)
	$(Q)$(LLVM_STRIP) -g -R .rel.BTF -R .rel.BTF.ext -w -N 'LBB*' $@

$(UNIT): %: %.o $(UNIT_HELP) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -o $@ $^ $(CMOCKA) $(LIB_LIBS)

$(O)/tests/root/gen: $(call object,$(GEN_SRC)) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -o $@ $^ -lpthread

$(VM) $(BENCH): %: %.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -o $@ $^ $(LIB_LIBS)

$(FUZZERS): %: %.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIB_LIBS)

# Two files that change only when their text does: other flags build all anew, and a source
# that is gone leaves the library.
stamp = @mkdir -p $(@D) && printf '%s\n' $(call quote,$(1)) >$@.new && \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(O)/flags: FORCE | $(filter deps,$(MAKECMDGOALS))
	$(call stamp,$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $(USER_LDFLAGS) $(BPF_CFLAGS))

$(O)/sources: FORCE
	$(call stamp,$(LIB_SRC))

-include $(OBJECTS:.o=.d) $(BPF:.o=.d)

# ---- run, check ----

# sudo only where root is needed and we are not root; it is looked for when it is needed.
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
need-root = @[ -z "$(SUDO)" ] || command -v $(firstword $(SUDO) true) >/dev/null || { \
	echo 'make $@ needs root and there is no sudo: run it as root' >&2; exit 1; }

# With goals that only build or run, `make deps` leaves the test packages out.
TEST_GOALS := $(filter check check-unit check-root check-vm bench fuzz lint tests,$(MAKECMDGOALS))
DEPS_KIND  := build $(if $(or $(TEST_GOALS),$(if $(filter-out deps,$(MAKECMDGOALS)),,y)),test) \
	$(if $(filter check-vm,$(MAKECMDGOALS)),vm)

## deps: install what is missing (with `run`: to build; alone or with `check`, `lint`: also to test;
##       with `check-vm`: qemu too)
deps:
	@tests/deps.sh $(DEPS_KIND)

## run: build, then run the live view, as root (ARGS='-b -n 3')
run: $(BIN)
	$(need-root)
	@$(SUDO) $(BIN) $(ARGS)

run_unit := $(if $(UPDATE),UPDATE=$(UPDATE) )tests/run-unit.sh $(UNIT)
run_bench := $(SUDO) env BUILD=$(abspath $(O)) tests/bench/run.py
run_root := $(SUDO) env SOCKWATCH=$(abspath $(BIN)) GEN=$(abspath $(GEN)) tests/root/run.py

## check: every test: unit, root, terminal, that the benchmarks run, and vmlinux.h
check: $(BIN) $(UNIT) $(GEN) $(BENCH) $(BPF)
	$(need-root)
	@tests/stages.sh unit '$(run_unit)' root '$(run_root)' \
		tui '$(SUDO) env SOCKWATCH=$(abspath $(BIN)) tests/tui/run.py || [ $$? = 77 ]' \
		bench '$(run_bench) --smoke -k call -k stream -k start' \
		vmlinux vmlinux/check_btf.py self-check 'vmlinux/check_btf.py --self-check' \
		vm-self-check 'tests/vm/run.py --self-check'

## check-unit: tests that need no root, no kernel and no terminal
check-unit: $(UNIT)
	@$(run_unit)

## check-root: tests with real traffic, as root (ARGS='-k udp' for some of them)
check-root: $(BIN) $(GEN)
	$(need-root)
	@$(run_root) $(ARGS)

## check-vm: the same traffic on other kernels, in qemu (ARGS='-k vm-6.12/' for one of them)
check-vm: $(BIN) $(GEN) $(VM)
	@BUILD=$(abspath $(O)) tests/vm/run.py $(ARGS)

## bench: what it costs, as root, on an otherwise idle machine (ARGS='-k call' for some of it)
bench: $(BIN) $(BENCH) $(BPF)
	$(need-root)
	@$(run_bench) $(ARGS)

## bench-deps: install what `make bench` compares with, if it can be had
bench-deps:
	@tests/deps.sh bench

## fuzz: random input, with clang's libFuzzer and sanitizers (FUZZ_SECONDS=5 for a short run)
fuzz:
	@$(MAKE) --no-print-directory O=$(O)/fuzz CC='$(CLANG)' SAN=1 FUZZ=1 fuzz-run

fuzz-run: $(FUZZERS)
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' tests/fuzz/run.sh $(FUZZERS)

## lint: format, layers, house rules, static analysis, layout of the ABI
lint: | $(filter deps,$(MAKECMDGOALS))
	@CC='$(CC)' CLANG='$(CLANG)' tests/lint.sh

## format: lay out the C files as lint wants them
format:
	clang-format -i $(shell find bpf include user tests -name '*.[ch]')

## clean: remove the products
clean:
	rm -rf $(O)

# ---- install ----

# Man pages go where man looks, the rest of user/share keeps its shape.
SHARE  := $(shell [ ! -d user/share ] || find user/share -type f | sort)
PAGES  := $(filter %.1 %.5 %.7 %.8,$(SHARE))
OTHERS := $(filter-out $(PAGES),$(SHARE))
page   = $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))
other  = $(DESTDIR)$(datadir)/sockwatch/$(patsubst user/share/%,%,$(1))

## install: install below $(DESTDIR)$(PREFIX)
install: $(BIN)
	install -D -m 755 $(BIN) $(DESTDIR)$(sbindir)/sockwatch
	$(foreach f,$(PAGES),install -D -m 644 $(f) $(call page,$(f)) &&) :
	$(foreach f,$(OTHERS),install -D -m 644 $(f) $(call other,$(f)) &&) :

## uninstall: remove what install put there
uninstall:
	rm -f $(DESTDIR)$(sbindir)/sockwatch $(foreach f,$(PAGES),$(call page,$(f)))
	rm -rf $(DESTDIR)$(datadir)/sockwatch

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'
	@sed -n '/^#   [A-Z]/s/^# */  /p' Makefile
