# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests that share one capture: all traffic first, each in its namespace, then the log."""

from capture import Failed, Sockwatch
from netns import Netns


class Traffic:
    """
    A test of a group. move(netns) makes the traffic and returns what judges it afterwards: a
    function from the rows of the namespace to a list of problems.
    """

    def __init__(self, name, move):
        self.name = name
        self.move = move


class Group:
    def __init__(self, name, traffics):
        self.name = name
        self.traffics = traffics
        self.own = [f"{name}/log-is-valid", f"{name}/nothing-lost"]

    def names(self):
        return [t.name for t in self.traffics] + self.own

    def start(self):
        return Sockwatch()

    def problems(self, log, inode, judge):
        """What a judge has to say about a namespace."""
        return judge(log.in_netns(inode))

    def run(self, wanted, report):
        chosen = [t for t in self.traffics if wanted(t.name)]
        if not chosen and not any(map(wanted, self.own)):
            return
        # All before the capture: an inode that others have used and freed meanwhile would bring
        # their rows into ours.
        spaces = [Netns() for _ in chosen]
        try:
            self._run(chosen, spaces, report)
        finally:
            for netns in spaces:
                netns.close()

    def _run(self, chosen, spaces, report):
        judges = {}
        try:
            capture = self.start()
        except (Failed, OSError) as error:
            for name in [t.name for t in chosen] + self.own:
                report.failed(name, f"no capture: {error}")
            return
        try:
            for traffic, netns in zip(chosen, spaces):
                self._move(traffic, netns, judges, report)
            log = capture.stop()
        except Failed as error:
            for name in list(judges) + self.own:
                report.failed(name, str(error), capture.path)
            return
        finally:
            capture.abandon()
        self._judge(log, judges, report, capture)

    @staticmethod
    def _move(traffic, netns, judges, report):
        with report.verdict(traffic.name):
            judges[traffic.name] = netns.inode, traffic.move(netns)
            report.progress(f"{traffic.name}: netns {netns.inode}")

    def judge_log(self, log, report, path):
        """True when nothing is wrong with the log as a whole."""
        clean = report.result(self.own[0], log.problems, path)
        return report.result(self.own[1], log.losses(), path) and clean

    def _judge(self, log, judges, report, capture):
        clean = True
        for name, (inode, judge) in judges.items():
            clean &= report.result(name, self.problems(log, inode, judge), capture.path)
        clean &= self.judge_log(log, report, capture.path)
        if clean:
            capture.discard()
