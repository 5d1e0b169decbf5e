#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Prove that the house rules are checked: a small clean tree passes, and each planted fault is found.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0 failed=0
spdx='SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause'

file() { # path, lines...: write a source file with its licence line
	path=$1
	shift
	mkdir -p "$(dirname "$path")"
	{ echo "/* $spdx */"; printf '%s\n' "$@"; } >"$path"
}
header() { # path, guard, lines...
	path=$1 guard=$2
	shift 2
	file "$path" "#ifndef $guard" "#define $guard" "$@" "#endif"
}

clean_tree() {
	rm -rf "$tree/t"
	mkdir "$tree/t"
	cd "$tree/t"
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CEILING_DIRECTORIES="$tree"
	header include/sockwatch_abi.h SOCKWATCH_ABI_H
	header vmlinux/vmlinux.h VMLINUX_VMLINUX_H
	header bpf/maps.bpf.h BPF_MAPS_H '#include "sockwatch_abi.h"'
	file bpf/sockwatch.bpf.c '#include "vmlinux/vmlinux.h"' '#include <bpf/bpf_helpers.h>' '#include "maps.bpf.h"'
	header user/util/buf.h UTIL_BUF_H '#include <stddef.h>'
	header user/event/event.h EVENT_EVENT_H
	header user/model/table.h MODEL_TABLE_H '#include "event/event.h"'
	header user/opts.h OPTS_H
	header user/tui/screen.h TUI_SCREEN_H
	header user/traffic/tally.h TRAFFIC_TALLY_H
	file user/traffic/tally.c '#include "traffic/tally.h"' '#include "event/event.h"'
	file user/selftest.c '#include "traffic/tally.h"' '#include "opts.h"'
	file user/model/table.c '#include "table.h"' '#include "util/buf.h"'
	file user/tui/term.c '#include <ncursesw/curses.h>' '#include "model/table.h"'
	file user/capture/live.c '#include "sockwatch.skel.h"' '#include "sockwatch_abi.h"' '#include <bpf/libbpf.h>'
	file user/main.c '#include "opts.h"' '#include "model/table.h"'
	file tests/unit/test_table.c '#include "model/table.h"'
}

includes() {
	awk -f "$here/lint-includes.awk" $(find bpf include user -name '*.[ch]' | sort)
}

case_of() { # what to expect ("" = nothing), check, what is planted
	expected=$1 check=$2 planted=$3 word=ok
	said=$($check 2>&1) && status=0 || status=1
	if [ -z "$expected" ]; then
		[ "$status" -eq 0 ] && [ -z "$said" ] || word=FAIL
	else
		[ "$status" -eq 1 ] && [ "$(echo "$said" | wc -l)" -eq 1 ] || word=FAIL
		case $said in *"$expected"*) ;; *) word=FAIL ;; esac
	fi
	echo "$word $planted"
	if [ $word = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$said" | sed 's/^/    /'
	fi
}

plant_include() { # file, include line, what is said
	clean_tree
	echo "$2" >>"$1"
	case_of "$3" includes "$1: $2"
}

rules() {
	"$here/lint-rules.sh"
}

plant_rule() { # what is planted, how, what is said
	clean_tree
	eval "$2"
	case_of "$3" rules "$1"
}

manual() {
	"$here/lint-manual.sh" page.1
}

plant_manual() { # what is planted, line, what is said
	clean_tree
	printf '%s\n' '.Dd November 23, 2026' '.Dt PAGE 1' .Os '.Sh NAME' '.Nm page' '.Nd text' \
		'.Sh DESCRIPTION' "$2" >page.1
	case_of "$3" manual "$1"
}

clean_tree
case_of "" includes "includes: a clean tree"
plant_include user/model/table.c '#include "tui/term.h"' 'no such header of ours: tui/term.h'
plant_include user/model/table.c '#include "tui/screen.h"' 'model may not include user/tui/screen.h'
plant_include user/util/buf.h '#include "event/event.h"' 'util may not include user/event/event.h'
plant_include user/model/table.c '# include "sockwatch_abi.h"' 'model may not include include/sockwatch_abi.h'
plant_include user/model/table.c '#include "opts.h"' 'model may not include user/opts.h'
plant_include user/model/table.c '#include "traffic/tally.h"' 'model may not include user/traffic/tally.h'
plant_include user/traffic/tally.c '#include "model/table.h"' 'traffic may not include user/model/table.h'
plant_include user/model/table.c '	#include <event/event.h>' 'is ours: write it in quotes'
plant_include user/model/table.c '#include "../event/event.h"' 'not relative'
plant_include user/model/table.c '#include <curses.h>' 'belongs to user/tui/term.c'
plant_include user/main.c '#include <ncursesw/ncurses.h>' 'belongs to user/tui/term.c'
plant_include user/main.c '#include "sockwatch.skel.h"' 'belongs to user/capture/live.c'
plant_include user/main.c '#include <bpf/libbpf.h>' 'belongs to user/capture/'
plant_include bpf/maps.bpf.h '#include "util/buf.h"' 'bpf may not include user/util/buf.h'
plant_include include/sockwatch_abi.h '#include "vmlinux.h"' 'include may not include vmlinux/vmlinux.h'
plant_include user/main.c '#include HEADER' 'cannot be read'
clean_tree
file user/extra/new.c '#include "opts.h"'
case_of "the layer extra is not in the table" includes "a layer nobody knows"

if command -v mandoc >/dev/null; then
	plant_manual "manual: a clean page" 'Text.' ""
	plant_manual "an unknown macro" .Nonsense 'skipping unknown macro'
	plant_manual "a wrong name of a section" '.Sh SEEALSO' 'possible typo in section name'
fi

plant_rule "rules: a clean tree" : ""
plant_rule "no licence line" 'echo "int x;" >user/x.c' 'user/x.c: no SPDX line'
plant_rule "601 lines" 'yes "" | sed "s/^/;/" | head -n 598 >>user/main.c' '601 lines, 600 is the most'
plant_rule "white space" 'printf "int x; \nint y;\n" >>user/main.c' 'user/main.c:4: white space'
plant_rule "a long line" 'printf "\t/*%089d*/\n\t/*%088d*/\n" 0 0 >>user/main.c' 'user/main.c:4: over 100 columns'
plant_rule "no newline at the end" 'printf "int x;" >>user/main.c' 'no newline at the end'
plant_rule "a wrong guard" 'sed -i s/UTIL_BUF_H/BUF_H/ user/util/buf.h' 'the guard is not UTIL_BUF_H'
plant_rule "a machine's path" 'echo "/* /wor""k/x */" >>user/main.c' "user/main.c:4: names a machine"
plant_rule "a package host" 'echo "see deb.debi""an.org" >README.md' "README.md:1: names a machine"
commit='git init -q . && git add -A && git -c user.name=n -c user.email=e commit -q -m'
plant_rule "a good commit" "$commit 'model: Add the table of rows'" ""
plant_rule "a commit without a module" "$commit 'Add the table of rows'" "not 'module: Verb what'"
plant_rule "a commit with a full stop" "$commit 'model: Add the table.'" "not 'module: Verb what'"
plant_rule "a long commit" "$commit 'model: Add $(printf %070d 0)'" "not 'module: Verb what'"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
