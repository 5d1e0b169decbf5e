# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What happens around the traffic: start and end of the capture, same 4-tuples, loss."""

import signal
import subprocess
import sys
import threading
import time

import capture
import checker
import test_programs
from capture import Failed, Held, Sockwatch
from case import Case
from netns import Netns


class Scenario(Case):
    """
    A test with a capture of its own. function(keep, spaces, ...) puts it into keep[0], so that its
    log is kept when the test fails, and returns problems. spaces: namespaces, made before the
    capture: an inode that others have used and freed meanwhile would bring their rows into ours.
    """

    def run(self, wanted, report):
        if not wanted(self.name):
            return
        sockwatch, spaces = [None], [Netns(), Netns(), Netns()]

        def path():
            return sockwatch[0] and sockwatch[0].path

        try:
            with report.verdict(self.name, path):
                problems = self._function(sockwatch, spaces, *self._args)
                if report.result(self.name, problems, path()) and path():
                    sockwatch[0].discard()
        finally:
            if sockwatch[0]:
                sockwatch[0].abandon()
            for netns in spaces:
                netns.close()


def _whole(log):
    return log.problems + log.losses()


def before_start(keep, spaces, family):
    """Open before the start: owner and role are known, nothing from before is counted."""
    held = Held(spaces[0], family)
    try:
        keep[0] = Sockwatch()
        time.sleep(0.7)
        flows = held.move()
        held.close_sockets()
        log = keep[0].stop()
    finally:
        held.end()
    return checker.check(log.in_netns(held.netns.inode), flows) + _whole(log)


def busy_before_start(keep, spaces, family):
    """Connections that are busy while the capture starts: sides are known, both ends agree."""
    test_programs.need("redis-server", "redis-benchmark")
    port, host = "6391", test_programs.HOST[family]
    server = test_programs.start(spaces[0], ["redis-server", "--port", port, "--bind", host,
                                             "--save", "", "--appendonly", "no", "--dir", "/tmp"])
    client = None
    try:
        test_programs.listening(spaces[0], int(port))
        client = test_programs.start(spaces[0], ["redis-benchmark", "-h", host, "-p", port, "-q",
                                                 "-c", "20", "-n", "100000000", "-t", "get"])
        time.sleep(1)
        keep[0] = Sockwatch()
        time.sleep(2)
        log = keep[0].stop()
    finally:
        for process in (client, server):
            if process:
                test_programs.end_process(process)
    rows = [r for r in log.in_netns(spaces[0].inode) if r.get("sockwatch.state") == "established"]
    got = {(r.get(checker.NAME), r["sockwatch.role"]) for r in rows}
    wanted = {("redis-server", "server"), ("redis-benchmark", "client")}
    problems = [] if got == wanted else [f"sides should be {wanted}, are {got}"]
    return problems + ends_agree(rows, int(port)) + _whole(log)


def ends_agree(rows, port):
    """Problems: in each interval both ends of a loopback connection moved nearly the same."""
    ends = {}
    for row in rows:
        here, there = row["network.local.port"], row["network.peer.port"]
        side, key = ("server", there) if here == port else ("client", here)
        ends.setdefault((row["@timestamp"], key), {})[side] = row
    bad = 0
    for pair in ends.values():
        if len(pair) == 2:  # a request may be under way when the interval ends
            sent, received = pair["client"]["sockwatch.tx_bytes"], pair["server"]["sockwatch.rx_bytes"]
            bad += abs(sent - received) > max(sent, received) / 4 + 1000
    if len(ends) < 20:
        return [f"only {len(ends)} pairs of ends were logged"]
    return [f"{bad} of {len(ends)} pairs of ends disagree by over a quarter"] if bad else []


MPTCP_ACCEPTS = """
import os, socket, sys
a = (sys.argv[1], 7012)
f = socket.AF_INET6 if ":" in a[0] else socket.AF_INET
listener = socket.socket(f, socket.SOCK_STREAM, 262)
listener.bind(a)
listener.listen()
if os.fork() == 0:
    for size in (1000, 20000, 300000):
        s = socket.create_connection(a) if size < 9999 else socket.socket(f, socket.SOCK_STREAM, 262)
        if size > 9999: s.connect(a)
        s.sendall(bytes(size))
        s.close()
    os._exit(0)
for _ in range(3):
    s, _ = listener.accept()
    while s.recv(65536): pass
os.wait()
"""


def mptcp_accepts(keep, spaces, family):
    """Accepted MPTCP sockets have the SO_COOKIE of their listener: they must not become one row."""
    keep[0] = Sockwatch()
    test_programs.run(spaces[0], [sys.executable, "-c", MPTCP_ACCEPTS, test_programs.HOST[family]])
    log = keep[0].stop()
    got = {}
    for row in log.in_netns(spaces[0].inode):
        if row["sockwatch.role"] == "server":
            key = row["network.peer.port"]
            got[key] = got.get(key, 0) + row["sockwatch.rx_bytes"]
    if sorted(got.values()) != [1000, 20000, 300000]:
        return [f"servers received {got}"] + _whole(log)
    return _whole(log)


def still_open(keep, spaces, family, sig):
    """Still open at the signal, and the last bytes moved just before it."""
    keep[0] = Sockwatch(interval="5")
    held = Held(spaces[0], family)
    try:
        flows = held.first + held.move()
        log = keep[0].stop(sig)
    finally:
        held.end()
    return checker.check(log.in_netns(held.netns.inode), flows) + _whole(log)


def same_tuple(keep, spaces, family):
    """The same addresses and ports in two namespaces at the same time."""
    keep[0] = Sockwatch()
    held = []
    try:
        for netns in spaces[:2]:
            held.append(Held(netns, family, "-p", "40000", "-P", "40001"))
        flows = [h.first for h in held]
        time.sleep(0.7)
        flows[1] += held[1].move()
        held[1].close_sockets()
        flows[0] += held[0].move()
        log = keep[0].stop()
    finally:
        for one in held:
            one.end()
    problems = _whole(log)
    for one, moved in zip(held, flows):
        problems += checker.check(log.in_netns(one.netns.inode), moved)
    return problems


def _to_pipe(script, during):
    """Run `sockwatch log` into a pipe, to its own end. Returns the log."""
    process = subprocess.Popen(["sh", "-c", script, capture.SOCKWATCH], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watchdog = threading.Timer(capture.STOP_S, process.kill)
    watchdog.start()
    try:
        first = process.stdout.readline()
        during()
        rest, err = process.communicate()
    finally:
        watchdog.cancel()
        capture.end_process(process, signal.SIGKILL)
    log = checker.Log(first + rest)
    if process.returncode == 0:
        return log
    raise Failed(f"it ended with status {process.returncode}, not by itself with 0:"
                 f" {err.decode('utf-8', 'replace')!r}")


def to_stdout(_keep, spaces):
    """-o - into a pipe, -n 3: it ends by itself."""
    flows = []
    log = _to_pipe('exec "$0" log -f json -o - -d 0.5 -n 3',
                   lambda: flows.extend(capture.run_gen(spaces[0], "tcp-send", "4")[0]))
    return checker.check(log.in_netns(spaces[0].inode), flows) + _whole(log)


def closed_stdin(_keep, _spaces):
    """Standard input is closed: a log is a log all the same."""
    return _whole(_to_pipe('exec "$0" log -f json -o - -d 0.2 -n 1 <&-', lambda: None))


# ---- loss ----

SEEN, DELIVERED, LOST = (f"sockwatch.records.{k}" for k in ("seen", "delivered", "lost"))
LOAD = 300  # processes, each with a connection: far more records than the ring holds


def loss_adds_up(keep, spaces, family):
    """A tiny ring and a stopped reader: what is lost is counted, and no byte is: totals of open
    sockets come with a later record, last totals that found the ring full are kept in the hash."""
    keep[0] = Sockwatch("--ring-size", "4096")
    held = Held(spaces[0], family)
    try:
        time.sleep(0.7)
        keep[0].process.send_signal(signal.SIGSTOP)
        flows, _ = capture.run_gen(spaces[1], "tcp-many", family, "-c", str(LOAD))
        moved = held.first + held.move()
        keep[0].process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        later, _ = capture.run_gen(spaces[2], "tcp-half-close", family)
        log = keep[0].stop()
    finally:
        held.end()
    problems = log.problems + checker.check(log.in_netns(spaces[1].inode), flows)
    problems += checker.check(log.in_netns(held.netns.inode), moved)
    problems += checker.check(log.in_netns(spaces[2].inode), later)
    return problems + loss_counters(log.end or {})


def loss_counters(end):
    """Problems of the end record after a load that must have overrun the ring."""
    numbers = [end.get(key) for key in (SEEN, DELIVERED, LOST)]
    if not all(isinstance(n, int) for n in numbers):
        return [f"the end record should have {SEEN}, {DELIVERED}, {LOST}: {numbers}"]
    seen, delivered, lost = numbers
    problems = []
    if seen != delivered + lost:
        problems.append(f"seen {seen} is not delivered {delivered} + lost {lost}")
    if lost == 0:
        problems.append("nothing was lost: the load did not fill the ring")
    return problems


def groups():
    scenarios = []
    for f in "46":
        scenarios += [
            Scenario(f"before-start-{f}", before_start, f),
            Scenario(f"busy-before-start-{f}", busy_before_start, f),
            Scenario(f"mptcp-accepts-{f}", mptcp_accepts, f),
            Scenario(f"still-open-sigint-{f}", still_open, f, signal.SIGINT),
            Scenario(f"still-open-sigterm-{f}", still_open, f, signal.SIGTERM),
            Scenario(f"same-tuple-two-netns-{f}", same_tuple, f),
            Scenario(f"loss-adds-up-{f}", loss_adds_up, f),
        ]
    return scenarios + [
        Scenario("log-to-stdout", to_stdout),
        Scenario("log-closed-stdin", closed_stdin),
    ]
