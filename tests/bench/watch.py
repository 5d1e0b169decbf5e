# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a process costs, seen from outside; and the loads that it is to watch."""

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import time

import kernel

_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
PAUSE_S, QUIET_S = 0.005, 0.015
MAX_PER_LOAD = 36000  # sockets of two processes: descriptors have a limit


def die_with_us():
    """For preexec_fn: nothing that we start outlives us, however we end."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def cpu_ns(pid):
    """On a CPU so far, all threads."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total


def memory(pid):
    """Bytes resident now and at most, pages shared with others included."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        fields = dict(re.findall(r"^(VmRSS|VmHWM):\s*(\d+) kB", file.read(), re.M))
    return {"rss": int(fields["VmRSS"]) * 1024, "rss_peak": int(fields["VmHWM"]) * 1024}


def slab_bytes():
    """Of the kernel's allocations without a cache of their own: socket storage is among them."""
    with open("/proc/slabinfo", encoding="ascii") as file:
        rows = [line.split() for line in file if line.startswith("kmalloc")]
    return sum(int(row[1]) * int(row[3]) for row in rows)


def observe(pid, seconds):
    """CPU over a time: in all, and of each burst of work between two times of rest."""
    began = time.monotonic()
    first = last = cpu_ns(pid)
    bursts, rest_since, start_of_burst = [], began, None
    while time.monotonic() < began + seconds:
        time.sleep(PAUSE_S)
        now, at = cpu_ns(pid), time.monotonic()
        if now != last:
            if start_of_burst is None:
                start_of_burst = last
            last, rest_since = now, at
        elif start_of_burst is not None and at - rest_since > QUIET_S:
            bursts.append(now - start_of_burst)
            start_of_burst = None
    elapsed = time.monotonic() - began
    return {"seconds": elapsed, "cpu_ns": last - first, "cpu": (last - first) / 1e9 / elapsed,
            "bursts_ns": bursts}


def bpf_bytes(pid):
    """Memory of its maps as the kernel accounts it; socket storage itself is not in it."""
    return kernel.Holdings(pid).map_bytes()


class Load:
    """Processes of tests/bench/load.c in a namespace; ready when this returns."""

    def __init__(self, program, netns, *commands):
        self.processes = [
            subprocess.Popen([program, *map(str, command)], preexec_fn=netns.enter,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE) for command in commands]
        try:
            self.ports = [int(p.stdout.readline()) for p in self.processes]
        except ValueError:
            self.close()
            raise RuntimeError("the load did not start") from None

    def close(self):
        """[what each did], summed."""
        done = {}
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            text = process.stdout.read()
            process.stdout.close()
            process.wait()
            for name, count in json.loads(text or "{}").items():
                done[name] = done.get(name, 0) + count
        return done


def pairs(sockets, active_share, rate):
    """Commands for connections that make this many sockets, split over as many loads as needed."""
    count = -(-sockets // MAX_PER_LOAD)
    each = sockets // count
    return [("pairs", each, max(1, int(each / 2 * active_share)), rate)] * count
