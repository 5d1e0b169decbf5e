# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tests that are one command and how it ended."""

import collections
import subprocess
import time

import capture
from capture import Failed

SOON_S = 3  # an error takes 30 ms on an idle machine; whatever waits takes longer than this
LOG = ["log", "-d", "0.1", "-n", "1"]

Outcome = collections.namedtuple("Outcome", "status out err seconds")


class Case:
    """A test that needs no namespace and no capture: function(...) returns problems."""

    def __init__(self, name, function, *args):
        self.name = name
        self._function = function
        self._args = args

    def names(self):
        return [self.name]

    def run(self, wanted, report):
        if not wanted(self.name):
            return
        with report.verdict(self.name):
            report.result(self.name, self._function(*self._args))


def run(*argv, stdout=subprocess.PIPE, env=None):
    """Run a command to its end."""
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout,
                               stderr=subprocess.PIPE, env=env)
    try:
        out, err = process.communicate(timeout=capture.STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{' '.join(argv)} did not end within {capture.STOP_S} s") from None
    return Outcome(process.returncode, out or b"", err.decode("utf-8", "replace"),
                   time.monotonic() - began)


def shell(script, *argv):
    """Run sockwatch by a script in which it is $0 and the rest "$@"."""
    return run("sh", "-c", script, capture.SOCKWATCH, *argv)


def refused(got, status, *words, more_lines=0):
    """Problems of an end with this status and one line on stderr that has the words."""
    problems = []
    lines = got.err.split("\n")
    if got.status != status:
        problems.append(f"status {got.status}, not {status}")
    if got.out:
        problems.append(f"wrote on stdout: {got.out[:200]!r}")
    if not 2 <= len(lines) <= 2 + more_lines or lines[-1]:
        problems.append(f"not one line on stderr: {got.err!r}")
    if not lines[0].startswith("sockwatch: "):
        problems.append(f"stderr does not begin with its name: {lines[0]!r}")
    problems += [f"{word!r} is not in: {lines[0]!r}" for word in words if word not in lines[0]]
    if got.seconds > SOON_S:
        problems.append(f"took {got.seconds:.1f} s")
    return problems


def silent(got, status=0):
    """Problems of an end that nobody should have heard."""
    problems = [f"status {got.status}, not {status}"] if got.status != status else []
    return problems + ([f"said {got.err!r}"] if got.err else [])
