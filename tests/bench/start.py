# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long until there is an answer, with 10,000 sockets open: screen, text, `who`, the end."""

import contextlib
import re
import subprocess
import time

import figures
import own
import watch
from terminal import Terminal

WIDE = (50, 200)  # all tabs have their counts
FULL = re.compile(r"3 Connections (\d+)")


def _shows(sockets):
    """Whether a whole frame is there: tabs that count the sockets, and the line at the bottom."""
    def is_there(lines):
        found = FULL.search("\n".join(lines))
        return bool(found and int(found.group(1)) >= sockets and "q Quit" in lines[-1])
    return is_there


def first_screen(bench, sockets):
    """(seconds to the first screen at all, to the first with all sockets, of the end by q)."""
    view = Terminal([bench.sockwatch], *WIDE, prepare=watch.die_with_us)
    try:
        first = view.wait_for("frame", lambda lines: any("3 Connections" in line for line in lines))
        full = view.wait_for("whole frame", _shows(sockets))
    finally:
        end = view.close()
    return first, full, end


def log_start(bench, _):
    began = time.monotonic()
    log = own.Logger(bench.sockwatch)
    ready = time.monotonic() - began
    return ready, log.stop()[1]


def command(*argv):
    began = time.monotonic()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def has_command(bench, name):
    text = subprocess.run([bench.sockwatch, "--help"], stdout=subprocess.PIPE, check=True).stdout
    return re.search(rf"^\s+{name}\s", text.decode(), re.M) is not None


def measure(bench):
    sockets, times = bench.pick(10000, 100), {}
    with bench.namespace() as netns:
        load = watch.Load(bench.built("load"), netns, *watch.pairs(sockets, 0.01, 10))
        ss = ("ss", "-Htlnp", f"sport = :{load.ports[0]}")
        try:
            for _ in range(bench.pick(12, 1)):
                taken = dict(zip(("screen", "full screen", "end by q"),
                                 first_screen(bench, sockets)))
                taken.update(zip(("log ready", "log's end"), log_start(bench, sockets)))
                if has_command(bench, "who"):
                    taken["who"] = command(bench.sockwatch, "who", str(load.ports[0]))
                with contextlib.suppress(OSError, subprocess.CalledProcessError), netns.inside():
                    taken["ss"] = command(*ss)
                for name, seconds in taken.items():
                    times.setdefault(name, []).append(seconds)
        finally:
            load.close()
    return {"sockets": sockets, "seconds": times,
            "figures": {name: {"p10": figures.p10(v), "median": figures.median(v), "max": max(v)}
                        for name, v in times.items()}}


TITLES = {
    "screen": "first screen (`starting ...`)",
    "full screen": "first screen with all sockets",
    "end by q": "end by `q`",
    "log ready": "log: first record, all sockets read",
    "log's end": "log: end by SIGTERM, last interval",
    "who": "sockwatch who PORT",
    "ss": "beside it: ss -tlnp of that port",
}


def table(result):
    yield f"with {result['sockets']} sockets open, ms from exec (or from the key, the signal)"
    yield f"{'':40} {'p10':>7} {'median':>7} {'max':>7}"
    for name, title in TITLES.items():
        of = result["figures"].get(name)
        if of:
            yield f"{title:40} " + " ".join(f"{s * 1e3:7.1f}" for s in of.values())
        else:
            yield f"{title:40} skipped: " + (
                "sockwatch has no such command" if name == "who" else "ss is not installed")
