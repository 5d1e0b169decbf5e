# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""sockwatch trace: everything that is done to sockets, once, in order, with what is known of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile

import capture
from capture import Failed, wait_for
from case import Case
from netns import Netns

# What is done, and who it is done by; prints a line of JSON for each socket that matters.
SCRIPT = r"""
import json, os, socket, struct, sys, time
v6 = sys.argv[1] == "6"
family, host, any_ = (socket.AF_INET6, "::1", "::") if v6 else (socket.AF_INET, "127.0.0.1", "")
COOKIE = 57
def cookie(s): return struct.unpack("Q", s.getsockopt(socket.SOL_SOCKET, COOKIE, 8))[0]
def say(what, s): print(json.dumps([what, cookie(s), s.getsockname()[1]]), flush=True)
def tcp(): return socket.socket(family, socket.SOCK_STREAM)
def pair(listener):
    c = tcp(); c.connect(listener.getsockname()[:2]); return c, listener.accept()[0]
def pause(): time.sleep(0.02)
l = tcp(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind((host, 0)); l.listen()
say("listener", l)
c, a = pair(l); say("client", c); say("server", a)
c.sendall(bytes(1000)); a.recv(2000); a.sendall(bytes(50)); c.recv(100)
c.close(); pause(); a.close()
b = tcp(); say("bind", b)
try: b.bind((any_, l.getsockname()[1]))
except OSError: pass
b.close()
f = tcp(); say("refused", f)
try: f.connect((host, 1))
except OSError: pass
f.close()
c, a = pair(l); say("reset", c); say("resetting", a)
a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); a.close()
pause(); c.close()
c, a = pair(l); say("unread", a); c.sendall(b"xyz"); pause(); a.close(); pause(); c.close()
u = socket.socket(family, socket.SOCK_DGRAM); u.sendto(b"12", (host, 9)); say("udp", u); u.close()
l.close()
"""


class Trace:
    """One `sockwatch trace` into a file."""

    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="sockwatch-root-")
        self.path = os.path.join(self.dir, "trace")
        self.process = subprocess.Popen([capture.SOCKWATCH, "trace", "-o", self.path, *options],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for("its first line", lambda: os.path.exists(self.path)
                 and os.path.getsize(self.path))

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(capture.STOP_S)
        with self.process.stderr:
            said = self.process.stderr.read()
        with open(self.path, "rb") as file:
            text = file.read().decode()
        os.unlink(self.path)
        os.rmdir(self.dir)
        if status or said:
            raise Failed(f"status {status}, said {said!r}")
        return text


def _act(family):
    """Run the script in a namespace of its own: (inode, pid, {what: (cookie, port)})."""
    netns = Netns()
    try:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, family], preexec_fn=netns.enter,
                                   stdout=subprocess.PIPE)
        out = process.communicate(timeout=capture.CASE_S)[0]
        said = {what: (cookie, port) for what, cookie, port in map(json.loads, out.splitlines())}
        return netns.inode, process.pid, said
    finally:
        netns.close()


def _events(text, netns):
    records = [json.loads(line) for line in text.splitlines()]
    return records, [r for r in records if r.get("sockwatch.netns") == netns]


def _of(events, cookie):
    return [e for e in events if e["sockwatch.cookie"] == cookie]


def _story(events):
    return [e["sockwatch.event"] for e in events]


def _ends(problems, what, event, **wanted):
    for key, value in wanted.items():
        name = "sockwatch." + key
        if event.get(name) != value:
            problems.append(f"{what}: {name} is {event.get(name)!r}, not {value!r}")


STORIES = {
    "listener": ["bind", "listen", "close"],
    "client": ["connect", "established", "close"],
    "server": ["accept", "close"],
    "bind": ["bind_failed"],
    "refused": ["connect", "connect_failed"],
    "reset": ["connect", "established", "reset", "close"],
    "resetting": ["accept", "close"],
    "unread": ["accept", "close"],
    "udp": ["close"],
}


def everything(family):
    trace = Trace("-f", "json")
    netns, pid, did = _act(family)
    records, events = _events(trace.stop(), netns)
    problems = []
    last = {}
    for what, (cookie, _) in did.items():
        mine = _of(events, cookie)
        if _story(mine) != STORIES[what]:
            problems.append(f"{what}: {_story(mine)}, not {STORIES[what]}")
            continue
        last[what] = mine[-1]
        problems += [f"{what}: pid {e.get('process.pid')}, not {pid}" for e in mine
                     if e.get("process.pid") != pid]
    if problems:
        return problems
    _ends(problems, "client", last["client"], end="local", tx_bytes_total=1000, rx_bytes_total=50,
          retransmits=0)
    _ends(problems, "server", last["server"], end="peer", tx_bytes_total=50, rx_bytes_total=1000)
    _ends(problems, "bind", last["bind"], error="EADDRINUSE",
          **{"holder.pid": pid, "holder.netns": netns, "holder.state": "listen",
             "holder.options": "SO_REUSEADDR"})
    _ends(problems, "refused", last["refused"], error="ECONNREFUSED")
    _ends(problems, "reset", last["reset"], end="reset_by_peer")
    _ends(problems, "resetting", last["resetting"], end="reset_by_local")
    _ends(problems, "unread", last["unread"], end="reset_by_local")
    _ends(problems, "udp", last["udp"], tx_bytes_total=2, rx_bytes_total=0)
    if last["bind"]["network.local.port"] != did["listener"][1]:
        problems.append("bind: not the port that was asked for")
    if not 0 < last["refused"]["sockwatch.latency_ns"] < 10**9:
        problems.append("refused: no latency")
    duration = last["server"]["sockwatch.duration_ns"]
    if not 15_000_000 < duration < 10**9:
        problems.append(f"server: lived 20 ms, it says {duration} ns")
    if not 0 < last["client"].get("sockwatch.rtt_us", 0) < 10**6:
        problems.append("client: no round trip")
    return problems + _order(records)


def _order(records):
    times = [r["@timestamp"] for r in records if r["sockwatch.record"] == "event"]
    boot = [r["sockwatch.boottime_ns"] for r in records if r["sockwatch.record"] == "event"]
    numbers = [r["sockwatch.seq"] for r in records]
    problems = [] if times == sorted(times) and boot == sorted(boot) else ["times run backwards"]
    return problems + ([] if numbers == list(range(1, len(numbers) + 1)) else ["numbers miss some"])


def kinds(option, wanted):
    trace = Trace("-f", "json", option)
    netns, _, _ = _act("4")
    _, events = _events(trace.stop(), netns)
    got = set(_story(events))
    return [] if got == wanted else [f"{option}: {got}, not {wanted}"]


def filtered():
    trace = Trace("-f", "json", "-F", "udp")
    netns, _, did = _act("4")
    _, events = _events(trace.stop(), netns)
    wanted = [("close", did["udp"][0])]
    got = [(e["sockwatch.event"], e["sockwatch.cookie"]) for e in events]
    return [] if got == wanted else [f"{got}, not {wanted}"]


def as_text():
    """A line for people has what JSON has, under its titles."""
    trace = Trace()
    _, pid, did = _act("4")
    lines = trace.stop().splitlines()
    port = did["listener"][1]
    name = f"{os.path.basename(sys.executable)[:15]}[{pid}]"
    wanted = {
        "bind_failed": [f"*:{port}", f"EADDRINUSE: held by {name}, listen 127.0.0.1:{port} in netns",
                        "SO_REUSEADDR"],
        "connect_failed": ["-> 127.0.0.1:1 ", "ECONNREFUSED after 0.", " ms"],
        "reset": ["reset by the peer, after 0."],
        "close": ["closed by this side, after 0.", "tx 1000 rx 50, rtt 0.", "retransmits 0"],
    }
    problems = []
    if not lines[0].startswith("TIME") or not lines[-1].startswith("# "):
        problems.append(f"begins with {lines[0]!r}, ends with {lines[-1]!r}")
    for event, words in wanted.items():
        mine = [x for x in lines if f" {event} " in x and name in x]
        if not any(all(word in line for word in words) for line in mine):
            problems.append(f"no line of {event} with {words}: {mine}")
    return problems


def soon():
    """What happens is told while the trace runs, not at its end."""
    trace = Trace("-f", "json", "-d", "0.2")
    netns, _, did = _act("4")

    def told():
        with open(trace.path, "rb") as file:
            data = file.read()
        return str(did["udp"][0]).encode() in data
    wait_for("the last thing that was done", told, 5)
    trace.stop()
    return []


def groups():
    cases = [("everything-4", everything, "4"), ("everything-6", everything, "6"),
             ("new", kinds, "--new", {"connect", "established", "accept"}),
             ("closed", kinds, "--closed", {"close", "reset"}),
             ("failed", kinds, "--failed", {"connect_failed", "bind_failed"}),
             ("listening", kinds, "--listening", {"bind", "listen"}),
             ("filter", filtered), ("text", as_text), ("soon", soon)]
    return [Case("trace/" + name, *how) for name, *how in cases]
