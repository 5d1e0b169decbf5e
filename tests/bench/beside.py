# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a user would take instead, on the same load: its cost to calls, and what it takes itself."""

import contextlib
import os
import shutil
import subprocess
import threading
import time

import call
import figures
import machine
import variants
import watch

SCRIPT = ("tracepoint:sock:sock_send_length { @tx[pid, comm] = sum(args->ret); } "
          "tracepoint:sock:sock_recv_length { @rx[pid, comm] = sum(args->ret); } "
          "interval:s:1 { print(@tx); clear(@tx); print(@rx); clear(@rx); } "
          "interval:ms:100 /@on == 0/ { @on = 1; printf(\"on\\n\"); }")
TRACEFS = ("mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; "
           "exec bpftrace -e '" + SCRIPT + "'")
TOOLS = {  # name: command, what it says once it works
    "bpftrace": (["unshare", "-m", "sh", "-c", TRACEFS], "on\n"),
    "nethogs": (["nethogs", "-t", "-a", "-d", "1", "lo"], "Refreshing:"),
    "iftop": (["stdbuf", "-oL", "iftop", "-t", "-n", "-N", "-P", "-i", "lo"], "Listening on"),
}
SS, SS_NAME = ("ss", "-Htuanp"), "ss each second"
LOADS = ("1,000 busy", "10,000 open", "fast stream")


def tools(netns, cpu=None):
    """([variants of what is installed], {name: why not})."""
    found, skipped = [], {}
    for name, (command, sign) in TOOLS.items():
        if shutil.which(name):
            found.append(variants.Command(name, command, sign, cpu, netns))
        else:
            skipped[name] = "not installed (make bench-deps)"
    if not shutil.which("ss"):
        skipped[SS_NAME] = "not installed (make bench-deps)"
    return found, skipped


def on_calls(bench, quiet):
    """({kind: {variant: rounds}}, {tool: why it is not among them})."""
    plan = {"rounds": bench.pick(6, 1),
            "kinds": {"tcp": bench.pick((10, 400), (2, 20)), "udp": bench.pick((10, 400), (2, 20)),
                      "stream": bench.pick((8, 20), (2, 5))}}
    with call.timed(bench) as worker:
        found, skipped = tools(worker.netns, worker.cpus[1])
        group = [variants.Bare(), variants.Sockwatch("sockwatch", bench.sockwatch)]
        for tool in found:
            try:
                tool.on()
                group.append(tool)
            except RuntimeError as error:
                skipped[tool.name] = str(error)
            finally:
                tool.off()
        return plan, call.rounds(worker, group, plan, quiet), skipped


def _poll_ss(netns, seconds):
    """`ss` once a second: its CPU, its memory."""
    used, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        process = subprocess.Popen(SS, stdout=subprocess.DEVNULL, preexec_fn=netns.enter)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        used.append(usage)
        time.sleep(max(0, 1 - (time.monotonic() - began)))
    return {"cpu": sum(u.ru_utime + u.ru_stime for u in used) / len(used),
            "rss_peak": max(u.ru_maxrss for u in used) * 1024}


def _observe(variant, seconds):
    variant.on()
    try:
        time.sleep(min(2, seconds))
        seen = watch.observe(variant.process.pid, seconds)
        return {"cpu": seen["cpu"], **watch.memory(variant.process.pid)}
    finally:
        variant.off()


def _beside_load(bench, netns, seconds):
    found, _ = tools(netns)
    out = {}
    for variant in [variants.Sockwatch("sockwatch", bench.sockwatch), *found]:
        try:
            out[variant.name] = _observe(variant, seconds)
        except RuntimeError as error:
            out[variant.name] = {"skipped": str(error)}
    if shutil.which("ss"):
        out[SS_NAME] = _poll_ss(netns, seconds)
    return out


@contextlib.contextmanager
def _stream(bench):
    """One fast stream as long as it lasts; its namespace."""
    over = threading.Event()
    with bench.namespace() as netns:
        worker = call.Worker(bench.built("worker"), netns)

        def play():
            while not over.is_set():
                worker.ask("stream", 10, 10)
                time.sleep(0.02)  # its threads are real-time ones

        thread = threading.Thread(target=play)
        thread.start()
        try:
            yield netns
        finally:
            over.set()
            thread.join()
            worker.close()


@contextlib.contextmanager
def _sockets(bench, name):
    commands = (watch.pairs(bench.pick(2000, 100), 1, 10) if name == LOADS[0] else
                watch.pairs(bench.pick(10000, 100), 0.01, 10))
    with bench.namespace() as netns:
        load = watch.Load(bench.built("load"), netns, *commands)
        try:
            yield netns
        finally:
            load.close()


def measure(bench):
    quiet = machine.Quiet(bench.pick(60, 0))
    bench.say("beside: calls")
    plan, samples, skipped = on_calls(bench, quiet)
    own = {}
    for name in bench.pick(LOADS, LOADS[:1]):
        bench.say(f"beside: {name}")
        with _stream(bench) if name == LOADS[2] else _sockets(bench, name) as netns:
            own[name] = _beside_load(bench, netns, bench.pick(4, 0.2))
    per_s = {v: [b[0] for b in figures.flat(r)] for v, r in samples["stream"].items()}
    return {"plan": plan, "samples": samples, "skipped": skipped, "own": own,
            "figures": {kind: figures.compare(samples[kind], floor="sockwatch")
                        for kind in ("tcp", "udp")},
            "stream_ratio": {v: figures.median(s) / figures.median(per_s["bare"])
                             for v, s in per_s.items()},
            "quiet": quiet.report()}


def _added(result, kind, name):
    of = result["figures"][kind].get(name, {}).get("added")
    if not of:
        return f"{'-':>14}"
    ours = result["figures"][kind]["sockwatch"]["added"]
    return f"{of['p10']:+6.0f} x{of['p10'] / ours['p10']:<6.1f}"


def table(result):
    yield "on the same load: ns added to a send+recv pair (x sockwatch), what is left of a stream"
    yield "(median), and percent of a core and MiB at most that it takes itself"
    yield (f"{'':15} {'TCP pair':>14} {'UDP pair':>14} {'stream':>7}   "
           + "  ".join(f"{name:>13}" for name in result["own"]))
    for name in ("sockwatch", *TOOLS, SS_NAME):
        if name in result["skipped"]:
            yield f"{name:15} skipped: {' '.join(result['skipped'][name].split())}"[:100]
            continue
        cells = []
        for load in result["own"].values():
            of = load.get(name, {})
            cells.append(f"{of['cpu'] * 100:6.2f} {of['rss_peak'] / (1 << 20):6.1f}"
                         if "cpu" in of else f"{'-':>13}")
        stream = result["stream_ratio"].get(name)
        yield (f"{name:15} {_added(result, 'tcp', name)} {_added(result, 'udp', name)}"
               f" {f'{stream:.3f}' if stream else '-':>7}   " + "  ".join(cells))
