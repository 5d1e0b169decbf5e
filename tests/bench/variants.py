# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What can be attached while calls are timed: nothing, programs of an object, a running program."""

import os
import signal
import subprocess
import tempfile
import time

import kernel
import watch

START_S = 20


class Bare:
    name = "bare"

    def on(self):
        pass

    def off(self):
        pass

    def links(self):
        return 0


class Programs:
    """Some programs of a loaded BPF object."""

    def __init__(self, name, obj, programs):
        self.name, self.object, self.programs = name, obj, programs

    def on(self):
        self.object.attach(self.programs)

    def off(self):
        self.object.detach()

    def links(self):
        return len(self.object.links)

    def costs(self):
        return self.object.costs(self.programs)


class Sockwatch:
    """The real program, logging to nowhere once a second."""

    def __init__(self, name, path, cpu=None, netns=None):
        self.name, self.path, self.cpu, self.netns = name, path, cpu, netns
        self.process = None

    def _prepare(self):
        watch.die_with_us()
        if self.cpu is not None:
            os.sched_setaffinity(0, {self.cpu})
        if self.netns:
            self.netns.enter()

    def on(self):
        with tempfile.TemporaryFile() as log:
            self.process = subprocess.Popen([self.path, "log", "-d", "1"], stdout=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=self._prepare)
            end = time.monotonic() + START_S
            while not os.fstat(log.fileno()).st_size:  # its first record comes when it is ready
                if self.process.poll() is not None or time.monotonic() > end:
                    self.off()
                    raise RuntimeError(f"{self.path} log did not start")
                time.sleep(0.005)

    def off(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        self.process = None

    def links(self):
        return len(set(kernel.Holdings(self.process.pid).links) & kernel.counting_links())

    def costs(self):
        return kernel.Holdings(self.process.pid).costs()


class Command:
    """Another program; what it says once it has begun to work is its sign."""

    def __init__(self, name, command, sign, cpu=None, netns=None):
        self.name, self.command, self.sign = name, command, sign
        self.cpu, self.netns = cpu, netns
        self.process = self.out = None

    _prepare = Sockwatch._prepare

    def on(self):
        self.out = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=self.out, stderr=self.out, preexec_fn=self._prepare)
        end = time.monotonic() + START_S
        while self.sign not in self.said():
            if self.process.poll() is not None or time.monotonic() > end:
                said = self.said().strip()
                self.off()
                raise RuntimeError(f"did not start: {said}")
            time.sleep(0.02)

    def said(self):
        return os.pread(self.out.fileno(), 1 << 16, 0).decode("utf-8", "replace")

    def off(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.out:
            self.out.close()
        self.process = self.out = None

    def links(self):
        return None  # not told: some tools have none
