#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What sockwatch costs. Needs root; README.md says what each number is.

    run.py [-k PART]... [--list] [--smoke] [--against NAME=PROGRAM]... [--rounds N]
           [--only NAME,...] [--object NAME=FILE]... [--out DIR]

  call.py       what a call costs: send+recv pairs
  stream.py     throughput of one fast stream
  own.py        CPU and memory of sockwatch itself
  curve.py      ticks and sweeps from 1,000 to 100,000 sockets
  start.py      time to the first screen, to an answer, to the end
  beside.py     what a user would take instead
  watch.py      a process seen from outside; loads
  terminal.py   a program in a pseudo-terminal
  kernel.py     what is loaded in the kernel, by whom
  variants.py   what is attached while calls are timed
  parts.py      an experiment: the hot path taken apart (parts.bpf.c, shortcut.bpf.c)
  machine.py    the machine, and whether it is quiet
  figures.py    samples in, figures out
"""

import argparse
import contextlib
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.append(os.path.join(ROOT, "tests", "root"))

import beside  # noqa: E402
import call  # noqa: E402
import curve  # noqa: E402
import machine  # noqa: E402
import netns  # noqa: E402
import own  # noqa: E402
import parts  # noqa: E402
import start  # noqa: E402
import stream  # noqa: E402

COLUMNS = 100  # of a terminal
KEYS = ("part", "machine", "load")  # of each JSON file
PARTS = {"call": call, "stream": stream, "own": own, "curve": curve, "start": start,
         "beside": beside}
EXPERIMENTS = {"parts": parts}  # only when asked for by name


class Bench:
    """What the parts are given."""

    def __init__(self, args):
        self.build = os.environ.get("BUILD", os.path.join(ROOT, "build"))
        self.sockwatch = os.path.join(self.build, "sockwatch")
        self.smoke = args.smoke
        self.rounds = args.rounds
        self.only = args.only.split(",") if args.only else []
        self.objects = [pair.split("=", 1) for pair in args.object]
        self.against = [pair.split("=", 1) for pair in args.against]

    def built(self, name):
        return os.path.join(self.build, "tests", "bench", name)

    def pick(self, full, smoke):
        return smoke if self.smoke else full

    def say(self, text):
        if not self.smoke:
            print(f"# {text}", file=sys.stderr, flush=True)

    def sockwatches(self):
        """(name, path) of ours and of those to compare it with."""
        return [("sockwatch", self.sockwatch), *self.against]

    @contextlib.contextmanager
    def namespace(self):
        space = netns.Netns()
        try:
            yield space
        finally:
            space.close()


def parse_args():
    parser = argparse.ArgumentParser(description="what sockwatch costs")
    parser.add_argument("-k", metavar="PART", action="append", default=[],
                        help="only parts with it in the name; may be repeated")
    parser.add_argument("--list", action="store_true", help="names of the parts")
    parser.add_argument("--smoke", action="store_true",
                        help="one round of tiny counts: do the tools run; the numbers mean nothing")
    parser.add_argument("--against", metavar="NAME=PROGRAM", action="append", default=[],
                        help="another build of sockwatch, measured in the same rounds")
    parser.add_argument("--object", metavar="NAME=FILE", action="append", default=[],
                        help="of parts: another build of sockwatch.bpf.o")
    parser.add_argument("--rounds", metavar="N", type=int, help="of call, stream, parts")
    parser.add_argument("--only", metavar="NAME,...", help="of parts: these variants alone")
    parser.add_argument("--out", metavar="DIR", help="where the JSON goes (default build/bench)")
    return parser.parse_args()


def run_part(name, bench, out):
    """Measure, write the JSON. Returns the lines to be printed."""
    load = machine.Load()
    part = PARTS.get(name) or EXPERIMENTS[name]
    result = {"part": name, **part.measure(bench), "load": load.report(),
              "machine": machine.facts(bench.sockwatch), "smoke": bench.smoke}
    with open(os.path.join(out, f"{name}.json"), "w", encoding="ascii") as file:
        json.dump(result, file, indent=1)
    load = result["load"]
    return [f"== {name}: {load['seconds']:.0f} s, {load['cores_busy']:.1f} cores busy, "
            f"{load['cores_stolen']:.2f} stolen", *part.table(result)]


def smoke(names, bench, out):
    """Does each part run and leave what it should? Says nothing of the numbers."""
    failed = 0
    for name in names:
        problems = []
        try:
            lines = run_part(name, bench, out)
            with open(os.path.join(out, f"{name}.json"), encoding="ascii") as file:
                result = json.load(file)
            problems += [f"line of {len(line)} columns" for line in lines if len(line) > COLUMNS]
            problems += [f"no {key}" for key in KEYS if not result.get(key)]
            problems += [f"no {key} of the machine" for key in ("cpu", "kernel", "sockwatch")
                         if not result.get("machine", {}).get(key)]
            if not {"figures", "loads", "points"} & set(result):
                problems.append("nothing measured")
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            problems.append(repr(error))
        failed += bool(problems)
        print(f"FAIL bench {name}: {'; '.join(problems)}" if problems else f"ok bench {name}",
              flush=True)
    print(f"{len(names) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def main():
    args = parse_args()
    names = [n for n in PARTS if not args.k or any(k in n for k in args.k)]
    names += [n for n in EXPERIMENTS if n in args.k]
    if args.list:
        print(*PARTS, *EXPERIMENTS, sep="\n")
        return 0
    if os.geteuid() != 0:
        print("run.py: the benchmarks need root: nothing was measured", file=sys.stderr)
        return 77
    bench = Bench(args)
    out = args.out or os.path.join(bench.build, "bench", "smoke" if args.smoke else "")
    os.makedirs(out, exist_ok=True)
    if args.smoke:
        return smoke(names, bench, out)
    for name in names:
        print(*run_part(name, bench, out), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
