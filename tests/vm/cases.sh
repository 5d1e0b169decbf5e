#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Cases of the generator in this network namespace, which nobody has used yet:
#   cases.sh FOLDER FAMILY LIST   those of the list that end by themselves, one after the other
#   cases.sh hold FAMILY          the one that goes from step to step

ifconfig lo up
echo 3 >/proc/sys/net/ipv4/tcp_fastopen
echo 0 0 >/proc/sys/net/ipv4/ping_group_range
[ "$1" != hold ] || exec /t/gen hold "-$2"

# One that must say something is tried again.
one_case() { # name, family, what it must say or -, count
	try=0
	while [ $try -lt 4 ]; do
		try=$((try + 1))
		said=$(/t/gen "$1" "-$2" -c "$4" </dev/null)
		status=$?
		echo "$said"
		case $3:$said in
		-:*) break ;;
		*"\"event\":\"$3\""*) break ;;
		esac
	done
	echo "end $1-$2 $status"
	echo "end $1-$2 $status" >&2
}

while read -r name family must count; do
	case $name in hold-*) continue ;; esac
	[ "$family" != "$2" ] || one_case "$name" "$family" "$must" "$count"
done <"$3" >"$1/out-$2" 2>"$1/err-$2"
