#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The first process of the guest. What it is to do is in /t: `runs`, lines of `LABEL OPTIONS`, and
# for each `cases/LABEL`, lines of `NAME FAMILY COUNT`, and `held/LABEL`, of `NAME FAMILY`;
# `commands`, words; and whether there are `programs` to be verified, or a `shell`. What came of it is
# in /o and leaves as an archive on the disk.

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

wait_for() { # file, word, pid: the word is in the file, or the process or our patience at its end
	waited=0
	until grep -q "$2" "$1" 2>/dev/null; do
		[ -z "${3-}" ] || [ -d "/proc/$3" ] || return 1
		waited=$((waited + 1))
		[ $waited -lt 3000 ] || return 1
		usleep 20000
	done
}

# Sockets that are opened and used, and stay so until they are told to go a step further.
hold() { # folder, list, name
	while read -r name family; do
		[ "$name" = "$3" ] || continue
		held=$1/$name-$family
		mkfifo "$held.in"
		unshare -n /t/cases.sh hold "$family" <>"$held.in" >"$held" 2>>"$1/said" &
		wait_for "$held" ready
	done <"$2"
}

told() { # folder, name, what they say when they have done it
	for held in "$1/$2"-4 "$1/$2"-6; do
		[ -p "$held.in" ] || continue
		echo 1<>"$held.in"
		wait_for "$held" "$3"
	done
}

traffic() { # folder, label
	unshare -n /t/cases.sh "$1" 4 "/t/cases/$2" &
	four=$!
	unshare -n /t/cases.sh "$1" 6 "/t/cases/$2" &
	six=$!
	told "$1" hold-before-start moved
	told "$1" hold-before-start closed
	wait $four $six
	hold "$1" "/t/held/$2" hold-to-the-end
	told "$1" hold-to-the-end moved
}

one_run() { # name, options...
	folder=/o/$1 label=$1
	shift
	mkdir "$folder"
	/t/sockwatch check -f json "$@" >"$folder/check" 2>>"$folder/said" </dev/null
	hold "$folder" "/t/held/$label" hold-before-start
	/t/sockwatch log -f json -o "$folder/log.jsonl" -d 0.3 "$@" >>"$folder/said" 2>&1 </dev/null &
	pid=$!
	! wait_for "$folder/log.jsonl" '"meta"' $pid || traffic "$folder" "$label"
	kill -INT $pid 2>/dev/null
	(sleep 60 && kill -KILL $pid) 2>/dev/null &
	wait $pid
	echo $? >"$folder/status"
	kill $! 2>/dev/null
	told "$folder" hold-to-the-end closed
	for f in "$folder"/*.in; do
		[ ! -p "$f" ] || echo 1<>"$f"
		rm -f "$f"
	done
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
if [ -e /t/programs ]; then
	for object in /t/*.bpf.o; do /t/insns "$object"; done >/o/insns 2>/o/insns.err
fi
phase programs
cp /sys/kernel/btf/vmlinux /o/btf
for command in $(cat /t/commands); do
	timeout 600 /t/sockwatch "$command" >"/o/$command" 2>&1 </dev/null
	echo $? >"/o/$command.status"
	phase "$command"
done
while read -r label options; do
	one_run "$label" $options </dev/null
	phase "$label"
done </t/runs
dmesg >/o/dmesg
tar -cf /dev/nvme0n1 -C /o .
sync
poweroff -f
