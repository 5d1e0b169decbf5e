# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The table of kernels in README.md against what came out of the guests. Pure but for reading it."""

import collections
import os
import re

import capture

README = os.path.join(capture.ROOT, "README.md")
BYTES = "bytes of TCP sockets"  # that purpose of `sockwatch check`
RELEASE = re.compile(r"^\d+\.\d+")
# The line of a kernel too old: `... is too old: what it lacks (use Linux 6.1 or newer)`.
NAMED = re.compile(r"use Linux (\d+\.\d+) or newer")

# What a guest's `check -f json` said of a way to run, and whether each byte of it was counted there.
Found = collections.namedtuple("Found", "release arch how check counted")


def version(release):
    """6.12 of 6.12.117+deb12-cloud-amd64"""
    found = RELEASE.match(release)
    return found.group() if found else "?"


def line(found):
    """The line of the table that a kernel, and a way to run on it, deserves."""
    said = found.check
    kernel = f"{version(found.release)} {found.arch}" + (f", {found.how}" if found.how else "")
    if "cannot_run" in said:
        why = said["cannot_run"].replace(f"kernel {found.release} ", "")
        return f"| {kernel} | none | it {why} | all |"
    purposes = {purpose["purpose"]: purpose for purpose in said["purposes"]}
    unseen = [purpose.get("unseen", name) for name, purpose in purposes.items()
              if not purpose["exact"] and purpose.get("seen") != "unused"]
    word = "degraded" if purposes[BYTES].get("degraded") else "exact"
    return (f"| {kernel} | {word if found.counted else 'WRONG'} |"
            f" {purposes[BYTES].get('by', '-')} | {'; '.join(unseen) or '-'} |")


def lines():
    with open(README, encoding="utf-8") as file:
        return [text.rstrip("\n") for text in file]


def problems(found, known, moves=False):
    """
    (problems, lines to show) of README's lines. moves: the newest kernel there is, whatever it is
    today; that another one is named is told and no fault.
    """
    try:
        wanted = line(found)
    except KeyError as error:
        return [f"`check -f json` has no {error} in {str(found.check)[:200]!r}"], []
    if wanted in known:
        return [], []
    rest = wanted.split(" ", 2)[2]
    if moves and any(re.fullmatch(rf"\| \d+\.\d+ {re.escape(rest)}", text) for text in known):
        return [], [f"README.md names another newest kernel: {wanted}"]
    return [f"README.md has no line {wanted}"], []


def oldest(rows, known):
    """
    Problems of the line between kernels that are too old and those that count. rows: [(release,
    architecture, what it said when it refused or None)]. A refusal names a kernel that is newer
    than the refused one and not newer than the oldest that counts, and so does README.md.
    """
    wrong, text = [], "\n".join(known)
    for release, arch, said in rows:
        counting = [_number(other) for other, its, refused in rows if its == arch and not refused]
        named = NAMED.search(said or "")
        if not said or not counting:
            continue
        if not named:
            wrong.append(f"{release} does not name the oldest kernel that counts: {said!r}")
        elif not _number(release) < _number(named.group(1)) <= min(counting):
            wrong.append(f"{release} says {named.group()!r}; the oldest kernel that was seen to"
                         f" count on {arch} is {'.'.join(map(str, min(counting)))}")
        elif f"Linux {named.group(1)}" not in text:
            wrong.append(f"README.md does not speak of Linux {named.group(1)}, {release} does")
    return wrong


def _number(release):
    return [int(part) for part in version(release).split(".")]
