#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The first process of the guest. What it is to do is in /t: `runs`, lines of `LABEL OPTIONS`, and
# for each `cases/LABEL`, lines of `NAME FAMILY MUST-SAY COUNT`; `commands`, words; and whether
# there is `btf` or `shell`. What came of it is in /o and leaves as text on the console, the only
# way out that every kernel has.

/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mkdir -p /proc /sys /dev /tmp /o
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp
dmesg -n 1
ifconfig lo up
for f in /t/modules/*; do [ ! -e "$f" ] || insmod "$f"; done

# A case in a network namespace of its own, as on the host. One that must say something is tried
# again.
one_case() { # folder, name, family, what it must say or -, count
	try=0 base=$1/$2-$3
	read -r began _ </proc/uptime
	while [ $try -lt 4 ]; do
		try=$((try + 1))
		unshare -n sh -c 'ifconfig lo up; cd /proc/sys/net/ipv4
			echo 3 >tcp_fastopen; echo 0 0 >ping_group_range; cd /
			exec /t/gen "$0" "-$1" -c "$2"' "$2" "$3" "$5" >>"$base.out" 2>>"$base.err" </dev/null
		echo $? >"$base.status"
		if [ "$4" = - ] || grep -q "\"event\":\"$4\"" "$base.out"; then break; fi
	done
	read -r ended _ </proc/uptime
	echo "$2-$3 $began $ended" >>"$1/times"
}

cases_of() { # folder, family, list
	while read -r name family must count; do
		[ "$family" != "$2" ] || one_case "$1" "$name" "$family" "$must" "$count"
	done <"$3"
}

ready() { # folder, pid: wait for the first line of the log; false when the process ended before
	waited=0
	while ! grep -q '"meta"' "$1/log.jsonl" 2>/dev/null; do
		[ -d "/proc/$2" ] || return 1
		waited=$((waited + 1))
		[ $waited -lt 200 ] || return 1
		usleep 100000
	done
}

one_run() { # name, options...
	folder=/o/$1 list=/t/cases/$1
	shift
	mkdir "$folder"
	/t/sockwatch log -f json -o "$folder/log.jsonl" -d 0.3 "$@" >"$folder/said" 2>&1 </dev/null &
	pid=$!
	if ready "$folder" $pid; then
		cases_of "$folder" 4 "$list" &
		four=$!
		cases_of "$folder" 6 "$list"
		wait $four
	fi
	kill -INT $pid 2>/dev/null
	(sleep 20 && kill -KILL $pid) 2>/dev/null &
	wait $pid
	echo $? >"$folder/status"
	kill $! 2>/dev/null
}

phase() { # name of what has just ended
	read -r now _ </proc/uptime
	echo "$1 $now" >>/o/phases
}

if [ -e /t/shell ]; then
	setsid cttyhack sh
	poweroff -f
fi

phase boot
uname -r >/o/release
/t/insns /t/sockwatch.bpf.o >/o/insns 2>/o/insns.err
phase programs
[ ! -e /t/btf ] || cp /sys/kernel/btf/vmlinux /o/btf
for command in $(cat /t/commands); do
	timeout 60 /t/sockwatch "$command" >"/o/$command" 2>&1 </dev/null
	echo $? >"/o/$command.status"
	phase "$command"
done
while read -r label options; do
	one_run "$label" $options </dev/null
	phase "$label"
done </t/runs
echo VM-OUT-BEGIN
tar -cf - -C /o . | gzip -1 | base64
echo VM-OUT-END
poweroff -f
