# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sockwatch who PORT --watch`: the life of a port, step by step, with who and when."""

import json
import re
import signal
import subprocess
import tempfile
import time

import capture
from capture import Failed, wait_for
from case import Case
from who_rig import Stage, same

PORT, BEACON = 8080, 8081  # the beacon is held all along: when it is told, the watch is on

# A step for each line on stdin. Another process fails to bind; a child accepts and ends.
PROGRAM = f"""
def step():
    ready()
    sys.stdin.buffer.readline()
step()
s = socket.socket()
s.bind(("127.0.0.1", {PORT}))
step()
s.listen()
step()
pid = os.fork()
if not pid:
    c = s.accept()[0]
    sys.exit(len(c.recv(1)))
ready(pid)
sys.stdin.buffer.readline()
c = socket.create_connection(("127.0.0.1", {PORT}))
step()
c.send(b"x")
os.waitpid(pid, 0)
step()
s.close()
step()
"""

FAIL = f"""
s = socket.socket()
try:
    s.bind(("127.0.0.1", {PORT}))
except OSError:
    s.bind(("127.0.0.1", {PORT} + 2))
ready()
wait()
"""

TICK_S = 0.5  # the longest that a step may take to be told, and more


class Watch:
    def __init__(self, netns, *options):
        self.inode = netns.inode
        self.file = tempfile.NamedTemporaryFile(prefix="sockwatch-root-")
        self.process = subprocess.Popen(
            [capture.SOCKWATCH, "who", f"tcp/{PORT}", f"tcp/{BEACON}", "--watch", *options],
            stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.PIPE)

    def text(self):
        with open(self.file.name, encoding="utf-8") as file:
            return file.read()

    def records(self, port=PORT):
        records = [json.loads(line) for line in self.text().splitlines()]
        return [r for r in records if r["sockwatch.netns"] == self.inode and
                r["network.local.port"] == port]

    def stop(self):
        """Problems of its end."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=capture.STOP_S)
        return same("status", self.process.returncode, 0) + same("said", err, b"")

    def abandon(self):
        capture.end_process(self.process)
        self.process.stderr.close()
        self.file.close()


def _next(held):
    held.say()
    words = held.heard()
    if not words:
        raise Failed("the program ended")
    time.sleep(TICK_S)
    return words[1:]


def _life():
    with Stage() as stage:
        stage.hold(f"s = listen('127.0.0.1', {BEACON})\nready()\nwait()\n")
        watch = Watch(stage.netns, "-f", "json")
        try:
            wait_for("the beacon", lambda: watch.records(BEACON))
            held = stage.hold(PROGRAM)
            _next(held)
            _next(held)
            child = int(_next(held)[0])
            other = stage.hold(FAIL)
            time.sleep(TICK_S)
            for _ in range(3):
                _next(held)
            problems = watch.stop()
            records = watch.records()
            names = {held.pid: "program", child: "child", other.pid: "other"}
            got = [(r["sockwatch.event"], names.get(r["process.pid"], r["process.pid"]))
                   for r in records]
            problems += same("beacon", [r["sockwatch.event"] for r in watch.records(BEACON)],
                             ["held"])
        finally:
            watch.abandon()
    wanted = [("bind", "program"), ("listen", "program"), ("handover", "child"),
              ("bind_failed", "other"), ("accept", "child")]
    problems += same("first", got[:5], wanted)
    problems += same("then", sorted(got[5:]), [("close", "child"), ("close", "program"),
                                               ("exit", "child")])
    times = [r["@timestamp"] for r in records]
    problems += same("in the order of time", times, sorted(times))
    peers = [r["network.peer.port"] for r in records if r["sockwatch.event"] == "accept"]
    return problems + same("a peer", len(peers), 1)


def _text():
    """Lines for a person: a time, and who had it at the start."""
    with Stage() as stage:
        held = stage.hold(f"s = listen('127.0.0.1', {PORT})\nname(b'a\\x1b[2Jb')\nready()\nwait()\n")
        watch = Watch(stage.netns)
        try:
            wait_for("the holder", lambda: f"[{held.pid}]" in watch.text())
            problems = watch.stop()
            line = [one for one in watch.text().splitlines() if f"[{held.pid}]" in one][0]
        finally:
            watch.abandon()
    form = rf"\d\d:\d\d:\d\d\.\d\d\d tcp 127\.0\.0\.1:{PORT} held by a\\x1b\[2Jb\[{held.pid}\]"
    return problems + ([] if re.fullmatch(form, line) else [f"not so: {line!r}"])


def groups():
    return [Case("who-watch/life", _life), Case("who-watch/text", _text)]
