# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The generator's cases where less can be had: without cgroup2, and with cgroup2 mounted nowhere.
Bytes of each process stay exact; no more is forgiven than the notes of the meta record say.
"""

import checker
import test_generated
from capture import Sockwatch
from group import Group, Traffic

PEERS, ACCEPT = "unconnected UDP sockets", "who accepted"

# Servers that take their bytes without a call that tells who makes it.
NO_CALLS = ("tcp-splice-out", "tcp-zerocopy-receive", "tcp-zerocopy-copybuf")

UNMOUNT = """
while read -r _ point type _; do
	[ "$type" != cgroup2 ] || umount -l "$point" || exit
done </proc/self/mounts
exec "$@"
"""


def _without_peers(flows):
    """Of a socket whose peers are not known, neither is their address family."""
    return [{k: v for k, v in flow.items() if k not in ("peers", "type")} if "peers" in flow
            else flow for flow in flows]


def _with_owner(rows, flows):
    """Rows of accepted sockets that nobody could be named for, as the process that had them."""
    owners = {flow["cookie"]: flow for flow in flows
              if flow["role"] == "server" and not flow["tx"]}
    named = []
    for row in rows:
        owner = owners.get(row.get(checker.COOKIE))
        if owner and checker.PID not in row and row.get("sockwatch.unattributed"):
            row = {k: v for k, v in row.items() if k != "sockwatch.unattributed"}
            row.update({checker.PID: owner["pid"], checker.NAME: owner["name"],
                        "user.id": owner["uid"]})
        named.append(row)
    return named


def check(case, rows, flows, notes):
    """As checker.check(), for rows of a capture that says in its notes what it does not see: no
    more is forgiven than they say."""
    if any(PEERS in note for note in notes):
        flows = _without_peers(flows)
    if case in NO_CALLS and any(ACCEPT in note for note in notes):
        rows = _with_owner(rows, flows)
    return checker.check(rows, flows)


def _move(case, family):
    def move(netns):
        flows = test_generated.run_case(netns, case, family)
        return lambda rows, notes: check(case, rows, flows, notes)
    return move


class Degraded(Group):
    """Each case once, IPv4 and IPv6 in turn: what differs does so for both."""

    def __init__(self, name, turn, missing, *options, before=()):
        traffics = []
        for case, families in test_generated.cases():
            turn += 1
            family = families[turn % len(families)]
            traffics.append(Traffic(f"{name}/{case}-{family}", _move(case, family)))
        super().__init__(name, traffics)
        self._missing = missing
        self._start = lambda: Sockwatch(*options, before=before)
        self.own.append(f"{name}/notes")

    def start(self):
        return self._start()

    def problems(self, log, inode, judge):
        return judge(log.in_netns(inode), log.notes())

    def judge_log(self, log, report, path):
        clean = super().judge_log(log, report, path)
        problems = [f"no note speaks of {what!r}: {log.notes()}" for what in self._missing
                    if not any(what in note for note in log.notes())]
        if not self._missing and log.notes():
            problems.append(f"nothing should be missing: {log.notes()}")
        return report.result(self.own[2], problems, path) and clean


def groups():
    return [
        Degraded("no-cgroup", 0, [PEERS, ACCEPT, "needs cgroup2"], "--hooks", "no-cgroup"),
        Degraded("unmounted", 1, [], before=["unshare", "-m", "sh", "-c", UNMOUNT, "sh"]),
    ]
