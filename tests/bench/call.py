# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a call costs: send+recv pairs, bare, with empty programs (the floor), with sockwatch."""

import contextlib
import json
import os
import random
import subprocess

import figures
import kernel
import machine
import variants

KINDS = {
    "tcp": "TCP",
    "udp": "UDP connected",
    "udpto": "UDP unconnected",
    "shared": "2 cores, 1 socket",
    "separate": "2 cores, 2 sockets",
}
FLOOR = ("floor_send", "floor_recv")
PEERS = ("floor_to", "floor_from")  # on the cgroup, where there is cgroup2


class Worker:
    """The process whose calls are timed, in a namespace of its own."""

    def __init__(self, path, netns):
        cpus = sorted(os.sched_getaffinity(0))
        self.netns = netns
        self.cpus = [cpus[0], cpus[1 % len(cpus)]]
        self.process = subprocess.Popen([path, *map(str, self.cpus)], preexec_fn=netns.enter,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind, batches, count):
        self.process.stdin.write(f"{kind} {batches} {count}\n".encode())
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def rounds(worker, group, plan, quiet):
    """{kind: {variant: [batches of each round]}}, each round in another order."""
    kinds = plan["kinds"]
    samples = {kind: {v.name: [] for v in group} for kind in kinds}
    chance = random.Random(0)
    for _ in range(plan["rounds"]):
        for variant in chance.sample(group, len(group)):
            taken = quiet.sample(variant, lambda: {
                kind: worker.ask(kind, *much) for kind, much in kinds.items()})
            for kind in kinds:
                samples[kind][variant.name].append(taken[kind])
    return samples


def run_time(worker, variant, plan, quiet):
    """{kind: own nanoseconds for each send or recv}, by the kernel's run-time statistics."""
    def measure():
        out = {}
        for kind, much in plan["kinds"].items():
            before = variant.costs()
            worker.ask(kind, *much)
            after = variant.costs()
            runs = sorted(after[n].runs - before[n].runs for n in after)
            ns = sum(after[n].run_ns - before[n].run_ns for n in after)
            out[kind] = ns / sum(runs[-2:]) if sum(runs[-2:]) else None  # the hooks of bytes
        return out

    taken = [quiet.sample(variant, measure) for _ in range(plan["stats_rounds"])]
    return {kind: figures.median([t[kind] for t in taken if t[kind]]) for kind in plan["kinds"]}


@contextlib.contextmanager
def timed(bench):
    """The worker on one CPU; we and what we start on the other."""
    before = os.sched_getaffinity(0)
    with bench.namespace() as netns:
        worker = Worker(bench.built("worker"), netns)
        os.sched_setaffinity(0, {worker.cpus[1]})
        try:
            yield worker
        finally:
            worker.close()
            os.sched_setaffinity(0, before)


def measure(bench):
    plan = {"rounds": bench.rounds or bench.pick(60, 1),
            "stats_rounds": bench.pick(5, 1),
            "kinds": {kind: bench.pick((10, 400), (2, 20)) for kind in KINDS}}
    floor = kernel.Object(bench.built("floor.bpf.o"))
    floored = variants.Programs("floor", floor, FLOOR + (PEERS if kernel.cgroup_root() else ()))
    ours = [variants.Sockwatch(*pair) for pair in bench.sockwatches()]
    quiet = machine.Quiet(bench.pick(300, 0))
    try:
        with timed(bench) as worker:
            samples = rounds(worker, [variants.Bare(), floored, *ours], plan, quiet)
            with kernel.run_time_statistics():
                own = {v.name: run_time(worker, v, plan, quiet) for v in [floored, *ours]}
    finally:
        floor.close()
    return {"plan": plan, "unit": "ns for each send+recv pair", "samples": samples,
            "figures": {kind: figures.compare(samples[kind]) for kind in KINDS},
            "run_time_ns": own, "quiet": quiet.report()}


def ratio(value):
    """Five columns at most; of too few samples, as in a smoke test, it can be anything."""
    if value is None or abs(value) >= 1000:
        return "-"
    return f"{value:.2f}" if -10 < value < 100 else f"{value:.0f}"


def quiet(result):
    of = result["quiet"]
    return (f"{of['beside_other_programs']} of {of['samples']} samples beside other programs,"
            f" {of['taken_again']} taken again")


def rows(result, kinds):
    """A line for each variant of each kind; what is added, against bare and against the floor."""
    yield (f"{'':31} {'p2':>6} {'p10':>6} {'median':>6}   x floor:"
           f" {'p2':>5} {'p10':>5} {'pairs':>5}  5..95 % of p2")
    for kind, title in kinds.items():
        for name, of in result["figures"][kind].items():
            if name == "bare":
                yield f"{title:19} {name:11} {of['p2']:6.0f} {of['p10']:6.0f} {of['median']:6.0f}"
                continue
            add, over = of["added"], of.get("ratio")
            line = f"{'':19} {name:11} {add['p2']:+6.0f} {add['p10']:+6.0f} {add['median']:+6.0f}"
            if over:
                low, high = of["ratio_range"]["p2"]
                line += (f"{'':12} {ratio(over['p2']):>5} {ratio(over['p10']):>5}"
                         f" {ratio(over['paired']):>5}  {ratio(low)}..{ratio(high)}")
            yield line


def table(result):
    yield "one 64-byte send+recv pair on loopback, ns: bare, and what programs add to it, by the"
    yield "2nd and 10th percentile, the median, and the median of neighbours in time (pairs)"
    yield from rows(result, KINDS)
    names = list(result["run_time_ns"])
    yield "own ns for each send or recv, by the kernel's statistics (its clock reads included):"
    for kind, title in KINDS.items():
        yield f"{title:19} " + "  ".join(
            f"{name} {result['run_time_ns'][name][kind] or 0:.0f}" for name in names)
    noise = [result["figures"][kind]["bare"]["spread"] for kind in KINDS]
    yield f"noise: from p10 to p90 of bare {min(noise):.0%} to {max(noise):.0%}; {quiet(result)}"
