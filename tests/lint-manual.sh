#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The manual pages as mandoc sees them: tests/lint-manual.sh PAGE... Prints what is wrong.
# That a page we refer to is not installed here is not wrong.
set -eu

if ! command -v mandoc >/dev/null; then
	echo 'mandoc is not installed: the manual pages were not looked at'
	echo '0 passed, 0 failed, 1 skipped'
	exit 0
fi
wrong=$(mandoc -T lint "$@" 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db') ||
	exit 0
echo "$wrong"
exit 1
