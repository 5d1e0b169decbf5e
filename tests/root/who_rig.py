# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Processes that hold sockets, and `sockwatch who` asked about them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys

import capture
import case
from capture import Failed
from netns import Netns

WIDTH = 80  # without a terminal
TO_LOOK = "python3"  # the name of a Held process

# What every program here begins with. It tells that it is ready, and ends when its stdin does.
PRELUDE = """
import array, ctypes, os, signal, socket, sys, time
def listen(host, port, backlog=16, *options):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    for level, name in options:
        s.setsockopt(level, name, 1)
    s.bind((host, port))
    s.listen(backlog)
    return s
def name(text):
    ctypes.CDLL(None).prctl(15, text, 0, 0, 0)
def ready(*words):
    print("ready", *words, flush=True)
def wait():
    sys.stdin.buffer.read()
"""


class Held:
    """A Python program of a few lines in a namespace; .words is what it said when it was ready."""

    def __init__(self, netns, program, *before, argv=(), cwd=None):
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", PRELUDE + program, *argv], preexec_fn=netns.enter,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd, start_new_session=True)
        self.pid = self.process.pid
        line = self.process.stdout.readline().split()
        if not line or line[0] != b"ready":
            self.end()
            raise Failed(f"the program did not get ready: {line}")
        self.words = [word.decode() for word in line[1:]]

    def say(self, text=b"\n"):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def heard(self):
        return self.process.stdout.readline().decode().split()

    def end(self):
        """End it and all that it started: they have a session of their own."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


class Stage:
    """A namespace and what runs in it, gone at the end."""

    def __init__(self):
        self.netns = Netns()
        self.held = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for held in self.held:
            held.end()
        self.netns.close()

    def hold(self, program, *before, **options):
        held = Held(self.netns, program, *before, **options)
        self.held.append(held)
        return held

    def run(self, *argv):
        """Start any program here; it ends with the stage."""
        process = subprocess.Popen(argv, preexec_fn=self.netns.enter, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        self.held.append(_Started(process))
        return process

    def ours(self, records):
        """Without what others have on the same ports elsewhere."""
        return [r for r in records if r["sockwatch.netns"] == self.netns.inode]

    def who(self, *words):
        return self.ours(who(*words))


class _Started:
    def __init__(self, process):
        self.process = process

    def end(self):
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def who(*words, before=(), program=None):
    """Records of `sockwatch who -f json`."""
    got = case.run(*before, program or capture.SOCKWATCH, "who", "-f", "json", *words)
    if got.status not in (0, 1) or got.err:
        raise Failed(f"who {' '.join(words)} ended with {got.status}: {got.err!r}")
    if b"\n" in got.out.replace(b"}\n", b"}"):
        raise Failed("a record that is not one line")
    return [json.loads(line) for line in got.out.splitlines()]


def text_of(*words):
    """(text, problems): what a person sees fits 80 columns and has no byte that a terminal obeys."""
    got = case.run(capture.SOCKWATCH, "who", *words)
    text = got.out.decode()
    problems = [f"over {WIDTH} columns: {line}" for line in text.splitlines()
                if len(line) > WIDTH and " " in line.strip()]
    if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text):
        problems.append(f"a control character in {text!r}")
    return text, problems


def same(what, got, wanted):
    return [] if got == wanted else [f"{what}: {got!r}, not {wanted!r}"]


def pids(records):
    return sorted({r["process.pid"] for r in records if "process.pid" in r})


def field(records, name):
    return [r.get(name) for r in records]
