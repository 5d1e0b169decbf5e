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
exec /t/gen --each "$2" <"$3" >"$1/out-$2" 2>"$1/err-$2"
