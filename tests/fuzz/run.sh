#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Run fuzz targets and sum up: tests/fuzz/run.sh PROGRAM...
# Each runs for $FUZZ_SECONDS (default 60), beginning with its kept corpus, corpus/NAME of
# fuzz_NAME. What it finds on the way stays beside the program, and so does an input that fails.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
export ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
passed=0 failed=0

for program; do
	name=${program##*/fuzz_}
	found=${program%/*}/corpus/$name dictionary=$here/$name.dict
	mkdir -p "$found"
	set -- -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=1024 -max_len=1000 \
		-print_final_stats=1 -detect_leaks=1 -artifact_prefix="${program%/*}/$name-"
	[ ! -f "$dictionary" ] || set -- "$@" -dict="$dictionary"
	if "$program" "$@" "$found" "$here/corpus/$name" >"$found.log" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs"
	else
		failed=$((failed + 1))
		echo "FAIL $name:"
		tail -n 60 "$found.log" | cut -c 1-300 | sed 's/^/    /'
	fi
done

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
