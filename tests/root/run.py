#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Real traffic with known bytes against `sockwatch log`. Needs root; exits 77 without.

    run.py [-k SUBSTRING] [--list] [-v] [--self-check]

  checker.py          rows and expectations in, problems out: pure
  netns.py            a fresh network namespace for each test
  capture.py          runs sockwatch and the generator
  group.py            tests that share one capture
  case.py             tests that are one command
  test_checker.py     a doctored log must not pass (--self-check: only this, without root)
  test_generated.py   every case of gen, IPv4 and IPv6
  test_degraded.py    the same cases without cgroup2, and with it unmounted
  test_errors.py      refusals, and the files and descriptors that it is given
  test_selftest.py    sockwatch selftest, also where it must fail
  test_signals.py     text without a terminal, signals, what is left in the kernel
  test_programs.py    nginx, curl, wget, redis, iperf3, socat
  test_scenarios.py   open before the start, signals, same 4-tuple, loss
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

import capture  # noqa: E402
import test_checker  # noqa: E402
import test_degraded  # noqa: E402
import test_errors  # noqa: E402
import test_generated  # noqa: E402
import test_programs  # noqa: E402
import test_scenarios  # noqa: E402
import test_selftest  # noqa: E402
import test_signals  # noqa: E402


class Report:
    """One line for each test, and the sum."""

    def __init__(self, verbose):
        self.verbose = verbose
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def _count(self, kind, line):
        self.counts[kind] += 1
        print(line, flush=True)

    def progress(self, text):
        if self.verbose:
            print(f"# {text}", flush=True)

    def skipped(self, name, reason):
        self._count("skipped", f"skip {name}: {reason}")

    def failed(self, name, text, path=None):
        where = f" (log: {path})" if path else ""
        self._count("failed", f"FAIL {name}: {text}{where}")

    def result(self, name, problems, path=None):
        """True when there is no problem."""
        if problems:
            self.failed(name, "; ".join(problems), path)
        else:
            self._count("passed", f"ok {name}")
        return not problems

    def close(self):
        """The closing line. Returns the exit status."""
        print(", ".join(f"{n} {kind}" for kind, n in self.counts.items()), flush=True)
        return 1 if self.counts["failed"] else 0


def parse_args():
    parser = argparse.ArgumentParser(description="sockwatch against traffic with known bytes")
    parser.add_argument("-k", metavar="SUBSTRING", default="", help="only tests with it in the name")
    parser.add_argument("--list", action="store_true", help="names of the tests")
    parser.add_argument("-v", action="store_true", help="say the namespace of each test")
    parser.add_argument("--self-check", action="store_true",
                        help="only the tests of the checker: no root, no sockwatch")
    return parser.parse_args()


def main():
    args = parse_args()
    suites = [test_checker.Checker()]
    if not args.self_check:
        for program in (capture.SOCKWATCH, capture.GEN):
            if not os.access(program, os.X_OK) and not (args.list and program == capture.SOCKWATCH):
                sys.exit(f"run.py: {program} is not there: run make first")
        for module in (test_generated, test_programs, test_scenarios, test_degraded, test_errors,
                       test_selftest, test_signals):
            suites += module.groups()
    if args.list:
        for suite in suites:
            print(*(n for n in suite.names() if args.k in n), sep="\n")
        return 0
    if os.geteuid() != 0 and not args.self_check:
        print("run.py: the root tests need root: nothing was tested", file=sys.stderr)
        return 77
    report = Report(args.v)
    for suite in suites:
        suite.run(lambda name: args.k in name, report)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
