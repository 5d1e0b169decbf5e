#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Run cmocka programs and sum up: tests/run-unit.sh PROGRAM...
# A crash, an exit status without a failed test, and a program that runs fewer tests than it
# planned are failures.
set -eu

out=$(mktemp)
trap 'rm -f "$out"' EXIT
export CMOCKA_MESSAGE_OUTPUT=tap UBSAN_OPTIONS=print_stacktrace=1
passed=0 failed=0 skipped=0

for program; do
	status=0
	"$program" >"$out" 2>&1 </dev/null || status=$?
	# cmocka 1.1 calls a skipped test "not ok N # SKIP", and a group without set-up "not ok 0".
	eval "$(awk '
		/^1\.\.[0-9]+$/              { plan += substr($0, 4) }
		/^(not )?ok [1-9]/           { ran++ }
		/^(not )?ok [0-9]+ # SKIP/   { skip++; next }
		/^ok [0-9]/                  { good++ }
		/^not ok [0-9]/              { bad++ }
		END { printf "p=%d f=%d s=%d ran=%d plan=%d", good, bad, skip, ran, plan }' "$out")"
	why=
	if [ "$status" -gt 128 ]; then
		why=" (killed by signal $((status - 128)))"
	elif [ "$ran" -ne "$plan" ] || [ "$plan" -eq 0 ]; then
		why=" (ran $ran of $plan tests)"
	elif [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		why=" (exit status $status)"
	fi
	[ -z "$why" ] || f=$((f + 1))
	word=ok
	[ "$f" -eq 0 ] || word=FAIL
	echo "$word ${program##*/}: $p passed, $f failed, $s skipped$why"
	[ "$f" -eq 0 ] || sed 's/^/    /' "$out"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
