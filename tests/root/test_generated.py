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


def _move(case, family):
    def move(netns):
        flows = []
        for _ in range(ATTEMPTS):
            more, events = capture.run_gen(netns, case, family)
            flows += more
            if case not in MUST_SAY or MUST_SAY[case] in events:
                return lambda rows: checker.check(rows, flows)
        raise capture.Failed(f"the generator should say {MUST_SAY[case]}, said {events}")
    return move


def groups():
    traffics = []
    for case, flags in capture.gen_list():
        if "steps" in flags:
            continue
        for family in "46":
            only = {f"v{family}-only", "v4-only", "v6-only"} & set(flags)
            if not only or f"v{family}-only" in only:
                traffics.append(Traffic(f"{case}-{family}", _move(case, family)))
    return [Group("generated", traffics)]
