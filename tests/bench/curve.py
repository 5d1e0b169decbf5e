# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From 1,000 to 100,000 sockets: CPU of a tick, time of the sweep, memory, start."""

import os
import signal
import time

import figures
import kernel
import own
import watch

SWEEPS = 7
POINTS = ((1000, 0.01), (3000, 0.01), (10000, 0.01), (30000, 0.01), (100000, 0.01),
          (1000, 1), (10000, 1), (100000, 1))


def sweeps(pid):
    """
    (bytes, ms) of the sweep, run from here while sockwatch is stopped: the first time with what the
    last second left, then with nothing to tell. None if it has no such iterator.
    """
    link = kernel.Holdings(pid).iterator("sweep")
    if link is None:
        return None
    os.kill(pid, signal.SIGSTOP)
    taken = []
    try:
        time.sleep(own.INTERVAL_S)
        for _ in range(SWEEPS):
            before = time.thread_time_ns()
            got = kernel.read_iterator(link)
            taken.append([got, (time.thread_time_ns() - before) / 1e6])
    finally:
        os.kill(pid, signal.SIGCONT)
    return taken


def measure_one(bench, sockets, share):
    commands = watch.pairs(sockets, share, 10 if share < 1 else 5000 / sockets)
    with bench.namespace() as netns:
        load = watch.Load(bench.built("load"), netns, *commands)
        try:
            began = time.monotonic()
            log = own.Logger(bench.sockwatch)
            ready = time.monotonic() - began
            try:
                time.sleep(bench.pick(own.SETTLE_S, 0.1))
                seen = watch.observe(log.pid, bench.pick(5, 0.2))
                memory, swept = watch.memory(log.pid), sweeps(log.pid)
            finally:
                log.stop()
        finally:
            load.close()
    return {"sockets": sockets, "active_share": share, "ready_s": ready, **seen, **memory,
            "sweeps": swept}


def measure(bench):
    points = []
    for sockets, share in bench.pick(POINTS, ((100, 0.01), (300, 1))):
        bench.say(f"curve: {sockets} sockets, {share:.0%} active")
        points.append(measure_one(bench, sockets, share))
    return {"interval_s": own.INTERVAL_S, "points": points}


def table(result):
    yield "`log -d 1` beside open sockets: CPU ms of a tick (mean, longest), of a sweep that"
    yield "finds a second's traffic and of one that finds nothing (ns for each socket), RSS, start"
    yield (f"{'sockets':>8} {'active':>7} {'ms/tick':>8} {'longest':>8} {'sweep':>8}"
           f" {'idle sweep':>10} {'ns/socket':>10} {'RSS MiB':>8} {'ready ms':>9}")
    for p in result["points"]:
        ticks = max(1, round(p["seconds"] / result["interval_s"]))
        dirty = idle = each = "-"
        if p["sweeps"]:
            rest = figures.median([ms for _, ms in p["sweeps"][1:]])
            dirty, idle = f"{p['sweeps'][0][1]:.2f}", f"{rest:.2f}"
            each = f"{rest * 1e6 / p['sockets']:.0f}"
        yield (f"{p['sockets']:8} {p['active_share']:7.0%} {p['cpu_ns'] / ticks / 1e6:8.2f}"
               f" {max(p['bursts_ns'], default=0) / 1e6:8.2f} {dirty:>8} {idle:>10} {each:>10}"
               f" {own.mebi(p['rss']):>8} {p['ready_s'] * 1e3:9.0f}")
