# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs `sockwatch log`, and the generator; both end before the test does."""

import atexit
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import checker

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOCKWATCH = os.environ.get("SOCKWATCH", os.path.join(ROOT, "build", "sockwatch"))
GEN = os.environ.get("GEN", os.path.join(ROOT, "build", "tests", "root", "gen"))

START_S, STOP_S, CASE_S = 20, 20, 90
NOBODY = 65534


class Failed(Exception):
    """What was expected and what was seen."""


class Skipped(Exception):
    """Why a test cannot run here."""


@functools.lru_cache(maxsize=None)
def is_sanitized():
    """Whether this is a build with AddressSanitizer: slow, and large."""
    with open(SOCKWATCH, "rb") as file:
        return b"__asan_init" in file.read()


def wait_for(what, condition, seconds=10.0):
    """Poll until condition() is true. Returns what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise Failed(f"waited {seconds} s in vain for {what}")


def end_process(process, sig=signal.SIGTERM):
    """End a process that was started here."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@functools.lru_cache(maxsize=None)
def program_for_all():
    """A copy of sockwatch that every user may run, wherever the tree is."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    atexit.register(shutil.rmtree, where)
    os.chmod(where, 0o755)
    copy = shutil.copy(SOCKWATCH, where)
    os.chmod(copy, 0o755)
    return copy


def as_nobody(*caps):
    """What to put before a command so that it runs without root, with these capabilities alone."""
    argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if caps:
        given = ",".join("+" + cap for cap in caps)
        argv += [f"--inh-caps={given}", f"--ambient-caps={given}"]
    return argv


class Sockwatch:
    """
    One `sockwatch log` into a file; ready when it says so with its meta record. before: what to put
    before the command, which must end in an exec; uid: whom that makes it run as.
    """

    def __init__(self, *options, interval="0.5", before=(), uid=0):
        self.dir = tempfile.mkdtemp(prefix="sockwatch-root-")
        os.chown(self.dir, uid, -1)
        self.path = os.path.join(self.dir, "log.jsonl")
        self.stderr_path = os.path.join(self.dir, "stderr")
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                [*before, program_for_all() if uid else SOCKWATCH, "log", "-f", "json",
                 "-o", self.path, "-d", interval, *options],
                stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
        try:
            wait_for("the meta record", self._is_ready, START_S)
        except Failed as error:
            end_process(self.process)
            raise Failed(f"{error}; it said: {self.said()!r}") from None

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"sockwatch ended at its start with status {self.process.returncode}")
        try:
            with open(self.path, "rb") as file:
                return b'"meta"' in file.readline()
        except FileNotFoundError:
            return False

    def said(self):
        with open(self.stderr_path, "rb") as file:
            return file.read().decode("utf-8", "replace").strip()

    def read(self):
        with open(self.path, "rb") as file:
            return checker.Log(file.read())

    def wait_end(self):
        """Wait for its end. Returns the log; Failed when the status is not 0 or it said a word."""
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"sockwatch did not end within {STOP_S} s of the signal") from None
        if status != 0:
            raise Failed(f"sockwatch ended with status {status}, not 0: {self.said()!r}")
        if self.said():
            raise Failed(f"sockwatch said on stderr: {self.said()!r}")
        return self.read()

    def stop(self, sig=signal.SIGINT):
        self.process.send_signal(sig)
        return self.wait_end()

    def abandon(self):
        """End it if it is still there: for finally."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            end_process(self.process)

    def discard(self):
        """The test went well: nobody needs the log."""
        for path in (self.path, self.stderr_path):
            if os.path.exists(path):
                os.unlink(path)
        os.rmdir(self.dir)


@functools.lru_cache(maxsize=None)
def check():
    """What `sockwatch check -f json` says."""
    return json.loads(subprocess.run([SOCKWATCH, "check", "-f", "json"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, check=False).stdout)


def gen_list():
    """[(name, flags)] of the generator's cases."""
    text = subprocess.run([GEN, "--list"], check=True, stdout=subprocess.PIPE).stdout.decode()
    return [(line.split()[0], line.split()[1:]) for line in text.splitlines()]


def parse_gen(case, text):
    """Lines of the generator: (flows, events). Skipped when it says so."""
    flows, events = [], []
    for line in text.splitlines():
        said = json.loads(line)
        if "skip" in said:
            raise Skipped(said["skip"])
        if "event" in said:
            events.append(said["event"])
        else:
            flows.append(said)
    if not flows:
        raise Failed(f"the generator reported nothing for {case}")
    return flows, events


def run_gen(netns, case, family, *options):
    """Run a case to its end in a namespace: (flows, events)."""
    process = subprocess.Popen([GEN, case, f"-{family}", *options], preexec_fn=netns.enter,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=CASE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"gen {case} -{family} did not end within {CASE_S} s") from None
    if process.returncode != 0:
        said = err.decode("utf-8", "replace").strip()
        raise Failed(f"gen {case} -{family} ended with {process.returncode}: {said}")
    return parse_gen(case, out.decode())


class Held:
    """A `gen hold` in a namespace, taken from step to step."""

    def __init__(self, netns, family, *options):
        self.netns = netns
        self.process = subprocess.Popen(
            [GEN, "hold", f"-{family}", *options], preexec_fn=self.netns.enter,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.first = self._until("ready")

    def _until(self, event):
        flows = []
        for line in self.process.stdout:
            said = json.loads(line)
            if said.get("event") == event:
                return flows
            flows.append(said)
        raise Failed(f"gen hold ended before it was {event}")

    def _step(self, event):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self._until(event)

    def move(self):
        """Move bytes. Returns the flows of these alone."""
        return self._step("moved")

    def close_sockets(self):
        self._step("closed")

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)
