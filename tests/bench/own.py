# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What sockwatch takes itself beside a load: CPU, memory, records; as a log, as the live view."""

import json
import os
import re
import subprocess
import tempfile
import time

import watch
from terminal import Terminal

INTERVAL_S = 1
SETTLE_S = 2.2
SIZES = ((24, 80), (50, 200))


def loads(bench):
    """{name: (what it is, commands of load.c)}; a connection has both its ends here."""
    size = bench.pick(1, 0.01)
    big = {str(n): watch.pairs(int(n * size), 0.01, 10) for n in (10000, 100000)}
    all_of_them = {
        "100 sockets": ("all active, 10 exchanges a second each", watch.pairs(100, 1, 10)),
        "1,000 busy": ("1,000 connections, 10 exchanges a second each",
                       watch.pairs(int(2000 * size), 1, 10)),
        "10,000 open": ("1 in 100 active, 10 exchanges a second each", big["10000"]),
        "100,000 open": ("1 in 100 active, 10 exchanges a second each", big["100000"]),
        "5,000/s short": ("connections of 1 ms, 64 bytes each way", [("short", int(5000 * size))]),
    }
    picked = bench.pick(list(all_of_them), ["100 sockets", "5,000/s short"])
    return {name: all_of_them[name] for name in picked}


class Logger:
    """`sockwatch log` into a file that is gone with us."""

    def __init__(self, path):
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen([path, "log", "-d", str(INTERVAL_S)], stdout=self.file,
                                        stdin=subprocess.DEVNULL, preexec_fn=watch.die_with_us)
        self.pid = self.process.pid
        while not os.fstat(self.file.fileno()).st_size:
            if self.process.poll() is not None:
                raise RuntimeError("sockwatch log did not start")
            time.sleep(0.005)

    def stop(self):
        """[its records]; seconds of its end."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait()
        seconds = time.monotonic() - began
        self.file.seek(0)
        records = [json.loads(line) for line in self.file]
        self.file.close()
        return records, seconds


def _figures(pid, seen):
    refreshes = max(1, round(seen["seconds"] / INTERVAL_S))
    return {"cpu": seen["cpu"], "cpu_per_refresh_ms": seen["cpu_ns"] / refreshes / 1e6,
            "longest_burst_ms": max(seen["bursts_ns"], default=0) / 1e6,
            "bursts_ns": seen["bursts_ns"], **watch.memory(pid), "maps": watch.bpf_bytes(pid)}


def as_log(bench, seconds):
    slab = watch.slab_bytes()
    log = Logger(bench.sockwatch)
    try:
        time.sleep(bench.pick(SETTLE_S, 0.1))
        out = _figures(log.pid, watch.observe(log.pid, seconds))
        out["slab_growth"] = watch.slab_bytes() - slab
    finally:
        records, _ = log.stop()
    end = records[-1]
    out["records"] = {k: end[f"sockwatch.records.{k}"] for k in ("seen", "delivered", "lost")}
    out["lost"] = end["sockwatch.lost"]
    out["lines"] = len(records)
    return out


def as_live_views(bench, seconds):
    """{size: figures} of one run: the terminal grows meanwhile."""
    out = {}
    view = Terminal([bench.sockwatch, "-d", str(INTERVAL_S)], *SIZES[0], watch.die_with_us)
    try:
        view.wait_for("table", lambda lines: any(re.search("3 ?Conn", line) for line in lines))
        for rows, cols in SIZES:
            view.resize(rows, cols)
            time.sleep(bench.pick(SETTLE_S, 0.1))
            written = view.bytes
            seen = watch.observe(view.pid, seconds)
            out[f"{cols}x{rows}"] = {
                **_figures(view.pid, seen),
                "terminal_bytes_per_refresh": (view.bytes - written) / seen["seconds"] * INTERVAL_S}
    finally:
        view.close()
    return out


def count_short(bench, netns, commands, seconds):
    """Every short connection against the log: what was made, and what was seen and by whom."""
    log = Logger(bench.sockwatch)
    try:
        load = watch.Load(bench.built("load"), netns, *commands)
        began = time.monotonic()
        time.sleep(seconds)
        made = load.close()["connections"]
        took = time.monotonic() - began
        time.sleep(INTERVAL_S)
    finally:
        records, _ = log.stop()
    port = load.ports[0]
    both = [{(r["sockwatch.cookie"]) for r in records
             if r.get("sockwatch.state") == "closed" and r.get(end) == port
             and r.get("process.pid") and r["sockwatch.tx_bytes_total"] == 64
             and r["sockwatch.rx_bytes_total"] == 64}
            for end in ("network.peer.port", "network.local.port")]
    end = records[-1]
    return {"made": made, "per_second": made / took, "clients": len(both[0]),
            "servers": len(both[1]), "records": end["sockwatch.records.seen"],
            "lost": end["sockwatch.lost"]}


def measure(bench):
    out, seconds = {}, bench.pick(5, 0.2)
    for name, (what, commands) in loads(bench).items():
        bench.say(f"own: {name}")
        with bench.namespace() as netns:
            load = watch.Load(bench.built("load"), netns, *commands)
            began = time.monotonic()
            try:
                out[name] = {"what": what, "log": as_log(bench, seconds),
                             **as_live_views(bench, seconds)}
            finally:
                done = load.close()
            out[name]["load"] = {k: v / (time.monotonic() - began) for k, v in done.items()}
            if commands[0][0] == "short":
                out[name]["counted"] = count_short(bench, netns, commands, bench.pick(4, 0.3))
    return {"interval_s": INTERVAL_S, "loads": out}


def mebi(count):
    return f"{count / (1 << 20):.1f}"


def table(result):
    yield "what it takes itself, refreshing each second: percent of a core, CPU ms per refresh (and"
    yield "of the longest burst), MiB resident now and at most, of BPF maps, growth of kernel slabs"
    yield (f"{'':15} {'':7} {'% core':>7} {'ms/refresh':>11} {'longest':>8} {'RSS':>6} {'peak':>6}"
           f" {'maps':>6} {'slabs':>6}")
    base = result["loads"]["100 sockets"]
    for name, of in result["loads"].items():
        title = name
        for way in ("log", *(f"{cols}x{rows}" for rows, cols in SIZES)):
            row = of[way]
            slab = mebi(row["slab_growth"]) if "slab_growth" in row else ""
            yield (f"{title:15} {way:7} {row['cpu'] * 100:7.2f} {row['cpu_per_refresh_ms']:11.2f}"
                   f" {row['longest_burst_ms']:8.2f} {mebi(row['rss']):>6}"
                   f" {mebi(row['rss_peak']):>6} {mebi(row['maps']):>6} {slab:>6}"
                   f"  x{row['cpu'] / (base[way]['cpu'] or 1):.1f}")
            title = ""
        if "counted" in of:
            seen = of["counted"]
            yield (f"  of {seen['made']} connections ({seen['per_second']:.0f}/s) the log has"
                   f" {seen['clients']} as client and {seen['servers']} as server,")
            yield (f"  each with its process and bytes; {sum(seen['lost'].values())} lost of"
                   f" {seen['records']} records")
    yield "last column: x the CPU with 100 sockets"
