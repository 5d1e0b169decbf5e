# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every case of the generator, for IPv4 and IPv6, to the byte."""

import capture
import checker
from group import Group, Traffic

# A case that did not do what it is there for would test nothing: an event that must be seen. The
# kernel has a say in it (TCP_ZEROCOPY_RECEIVE maps what happens to lie well), hence the attempts.
MUST_SAY = {
    "tcp-zerocopy-receive": "zerocopy",
    "tcp-zerocopy-copybuf": "zerocopy",
    "tcp-short-writes": "eagain",
    "tcp-fastopen": "syn-data",
}
ATTEMPTS = 4

# Bytes that only one purpose of `sockwatch check` is for.
PURPOSE = {"ktls-splice-out": "bytes spliced from kTLS sockets"}


def unseen(case, check):
    """Why the bytes of a case are not counted, as `sockwatch check -f json` says, or None."""
    for purpose in check.get("purposes", []):
        if purpose["purpose"] == PURPOSE.get(case) and not purpose["exact"]:
            return f"{purpose['unseen']} (sockwatch check)"
    return None


def run_case(netns, case, family):
    """Run a case until it has said what it must: the flows of all attempts."""
    reason = case in PURPOSE and unseen(case, capture.check())
    if reason:
        raise capture.Skipped(reason)
    flows = []
    for _ in range(ATTEMPTS):
        more, events = capture.run_gen(netns, case, family)
        flows += more
        if case not in MUST_SAY or MUST_SAY[case] in events:
            return flows
    raise capture.Failed(f"the generator should say {MUST_SAY[case]}, said {events}")


def cases():
    """[(case, families)] that run to their end by themselves."""
    found = []
    for case, flags in capture.gen_list():
        if "steps" not in flags:
            only = [f for f in "46" if f"v{f}-only" in flags]
            found.append((case, only or list("46")))
    return found


def _move(case, family):
    def move(netns):
        flows = run_case(netns, case, family)
        return lambda rows: checker.check(rows, flows)
    return move


def groups():
    return [Group("generated", [Traffic(f"{case}-{family}", _move(case, family))
                                for case, families in cases() for family in families])]
