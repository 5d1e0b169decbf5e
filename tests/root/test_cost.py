# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What sockwatch costs, and what it says of that."""

import os
import re
import socket
import time

import capture
import case
import checker
from capture import NOBODY, SOCKWATCH, Failed, Skipped, Sockwatch, as_nobody, wait_for
from case import Case
from test_scenarios import Scenario

STEPS = ["probe", "open", "load", "attach", "output", "snapshot"]
CALLS = 5000  # send and recv each
NS = range(5, 50000)  # what an event can cost on whatever machine this is


def _start():
    """-v says how long each step of the start took, and the steps add up to the whole."""
    got = case.run(SOCKWATCH, *case.LOG, "-v")
    if got.status != 0:
        return [f"status {got.status}: {got.err!r}"]
    found = re.fullmatch(r"sockwatch: start ([\d.]+) ms: (.*)\n", got.err)
    if not found:
        return [f"it said: {got.err!r}"]
    steps = [step.split() for step in found.group(2).split(", ")]
    problems = []
    if [name for name, _ in steps] != STEPS:
        problems.append(f"steps are {steps}")
    total, parts = float(found.group(1)), sum(float(ms) for _, ms in steps)
    if abs(total - parts) > 0.1 * len(steps):
        problems.append(f"{total} ms in all, {parts} ms in parts")
    if not 0 < total < got.seconds * 1000:
        problems.append(f"{total} ms of {got.seconds * 1000} ms")
    return problems


def _ping_pong(netns):
    with netns.inside():
        left, right = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with left, right:
        for end in left, right:
            end.bind(("127.0.0.1", 0))
        left.connect(right.getsockname())
        right.connect(left.getsockname())
        for _ in range(CALLS):
            left.send(b"x" * 64)
            right.recv(64)


def _links(pid):
    """{descriptor: what it is} of a process."""
    links = {}
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            links[fd] = os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        pass  # it ended meanwhile
    return links


def _counts_runs(pid):
    """Whether a process has the kernel count the runs of BPF programs."""
    return "anon_inode:bpf-stats" in _links(pid).values()


def _run_counts(pid):
    """What the kernel has counted for each program of a process."""
    counts = []
    for fd, link in _links(pid).items():
        if link == "anon_inode:bpf-prog":
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                counts += [int(line.split()[1]) for line in file if line.startswith("run_cnt:")]
    return counts


def _cost_problems(log):
    costs = [r for r in log.records if r["sockwatch.record"] == "cost"]
    if not costs:
        return ["no cost record"]
    problems = []
    events = sum(r["sockwatch.programs.events"] for r in costs)
    if events < 2 * CALLS:
        problems.append(f"{events} events for {2 * CALLS} calls")
    busiest = max(costs, key=lambda r: r["sockwatch.programs.events"])
    if busiest["sockwatch.programs.ns_per_event"] not in NS:
        problems.append(f"{busiest['sockwatch.programs.ns_per_event']} ns an event")
    for cost in costs:
        share = cost["sockwatch.programs.ns"] / cost["sockwatch.programs.counted_s"] / 1e7
        if abs(share - cost["sockwatch.programs.percent"]) > 0.001:
            problems.append(f"{cost['sockwatch.programs.percent']} %, not {share}")
        if not 1 << 20 < cost["sockwatch.rss_bytes"] < 1 << 28:
            problems.append(f"RSS {cost['sockwatch.rss_bytes']}")
    if log.end["sockwatch.programs.events"] < events:
        problems.append("the end has fewer events than the intervals")
    return problems


def own_cost(keep, spaces):
    """--own-cost: at least an event a call, each at a believable price."""
    keep[0] = Sockwatch("--own-cost")
    if not _counts_runs(keep[0].process.pid):
        raise Failed("--own-cost does not have the runs counted")
    _ping_pong(spaces[0])
    time.sleep(0.7)
    log = keep[0].stop()
    return log.problems + log.losses() + _cost_problems(log)


def not_asked(keep, spaces):
    """Without it nothing is counted, and the log says nothing of it."""
    keep[0] = Sockwatch()
    counts = _counts_runs(keep[0].process.pid)
    _ping_pong(spaces[0])
    log = keep[0].stop()
    problems = ["counts runs without being asked"] if counts else []
    problems += [f"says {key}" for r in log.records for key in r if "programs" in key]
    return problems + [r for r in log.records if r["sockwatch.record"] == "cost"]


def not_permitted(keep, _spaces):
    """Without CAP_SYS_ADMIN the kernel does not count for us: all else goes on, and it is said."""
    caps = ("bpf", "perfmon", "net_admin")
    keep[0] = Sockwatch("--own-cost", before=as_nobody(*caps), uid=NOBODY)
    time.sleep(0.7)
    log = keep[0].stop()
    costs = [r for r in log.records if r["sockwatch.record"] == "cost"]
    if not costs:
        return ["no cost record"]
    return [f"said {r}" for r in costs if r.get("sockwatch.programs.error") != "EPERM"]


def killed(keep, spaces):
    """kill -9 leaves nothing that counts: it was a descriptor that kept the kernel at it."""
    keep[0] = Sockwatch("--own-cost")
    _ping_pong(spaces[0])
    counted = sum(_run_counts(keep[0].process.pid))
    keep[0].process.kill()
    keep[0].process.wait(5)
    with open("/proc/sys/kernel/bpf_stats_enabled", encoding="ascii") as file:
        others = file.read().strip() != "0"
    if others or any(_counts_runs(pid) for pid in os.listdir("/proc") if pid.isdigit()):
        raise Skipped("others have the kernel count the runs of programs")
    keep[0] = Sockwatch()
    _ping_pong(spaces[0])
    after = _run_counts(keep[0].process.pid)
    keep[0].stop()
    problems = [] if counted >= 2 * CALLS else [f"{counted} runs counted before"]
    return problems + ([f"runs counted after: {after}"] if not after or any(after) else [])


def _stretched(log):
    """The intervals that the budget made, in seconds."""
    return [r["sockwatch.interval_s"] for r in log.records if r["sockwatch.record"] == "interval"]


def budget(keep, spaces, family):
    """--cpu-budget: longer intervals under load, the old ones after it, every byte all the same."""
    keep[0] = Sockwatch("--cpu-budget", "1%", interval="0.1")
    flows, _ = capture.run_gen(spaces[0], "tcp-many", family)
    busy, _ = capture.run_gen(spaces[1], "tcp-busy", family)
    wait_for("intervals as asked", lambda: _stretched(keep[0].read())[-1:] == [0.1], 30)
    log = keep[0].stop()
    problems = log.problems + log.losses() + checker.check(log.in_netns(spaces[0].inode), flows)
    problems += checker.check(log.in_netns(spaces[1].inode), busy)
    intervals = _stretched(log)
    if not max(intervals, default=0) > 0.1:
        problems.append(f"no interval was longer: {intervals}")
    return problems


def groups():
    return [
        Case("cost/start", _start),
        Scenario("cost/own-cost", own_cost),
        Scenario("cost/not-asked", not_asked),
        Scenario("cost/not-permitted", not_permitted),
        Scenario("cost/killed", killed),
    ] + [Scenario(f"cost/budget-v{family}", budget, family) for family in (4, 6)]
