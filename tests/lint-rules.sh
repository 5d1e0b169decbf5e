#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# House rules that no compiler checks, over the tree in the current folder: licence lines, length,
# white space, header guards, names of machines, commit messages. Prints what is wrong, or nothing.
set -eu

fail=0
bad() {
	echo "$1"
	fail=1
}

lines_with() { # file, pattern, what is wrong with its lines
	if grep -nIE "$2" "$1" >/dev/null; then
		grep -nIE "$2" "$1" | sed "s|:.*|: $3|; s|^|$1:|"
		fail=1
	fi
}

# What is tracked or could be; without git, all but the products.
files() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -type f ! -path './build/*' ! -path './.git/*' ! -path '*/__pycache__/*' | sed 's|^\./||'
	fi | sort | while read -r f; do [ ! -f "$f" ] || echo "$f"; done
}

# The guard of a header: its path, without user/ or include/, which -I takes away.
guard() {
	echo "$1" | sed -e 's|^user/||; s|^include/||; s|\.bpf\.h$|.h|' | tr 'a-z/.-' 'A-Z___'
}

is_source() {
	case $1 in
	*.c | *.h | *.sh | *.py | *.awk | Makefile | */Makefile | .ci/run) return 0 ;;
	esac
	return 1
}

hosts='/(work|farm)/|(deb|security|ftp)\.debian\.|registry\.npm|pypi\.org|proxy\.golang'
for f in $(files); do
	if is_source "$f"; then
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause' ||
			bad "$f: no SPDX line at the top"
		lines=$(wc -l <"$f")
		case $f in
		vmlinux/*) ;;
		*) [ "$lines" -le 600 ] || bad "$f: $lines lines, 600 is the most" ;;
		esac
		lines_with "$f" '[[:space:]]$' "white space at the end"
		case $f in
		vmlinux/*) ;;
		*.c | *.h) # clang-format leaves a line long rather than break it badly
			expand "$f" | LC_ALL=C.UTF-8 grep -nE '^.{101}' | sed "s|:.*|: over 100 columns|; s|^|$f:|" | grep . && fail=1
			;;
		esac
		[ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || bad "$f: no newline at the end"
		[ ! -s "$f" ] || [ -n "$(tail -n 1 "$f")" ] || bad "$f: empty line at the end"
	fi
	case $f in
	*.h)
		want=$(guard "$f")
		[ "$(grep -m 1 '^#ifndef' "$f" || true)" = "#ifndef $want" ] &&
			grep -qx "#define $want" "$f" || bad "$f: the guard is not $want"
		;;
	esac
	lines_with "$f" "$hosts" "names a machine's path or a package host"
done

# `module: Verb what`, 72 columns, no full stop.
if git rev-parse --verify -q HEAD >/dev/null 2>&1; then
	subjects=$(git log --no-merges -n 30 --format='%h %s' |
		grep -vE '^[0-9a-f]+ [A-Za-z0-9_./, -]+: [A-Z].*[^.]$' || true)
	long=$(git log --no-merges -n 30 --format='%s' | grep -E '^.{73}' || true)
	[ -z "$subjects$long" ] || bad "commit not 'module: Verb what' in 72 columns: $subjects$long"
fi
exit $fail
