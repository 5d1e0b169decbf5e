#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Everything about the text of the tree that a script can judge; run by `make lint`.
set -eu

CC=${CC:-gcc} CLANG=${CLANG:-clang}
sources() { # folders: the C files in them; vmlinux.h is aligned by hand and left out
	for d; do [ ! -d "$d" ] || find "$d" -name '*.[ch]'; done | sort | tr '\n' ' '
}
ours=$(sources bpf include user)
all=$(sources bpf include user tests)

# The headers that both sides share have no hidden padding on either. clang looks only at structs
# that are used, so each is.
abi='-fsyntax-only -Wpadded -Werror -Iinclude -x c -'
side='{ printf "#include <linux/types.h>\n#include \"%s_abi.h\"\n" sockwatch who
	sed -n "s/^struct \([a-z0-9_]*\) {.*/char \1_used[sizeof(struct \1)];/p" include/*_abi.h; }'

# Left out: what cppcheck cannot parse or find, and in tests what an assertion has ruled out.
quiet="--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=internalAstError
	--suppress=nullPointerRedundantCheck:tests/\\*"

exec tests/stages.sh \
	format "clang-format --dry-run -Werror $all" \
	includes "awk -f tests/lint-includes.awk $ours" \
	rules tests/lint-rules.sh \
	manual 'tests/lint-manual.sh user/share/man/*' \
	selftest tests/lint-selftest.sh \
	padding "$side | $CC $abi && $side | $CLANG -target bpf \
		-idirafter /usr/include/\$(gcc -dumpmachine) $abi" \
	cppcheck "cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability \
		--inline-suppr --std=c11 -D__linux__ -Iuser -Iinclude $(echo $quiet) $(sources user tests)"
