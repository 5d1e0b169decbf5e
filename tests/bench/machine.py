# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The machine: what it is, and whether it is quiet enough to measure on."""

import os
import platform
import subprocess
import time

import kernel


def _first_line(*command):
    try:
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                             timeout=20)
        return out.stdout.decode("utf-8", "replace").strip().split("\n")[0]
    except (OSError, subprocess.TimeoutExpired):
        return None


def _field(path, name):
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    return None


def facts(sockwatch):
    """What a number means nothing without."""
    return {
        "machine": platform.machine(),
        "cpu": _field("/proc/cpuinfo", "model name"),
        "cpus": os.cpu_count(),
        "memory_kib": int(_field("/proc/meminfo", "MemTotal").split()[0]),
        "hypervisor": "hypervisor" in (_field("/proc/cpuinfo", "flags") or "").split(),
        "kernel": platform.release(),
        "clock": open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                      encoding="ascii").read().strip(),
        "sockwatch": _first_line(sockwatch, "--version"),
        "commit": _first_line("git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe",
                              "--always", "--dirty"),
        "clang": _first_line("clang", "--version"),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def cpu_seconds():
    """(busy, stolen by the hypervisor) of all CPUs since the boot."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    hertz = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / hertz, ticks[7] / hertz


class Quiet:
    """
    Other programs on the same hooks disturb, and tp_btf sees the whole machine: wait until there
    are none, for at most @patience_s in all, and remember what was taken beside them.
    """

    def __init__(self, patience_s):
        self.left_s = patience_s
        self.rejected = self.disturbed = self.taken = 0

    def wait(self):
        """True when no program is attached anywhere; False when patience is at its end."""
        while kernel.counting_links():
            if self.left_s <= 0:
                return False
            time.sleep(0.02)
            self.left_s -= 0.02
        return True

    def sample(self, variant, measure, tries=8):
        """measure() with @variant attached, and nothing else if that can be had."""
        while True:
            quiet = self.wait()
            variant.on()
            try:
                mine, count = kernel.counting_links(), variant.links()
                value = measure()
                clean = quiet and kernel.counting_links() == mine and count in (None, len(mine))
            finally:
                variant.off()
            tries -= 1
            if clean or tries <= 0 or not quiet:
                self.taken += 1
                self.disturbed += not clean
                return value
            self.rejected += 1

    def report(self):
        return {"samples": self.taken, "beside_other_programs": self.disturbed,
                "taken_again": self.rejected}


class Load:
    """How busy the machine is over a time, ourselves included."""

    def __init__(self):
        self.began, self.cpu = time.monotonic(), cpu_seconds()

    def report(self):
        seconds, (busy, stolen) = time.monotonic() - self.began, cpu_seconds()
        return {"seconds": seconds, "cores_busy": (busy - self.cpu[0]) / seconds,
                "cores_stolen": (stolen - self.cpu[1]) / seconds, "load_1min": os.getloadavg()[0]}
