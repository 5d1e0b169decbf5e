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
  report.py           a line for each test, and the sum
  test_checker.py     a doctored log must not pass (--self-check: only this, without root)
  test_generated.py   every case of gen, IPv4 and IPv6
  test_counters.py    the counters of TCP sockets themselves, where calls are not seen
  test_degraded.py    the same cases without cgroup2, and with it unmounted
  test_cost.py        what it costs, and what it says of that
  test_errors.py      refusals, and the files and descriptors that it is given
  test_log.py         sockwatch log: the same numbers in all formats, files that live through all
  test_trace.py       sockwatch trace: what is done to sockets, once, in order
  test_check.py       sockwatch check, with less and less permitted
  test_filter.py      what matches a filter is there to the byte, all else is not
  test_selftest.py    sockwatch selftest, also where it must fail
  test_signals.py     text without a terminal, signals, what is left in the kernel
  test_who.py         sockwatch who: every holder, however it came by the socket (who_rig.py)
  test_who_bind.py    sockwatch who --bind against bind()
  test_who_watch.py   sockwatch who --watch: the life of a port
  test_programs.py    nginx, curl, wget, redis, iperf3, socat
  test_scenarios.py   open before the start, signals, same 4-tuple, loss
"""

import os
import sys

sys.dont_write_bytecode = True

import capture  # noqa: E402
import test_check  # noqa: E402
import test_checker  # noqa: E402
import test_cost  # noqa: E402
import test_counters  # noqa: E402
import test_degraded  # noqa: E402
import test_errors  # noqa: E402
import test_filter  # noqa: E402
import test_generated  # noqa: E402
import test_log  # noqa: E402
import test_trace  # noqa: E402
import test_programs  # noqa: E402
import test_scenarios  # noqa: E402
import test_selftest  # noqa: E402
import test_signals  # noqa: E402
import test_who  # noqa: E402
import test_who_bind  # noqa: E402
import test_who_watch  # noqa: E402
from report import Report, options  # noqa: E402


def parse_args():
    parser = options("sockwatch against traffic with known bytes")
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
        for module in (test_generated, test_counters, test_programs, test_scenarios, test_degraded,
                       test_log, test_trace,
                       test_errors, test_check, test_cost, test_filter, test_selftest,
                       test_signals, test_who, test_who_bind,
                       test_who_watch):
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
