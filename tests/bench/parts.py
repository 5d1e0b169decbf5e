# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where the time of the hot path goes: its parts one after the other, and changes to it."""

import call
import figures
import kernel
import machine
import variants

PARTS = ("family", "result", "storage", "who", "owner", "peer", "add", "epoch",
         "lean", "plain_add", "no_start", "pid_helper", "leader", "no_family", "no_peer", "jiffies",
         "ktime", "line", "bytes_only")
SHORTCUTS = ("array", "current", "walk", "no_helper", "walk_bytes", "walk_plain", "task_only",
             "known", "known_walk")
HOOKS = ("send_length", "recv_length", "udp_sendmsg4", "udp_recvmsg4")
RELEASE_AT, RELEASE_ALL = 8, 7  # in struct sw_live: as if the end of all sockets were seen
KINDS = ("tcp", "udp", "udpto")


def objects(bench):
    """Other builds of the whole program: those of their programs that a call passes."""
    return [(name, kernel.Object(path, HOOKS, {RELEASE_AT: RELEASE_ALL}), HOOKS)
            for name, path in bench.objects]


def measure(bench):
    plan = {"rounds": bench.rounds or bench.pick(60, 1),
            "kinds": {kind: bench.pick((10, 400), (2, 20)) for kind in KINDS}}
    floor, parts, shortcut = (kernel.Object(bench.built(f"{name}.bpf.o"))
                              for name in ("floor", "parts", "shortcut"))
    quiet = machine.Quiet(bench.pick(600, 0))
    whole = objects(bench)
    group = [variants.Bare(), variants.Programs("floor", floor, call.FLOOR + call.PEERS),
             *(variants.Programs(*one) for one in whole),
             *(variants.Programs(n, obj, (f"{n}_send", f"{n}_recv"))
               for obj, names in ((parts, PARTS), (shortcut, SHORTCUTS))
               for n in names if not bench.only or n in bench.only)]
    try:
        with call.timed(bench) as worker:
            samples = call.rounds(worker, group, plan, quiet)
    finally:
        for obj in (*(o for _, o, _ in whole), shortcut, parts, floor):
            obj.close()
    return {"plan": plan, "unit": "ns for each send+recv pair", "samples": samples,
            "figures": {kind: figures.compare(samples[kind]) for kind in KINDS},
            "quiet": quiet.report()}


def table(result):
    yield "ns added to a send+recv pair"
    yield from call.rows(result, {kind: kind.upper() for kind in KINDS})
    yield call.quiet(result)
