# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What sockwatch costs, and what it says of that."""

import re

import case
from case import Case
from capture import SOCKWATCH

STEPS = ["probe", "open", "load", "attach", "output", "snapshot"]


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


def groups():
    return [Case("cost/start", _start)]
