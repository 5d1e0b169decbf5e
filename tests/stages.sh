#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Run stages one after the other and sum up: tests/stages.sh NAME COMMAND [NAME COMMAND]...
# A stage that closes with "N passed, N failed, N skipped" counts as that many tests, any other
# as one. All stages run, even after one has failed.
set -euo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

while (($# > 1)); do
	name=$1 command=$2 status=0 began=$SECONDS
	shift 2
	echo "== $name"
	bash -c "$command" 2>&1 | tee "$log" || status=$?
	counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1) || true
	if [[ -n $counts ]]; then
		read -r p _ f _ s _ <<<"$counts"
		((status == 0 || f > 0)) || f=1
	else
		p=$((status == 0)) f=$((status != 0)) s=0
	fi
	((passed += p, failed += f, skipped += s)) || true
	echo "== $name: $( ((f == 0)) && echo ok || echo FAIL), $((SECONDS - began)) s"
done

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
