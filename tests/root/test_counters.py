# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Bytes that no call told of, by the counters of TCP sockets themselves. `--hooks lossy` sees no call
that sends, `--hooks suspicious` sees all and looks for more, `--hooks degraded` sees none at all:
nothing may be missing or come twice.
"""

import json
import sys
import time

import checker
import test_degraded
import test_generated
import test_programs
from capture import Held, Skipped, Sockwatch, is_sanitized
from case import Case
from group import Group, Traffic
from test_scenarios import Scenario, _whole

# One socket, several processes: who sent what is known only from the calls. kTLS receives in a
# thread of the kernel too.
SHARED = ("tcp-fork-2", "tcp-fork-8", "tcp-orphan", "tcp-passed", "udp-fork", "ktls")

# What --hooks degraded must say, and what it says is not counted.
NOTES = ("degraded: which process sends on a shared TCP socket", "degraded: UDP counts what arrives",
         "MPTCP, SCTP and raw sockets are not counted", "packet sockets are not counted",
         "UDP sockets send to are not told apart", "UDP sockets receive from are not told apart")
UNSEEN = ("mptcp-", "raw-", "packet-", "sctp")

# kTLS counts as ciphertext: AES-GCM of TLS 1.2 adds so much to each record, of 16 KiB at most.
KTLS, RECORD_ADDS, RECORD_HOLDS = "ktls", 5 + 8 + 16, 1 << 14

IDENTITY = (checker.PID, checker.NAME, "user.id", "sockwatch.unattributed")


def by_socket(rows, flows):
    """Rows and flows as if the first process that is expected on a socket had moved it all."""
    first = {}
    for flow in flows:
        first.setdefault(flow["cookie"], flow)
    owned = []
    for row in rows:
        owner = first.get(row.get(checker.COOKIE))
        if owner and (row.get(checker.TX) or row.get(checker.RX)):
            row = {k: v for k, v in row.items() if k not in IDENTITY}
            row.update({checker.PID: owner["pid"], checker.NAME: owner["name"],
                        "user.id": owner["uid"]})
        owned.append(row)
    folded = [dict(flow, **{k: first[flow["cookie"]][k] for k in ("pid", "name", "uid")})
              for flow in flows]
    return _totals_anew(owned), folded


def _totals_anew(rows):
    """Totals as they add up over the rows of a socket."""
    sums, anew = {}, []
    for row in rows:
        key = checker.account(row)
        tx, rx = sums.get(key, (0, 0))
        sums[key] = tx + row.get(checker.TX, 0), rx + row.get(checker.RX, 0)
        anew.append(dict(row, **dict(zip((checker.TX_TOTAL, checker.RX_TOTAL), sums[key]))))
    return anew


def seen(case, flows):
    """What of the flows can be seen without calls: less, and no more than the notes say."""
    if case.startswith(UNSEEN):
        return [dict(flow, tx=0, rx=0) for flow in flows if flow["role"] != "listener"]
    if case == "udp-short-buffer":  # arrives whole, is read in part
        arrived = sum(flow["tx"] for flow in flows)
        flows = [dict(flow, rx=arrived if flow["rx"] else 0) for flow in flows]
    return test_degraded._without_peers(flows)


def as_plaintext(rows, flows):
    """Flows of kTLS sockets as they were logged, if that can be their ciphertext."""
    got = checker.sums(rows)
    return [dict(flow, **{key: logged if _is_ciphertext(logged, flow[key]) else flow[key]
                          for key, logged in zip(("tx", "rx"), got[flow["pid"], flow["cookie"]])})
            for flow in checker.merge(flows).values()]


def _is_ciphertext(logged, moved):
    records = -(-moved // RECORD_HOLDS)
    adds = logged - moved
    return adds % RECORD_ADDS == 0 and records <= adds // RECORD_ADDS <= 2 * records + 16


def judge_counted(case, rows, flows):
    if case.startswith(UNSEEN):  # rows of sockets and of their ends may be there, bytes may not
        rows = [row for row in rows if row.get(checker.TX_TOTAL) or row.get(checker.RX_TOTAL)]
    if case in SHARED:
        rows, flows = by_socket(rows, flows)
    if case == KTLS:
        flows = as_plaintext(rows, flows)
    return checker.check(rows, flows)


def _move(case, family, see):
    def move(netns):
        flows = see(case, test_generated.run_case(netns, case, family))
        return lambda rows: judge_counted(case, rows, flows)
    return move


class Counted(Group):
    """Cases without calls that send (of TCP), or without any; see: flows into what is seen."""

    def __init__(self, way, begins, see, notes):
        super().__init__(way, [
            Traffic(f"{way}/{case}-{family}", _move(case, family, see))
            for case, families in test_generated.cases() if case.startswith(begins)
            for family in families])
        self.own.append(f"{way}/notes")
        self._notes = notes

    def start(self):
        return Sockwatch("--hooks", self.name)

    def judge_log(self, log, report, path):
        clean = super().judge_log(log, report, path)
        notes = log.notes()
        problems = [f"no note speaks of {what!r}: {notes}" for what in self._notes
                    if not any(what in note for note in notes)]
        problems += [f"should not be missing: {note!r}" for note in notes
                     if not any(what in note for what in self._notes)]
        return report.result(self.own[2], problems, path) and clean


# ---- scenarios ----

PEERS = """
import ctypes, json, os, socket, sys, time
host = sys.argv[1]
family = socket.AF_INET6 if ":" in host else socket.AF_INET

def listener(port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    s.listen()
    return s

def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid

def cookie(s):
    return int.from_bytes(s.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)

def flow(s, pid, tx, rx):
    print(json.dumps({"cookie": cookie(s), "pid": pid, "tx": tx, "rx": rx}), flush=True)
"""

# A child's first call on an inherited socket takes long; sweeps see it half-way.
HALF_WAY = PEERS + """
l = listener(7021)
def serve():
    s, _ = l.accept()
    for _ in range(2):
        s.sendall(bytes(500))
        time.sleep(1)
    s.recv(1)
server = child(serve)
c = socket.create_connection((host, 7021))
reader = child(lambda: c.recv(1000, socket.MSG_WAITALL))
os.waitpid(reader, 0)
flow(c, reader, 0, 1000)
"""

LONG_SEND = PEERS + """
l = listener(7022)
def serve():
    s, _ = l.accept()
    time.sleep(1.5)
    while s.recv(1 << 20): pass
server = child(serve)
c = socket.create_connection((host, 7022))
writer = child(lambda: c.sendall(bytes(20000000)))
os.waitpid(writer, 0)
flow(c, writer, 20000000, 0)
c.close()
os.waitpid(server, 0)
"""

# Used again after connect(AF_UNSPEC), which zeroes the kernel's counters.
RECONNECT = PEERS + """
l = listener(7023)
def serve():
    for _ in range(3):
        s, _ = l.accept()
        s.sendall(bytes(70))
        s.recv(3000, socket.MSG_WAITALL)
        s.sendall(b"x")
        try:
            s.recv(1)
        except ConnectionError:
            pass
server = child(serve)
c = socket.socket(family, socket.SOCK_STREAM)
for _ in range(3):
    c.connect((host, 7023))
    c.recv(70, socket.MSG_WAITALL)
    c.sendall(bytes(3000))
    c.recv(1)
    time.sleep(float(sys.argv[2]))
    ctypes.CDLL(None).connect(c.fileno(), bytes(16), 16)
flow(c, os.getpid(), 9000, 213)
c.close()
os.waitpid(server, 0)
"""

# More than 32 bits count, within one interval.
HUGE = PEERS + """
size = (1 << 32) + 123456789
l = listener(7024)
def serve():
    s, _ = l.accept()
    buffer = bytearray(1 << 24)
    while s.recv_into(buffer, len(buffer), socket.MSG_TRUNC): pass
    flow(s, os.getpid(), 0, size)
server = child(serve)
f = os.memfd_create("zero")
os.truncate(f, size)
c = socket.create_connection((host, 7024))
sent = 0
while sent < size:
    sent += os.sendfile(c.fileno(), f, sent, size - sent)
flow(c, os.getpid(), size, 0)
c.close()
os.waitpid(server, 0)
"""


# Datagrams in fragments: one packet for the socket that sends and for the one that receives.
FRAGMENTS = PEERS + """
import fcntl, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8922, struct.pack("16si", b"lo", 1500))  # SIOCSIFMTU
a, b = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
a.bind((host, 7025))
b.connect((host, 7025))
for size in (1400, 9000, 60000):
    b.send(bytes(size))
    a.recv(65536)
flow(a, os.getpid(), 0, 70400)
flow(b, os.getpid(), 70400, 0)
"""


def _script(netns, script, *args):
    """Run a script to its end: the flows it tells."""
    _, out = test_programs.run(netns, [sys.executable, "-c", script, *args])
    return [json.loads(line) for line in out.splitlines()]


def _sums(log, netns, flows, key):
    got = checker.sums(log.in_netns(netns.inode), key)
    return [f"{flow} was logged as {got.get(key(row), [0, 0])}"
            for flow in flows for row in [{checker.PID: flow["pid"],
                                           checker.COOKIE: flow["cookie"]}]
            if got.get(key(row), [0, 0]) != [flow["tx"], flow["rx"]]]


def _cookie(row):
    return row.get(checker.COOKIE)


def half_way(keep, spaces, family, way):
    """Told while it was under way, as its parent's: not again when it returns."""
    keep[0] = Sockwatch("--hooks", way, interval="0.2")
    flows = _script(spaces[0], HALF_WAY, test_programs.HOST[family])
    log = keep[0].stop()
    return _sums(log, spaces[0], flows, _cookie) + _whole(log)


def long_send(keep, spaces, family, way):
    """A blocked send is not taken for a lost one: it stays the child's."""
    keep[0] = Sockwatch("--hooks", way, interval="0.2")
    flows = _script(spaces[0], LONG_SEND, test_programs.HOST[family])
    log = keep[0].stop()
    return _sums(log, spaces[0], flows, checker.account) + _whole(log)


def reconnect(keep, spaces, family, way):
    keep[0] = Sockwatch("--hooks", way, interval="0.2")
    flows = _script(spaces[0], RECONNECT, test_programs.HOST[family], "0.5")
    flows += _script(spaces[1], RECONNECT, test_programs.HOST[family], "0")
    log = keep[0].stop()
    return (_sums(log, spaces[0], flows[:1], checker.account)
            + _sums(log, spaces[1], flows[1:], checker.account) + _whole(log))


def huge(keep, spaces, family, way):
    keep[0] = Sockwatch("--hooks", way, interval="60")
    flows = _script(spaces[0], HUGE, test_programs.HOST[family])
    log = keep[0].stop()
    return _sums(log, spaces[0], flows, checker.account) + _whole(log)


def fragments(keep, spaces, family):
    keep[0] = Sockwatch("--hooks", "degraded")
    flows = _script(spaces[0], FRAGMENTS, test_programs.HOST[family])
    log = keep[0].stop()
    return _sums(log, spaces[0], flows, checker.account) + _whole(log)


def before_start(keep, spaces, family):
    """Open before the start, held by processes that have made no call since."""
    held = Held(spaces[0], family)
    try:
        keep[0] = Sockwatch("--hooks", "degraded")
        time.sleep(0.7)
        flows = held.move()
        held.close_sockets()
        log = keep[0].stop()
    finally:
        held.end()
    flows = test_degraded._without_peers(flows)
    return checker.check(log.in_netns(held.netns.inode), flows) + _whole(log)


def open_sockets(keep, spaces, family, way):
    """All bytes show while the socket is open: those that no call told of by the second sweep, the
    last of a burst by a quick one (hurried)."""
    keep[0] = Sockwatch("--hooks", way, interval="0.2")
    held = Held(spaces[0], family)
    try:
        time.sleep(0.6)  # the first sweep looks at all, whatever its kind
        flows = held.first + held.move()
        time.sleep(1.5)
        shown = keep[0].read()
        log = keep[0].stop()
    finally:
        held.end()
    seen_flows = [f for f in checker.merge(flows).values()
                  if f["transport"] == "tcp" or way == "hurried"]
    problems = [] if sum(f["tx"] for f in seen_flows) else ["no socket sent anything"]
    return (problems + _sums(shown, spaces[0], seen_flows, checker.account)
            + _sums(log, spaces[0], seen_flows, checker.account) + _whole(log))


def _too_slow():
    """A full ring is what it would show, and without it the same programs in the kernel are tested.
    """
    raise Skipped("AddressSanitizer: the reader is too slow for loads that it must not lose of")


def groups():
    if is_sanitized():
        return [Case("counters", _too_slow)]
    scenarios = []
    for f in "46":
        scenarios += [Scenario(f"half-way-{f}", half_way, f, "tracepoint"),
                      Scenario(f"long-send-{f}", long_send, f, "suspicious"),
                      Scenario(f"reconnect-{f}", reconnect, f, "tracepoint")]
        scenarios += [Scenario(f"degraded/fragments-{f}", fragments, f),
                      Scenario(f"degraded/before-start-{f}", before_start, f)]
        scenarios.append(Scenario(f"hurried/open-{f}", open_sockets, f, "hurried"))
        for way in ("lossy", "degraded"):
            scenarios += [Scenario(f"{way}/reconnect-{f}", reconnect, f, way),
                          Scenario(f"{way}/open-{f}", open_sockets, f, way)]
    return [Counted("lossy", "tcp-", lambda _, flows: flows, ()),
            Counted("degraded", "", seen, NOTES), *scenarios,
            *(Scenario(f"{way}/huge", huge, "4", way) for way in ("lossy", "degraded"))]
