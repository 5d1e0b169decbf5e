# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The filter language with real traffic: what matches is there to the byte, all else is not."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import capture
import checker
import test_programs
from capture import Skipped, Sockwatch
from case import LOG, Case, refused, run
from test_scenarios import Scenario

# Both ends of TCP connections and UDP datagrams on each port, under a name of its own:
# NAME HOST {PORT COUNT ASKED ANSWERED}...
TRAFFIC = """
import ctypes, socket, sys
name, host, rest = sys.argv[1], sys.argv[2], [int(a) for a in sys.argv[3:]]
ctypes.CDLL(None).prctl(15, name.encode())
family = socket.AF_INET6 if ":" in host else socket.AF_INET
def take(sock, n):
    while n:
        n -= len(sock.recv(min(n, 65536)))
for port, count, asked, answered in zip(*[iter(rest)] * 4):
    with socket.create_server((host, port), family=family) as server:
        for _ in range(count):
            with socket.create_connection((host, port)) as client, server.accept()[0] as there:
                client.sendall(bytes(asked)), take(there, asked)
                there.sendall(bytes(answered)), take(client, answered)
    with socket.socket(family, socket.SOCK_DGRAM) as a, socket.socket(family, socket.SOCK_DGRAM) as b:
        b.bind((host, port))
        for _ in range(count):
            a.sendto(bytes(answered), (host, port)), b.recvfrom(65536)
if name == "slow": sys.stdin.read(), __import__("time").sleep(1)
"""


def move(netns, name, family, *ports, before=()):
    """Make the traffic; returns (pid, {port: bytes sent = bytes received})."""
    numbers = [str(n) for port in ports for n in port]
    pid, _ = test_programs.run(netns, [*before, sys.executable, "-c", TRAFFIC, name,
                                       test_programs.HOST[family], *numbers])
    return pid, {port: count * (asked + 2 * answered) for port, count, asked, answered in ports}


def _sum(rows):
    return [sum(row[key] for row in rows) for key in (checker.TX, checker.RX)]


def _ports(row):
    return row.get(checker.LOCAL_PORT), row.get(checker.PEER_PORT)


def port(keep, spaces, family):
    """One of two ports: its bytes exactly, and the same rows that a whole log has of it."""
    expression = f"netns {spaces[0].inode} and port 7443 and not proc other"
    keep[0], whole = Sockwatch("-F", expression), Sockwatch()
    try:
        moved = move(spaces[0], "mine", family, (7443, 4, 12345, 678), (7080, 3, 99999, 8888))[1]
        move(spaces[0], "other", family, (7443, 2, 5000, 500))
        move(spaces[1], "mine", family, (7443, 1, 777, 77))
        log, everything = keep[0].stop(), whole.stop()
    finally:
        whole.abandon()
    problems = log.problems + log.losses() + everything.problems
    if log.records[0].get("sockwatch.filter") != expression:
        problems.append(f"the meta record has the filter {log.records[0].get('sockwatch.filter')!r}")
    if "sockwatch.filter" in everything.records[0]:
        problems.append("a log without a filter says that it has one")
    if _sum(log.rows) != [moved[7443]] * 2:
        problems.append(f"moved {moved[7443]}, logged {_sum(log.rows)}")
    wrong = [r for r in log.rows if 7443 not in _ports(r) or r.get(checker.NAME) != "mine"]
    if wrong:
        problems.append(f"does not match: {wrong[:2]}")
    same = [r for r in everything.in_netns(spaces[0].inode)
            if 7443 in _ports(r) and r.get(checker.NAME) == "mine"]
    sums = [{k: v for k, v in checker.sums(rows).items() if any(v)} for rows in (same, log.rows)]
    if sums[0] != sums[1]:
        problems.append("the whole log has other sums for what matches")
    if not problems:
        whole.discard()
    return problems


def processes(keep, spaces):
    """Names with a glob, several of them, and a word that is also one of the language."""
    chosen = "proc mi* or 'tcp'"
    keep[0] = Sockwatch("-F", f"netns {spaces[0].inode} and {chosen} and not udp")
    pids, tcp = {}, 2 * (1000 + 10)
    for name in ("mine", "tcp", "other"):
        pids[name] = move(spaces[0], name, "4", (7443, 2, 1000, 10))[0]
    log = keep[0].stop()
    wanted = {pids[name]: (name, tcp, tcp) for name in ("mine", "tcp")}
    return log.problems + log.losses() + test_programs.by_process(log.rows, wanted)


def _groups():
    """Paths of two control groups of our own, and where their tree is; removed by the caller."""
    with open("/proc/self/mountinfo", encoding="ascii") as file:
        trees = [line.split()[4] for line in file if " - cgroup2 " in line]
    if not trees:
        raise Skipped("no cgroup2 is mounted")
    top = f"/sockwatch{os.getpid()}.slice"
    paths = [top, f"{top}/mine.service", f"{top}/docker-{'0123456789abcdef' * 4}.scope"]
    try:
        for path in paths:
            os.mkdir(trees[0] + path)
    except OSError as error:
        raise Skipped(f"no control groups can be made here: {error}") from None
    return trees[0], paths


def _inside(tree, path):
    return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', f"{tree}{path}/cgroup.procs"]


def control_groups(keep, spaces, caps):
    """By unit, container and path; also without what asking for a path by its number takes."""
    tree, (top, unit, container) = _groups()
    logs, filters = [], ["unit mine", "container 0123456789ab", f"cgroup {top}",
                         f"cgroup {os.stat(tree + unit).st_ino}", "unit other"]
    try:
        for one in filters:
            options = ["-F", f"netns {spaces[0].inode} and tcp and {one}"]
            logs.append(Sockwatch(*options, before=capture.as_nobody(*caps), uid=capture.NOBODY)
                        if caps else Sockwatch(*options))
            keep[0] = keep[0] or logs[0]
        port_of = {unit: 7001, container: 7002, None: 7003}
        for path, number in port_of.items():
            move(spaces[0], "slow", "4", (number, 1, 10 ** (number - 7000), 0),
                 before=_inside(tree, path) if path else ())
        sums = [_sum(log.stop().rows)[0] for log in logs]
    finally:
        for log in logs:
            log.abandon()
        for path in (container, unit, top):
            os.rmdir(tree + path)
    for log in logs[1:]:
        log.discard()
    wanted = [10, 100, 110, 10, 0]
    return [f"{one}: sent {want}, logged {got}"
            for one, want, got in zip(filters, wanted, sums) if want != got]


TOTALS = re.compile(rb"total tx (\S+) rx (\S+)")


def _sent(block, table):
    """Sum of a column of a table: bytes sent since the start."""
    lines = block.partition(b"\n" + table + b" (")[2].split(b"\n\n")[0].split(b"\n")
    at = lines[1].index(b" TX ") + len(b" TX ")  # columns of numbers end with their title
    return sum(int(line[:at].split()[-1]) for line in lines[2:] if line)


def tables(_keep, spaces):
    """The same numbers in the header and in every table, with the filter as arguments."""
    argv = [capture.SOCKWATCH, "-b", "-d", "0.2", "netns", str(spaces[0].inode), "and", "tcp",
            "port", "7443"]
    watch = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    try:
        first = watch.stdout.readline()
        pid = move(spaces[0], "mine", "4", (7443, 3, 200, 41), (7080, 3, 600, 60))[0]
        time.sleep(0.5)
        watch.send_signal(signal.SIGINT)
        out, err = watch.communicate(timeout=capture.STOP_S)
    finally:
        capture.end_process(watch, signal.SIGKILL)
    out = first + out
    problems = [f"said {err!r}"] if err else []
    block = b"sockwatch  " + out.split(b"sockwatch  ")[-1]
    line = b"filter: " + " ".join(argv[4:]).encode()
    if line not in block.split(b"\n"):
        problems.append(f"no line says {line!r}")
    if TOTALS.search(block).groups() != (b"723", b"723"):
        problems.append(f"totals should be 723: {TOTALS.search(block).groups()}")
    for table in (b"Processes", b"Ports", b"Connections"):
        sent = _sent(block, table)
        if sent != 723:
            problems.append(f"{table.decode()} sum up to {sent}, not 723")
    if not re.search(rb"^ +%d mine .* 723 +723$" % pid, out, re.M):
        problems.append("the process is in no table with all that it moved")
    return problems


def nothing_written():
    """A wrong filter leaves no file behind, and needs no privilege to be told."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    try:
        path = where + "/log"
        got = run(*capture.as_nobody(), capture.program_for_all(), *LOG, "-o", path, "-F",
                  "tcp prot 80")
        problems = refused(got, 2, 'filter: unknown word "prot" at column 5, did you mean "port"?')
        return problems + (["made a file"] if os.path.exists(path) else [])
    finally:
        shutil.rmtree(where)


def wrong(*argv):
    return refused(run(capture.SOCKWATCH, *argv), 2, "filter: ", " at column ")


def groups():
    return [
        Scenario("filter/port-4", port, "4"),
        Scenario("filter/port-6", port, "6"),
        Scenario("filter/processes", processes),
        Scenario("filter/control-groups", control_groups, ()),
        Scenario("filter/control-groups-three-caps", control_groups,
                 ("bpf", "perfmon", "net_admin")),
        Scenario("filter/tables", tables),
        Case("filter/nothing-written", nothing_written),
        Case("filter/wrong-word", wrong, "nosuch"),
        Case("filter/wrong-value", wrong, "-b", "port", "99999"),
        Case("filter/wrong-in-log", wrong, *LOG, "-F", "(tcp"),
    ]
