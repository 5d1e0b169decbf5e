# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Tables as text, with and without a terminal; signals; what is left behind in the kernel."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import capture
import checker
from capture import Failed, Held, Skipped, Sockwatch, wait_for
from case import Case, Outcome, run, silent
from test_scenarios import DELIVERED, LOST, SEEN, Scenario


# ---- terminal and batch ----

def on_terminal(argv, term):
    """Run a command on a terminal of its own: (status, bytes it wrote there)."""
    env = {k: v for k, v in os.environ.items() if k != "TERM"}
    if term is not None:
        env["TERM"] = term
    leader, follower = pty.openpty()
    process = subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=follower, env=env,
                               start_new_session=True)
    os.close(follower)
    written = b""
    end = time.monotonic() + capture.STOP_S
    while select.select([leader], [], [], max(0, end - time.monotonic()))[0]:
        try:
            written += os.read(leader, 65536)
        except OSError:  # nobody has the other side any more
            break
    capture.end_process(process, signal.SIGKILL)
    os.close(leader)
    return process.returncode, written


def blocks(text):
    """How often it shows all tables."""
    titles = rb"sockwatch +\d\d:", rb"Processes \(", rb"Ports \(", rb"Connections \("
    found = [len(re.findall(rb"^" + title, text, re.M)) for title in titles]
    return found[0] if len(set(found)) == 1 else f"uneven: {found}"


def _is_text(text, count):
    problems = [] if blocks(text) == count else [f"{blocks(text)} blocks of tables, not {count}"]
    control = set(text) & (set(range(32)) | {127}) - {10}
    return problems + ([f"control bytes {sorted(control)}"] if control else [])


def no_terminal(term):
    """What the terminal cannot show is text, and it says why."""
    status, text = on_terminal([capture.SOCKWATCH, "-n", "1", "-d", "0.1"], term)
    first, _, rest = text.replace(b"\r\n", b"\n").partition(b"\n")
    problems = [f"status {status}"] if status else []
    if not first.startswith(b"sockwatch: ") or b"TERM" not in first:
        problems.append(f"first line: {first!r}")
    return problems + _is_text(rest, 1)


def batch(count, *argv):
    got = run(capture.SOCKWATCH, "-d", "0.2", *argv)
    problems = silent(got) + _is_text(got.out, count)
    return problems + (["too soon"] if got.seconds < 0.2 * count else [])


def batch_signal(sig, delay, count):
    """A signal ends it with a whole last block: count of them if it comes in the first interval."""
    process = subprocess.Popen([capture.SOCKWATCH, "-b", "-d", delay], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_for("its programs", lambda: held_objects(process.pid)["link"])
        if count is None:
            first = process.stdout.readline()
        else:
            first = b""
            time.sleep(0.5)
        process.send_signal(sig)
        out, err = process.communicate(timeout=capture.STOP_S)
    finally:
        capture.end_process(process, signal.SIGKILL)
    out = first + out
    problems = silent(Outcome(process.returncode, out, err.decode(), 0))
    return problems + _is_text(out, blocks(out) if count is None else count)


PROCESSES = re.compile(rb"^Processes \(.*?\n\n", re.M | re.S)


def _pids_of_blocks(process):
    """The pids of the table of processes, block for block, while it writes them."""
    text, shown = b"", 0
    while line := process.stdout.readline():
        text += line
        tables = PROCESSES.findall(text)
        if len(tables) > shown:
            shown = len(tables)
            yield set(map(int, re.findall(rb"^ *(\d+) ", tables[-1], re.M)))


OLD_CONNECTION = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted = server.accept()
print(flush=True)
sys.stdin.readline()
client.sendall(b"x")
sys.stdin.read()
"""


def older_process_ends():
    """A process with a connection from before the start leaves the tables with its end."""
    holder = subprocess.Popen([sys.executable, "-c", OLD_CONNECTION], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    holder.stdout.readline()
    process = subprocess.Popen([capture.SOCKWATCH, "-b", "-d", "0.2", "-n", "30"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        tables = _pids_of_blocks(process)
        if holder.pid not in next(tables, set()):
            return ["a process with a connection is not in the first table"]
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        next(tables, None)
        next(tables, None)
        holder.communicate()
        if all(holder.pid in pids for pids in tables):
            return ["it is still in the last table, seconds after its end"]
        return []
    finally:
        capture.end_process(holder, signal.SIGKILL)
        capture.end_process(process, signal.SIGKILL)
        process.stdout.close()


HOSTILE = b"\x1b]0;a\x07\n\r\x9b\xe2\x80\xae"


def hostile_name():
    """A process with a name of escape sequences: the tables hold no control byte but line ends."""
    code = ("import ctypes, socket, sys, time\n"
            f"ctypes.CDLL(None).prctl(15, {HOSTILE!r})\n"
            "server = socket.create_server(('127.0.0.1', 0))\n"
            "print(flush=True)\nsys.stdin.read()\n")
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        got = run(capture.SOCKWATCH, "--once", "-d", "0.1")
        text = got.out.decode("utf-8")
        shown = r"\x1b]0;a\x07\x0a\x0d\x9b" + r"\u{202e}"
        problems = silent(got) + _is_text(got.out, 1)
        return problems + ([] if shown in text else [f"{shown} is not in the tables"])
    finally:
        child.communicate()


# ---- signals ----

def hangup_ignored(keep, spaces):
    """nohup means it."""
    keep[0] = Sockwatch(before=["nohup"])
    keep[0].process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    flows, _ = capture.run_gen(spaces[0], "tcp-send", "4")
    log = keep[0].stop()
    return log.problems + log.losses() + checker.check(log.in_netns(spaces[0].inode), flows)


def reopened(keep, spaces):
    """As logrotate does it: move the file, then SIGHUP. Both files together tell all."""
    keep[0] = Sockwatch()
    path, moved = keep[0].path, keep[0].path + ".1"
    flows, _ = capture.run_gen(spaces[0], "tcp-send", "4")
    os.rename(path, moved)
    keep[0].process.send_signal(signal.SIGHUP)
    capture.wait_for("the new file", lambda: os.path.exists(path))
    more, _ = capture.run_gen(spaces[0], "udp-send", "4")
    keep[0].stop()
    with open(moved, "rb") as old, open(path, "rb") as new:
        meta, rest = new.read().split(b"\n", 1)  # each file says what it is
        log = checker.Log(old.read() + rest)
    os.unlink(moved)
    if b'"meta"' not in meta:
        return [f"the new file begins with {meta!r}"]
    return (log.problems + log.losses()
            + checker.check(log.in_netns(spaces[0].inode), flows + more))


STOPPED_S = 3


def stopped(keep, spaces):
    """
    Stopped for a while, with traffic: it only comes later. What else this machine does may fill the
    ring meanwhile, which costs no byte.
    """
    held = Held(spaces[0], "4")
    try:
        keep[0] = Sockwatch(interval="0.2")
        time.sleep(0.5)
        keep[0].process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        moved = held.move()
        flows, _ = capture.run_gen(spaces[1], "tcp-many", "4")
        held.close_sockets()
        time.sleep(max(0, began + STOPPED_S - time.monotonic()))
        keep[0].process.send_signal(signal.SIGCONT)
        later, _ = capture.run_gen(spaces[2], "udp-send", "6")
        time.sleep(0.5)
        log = keep[0].stop()
    finally:
        held.end()
    seen, delivered, lost = (log.end[key] for key in (SEEN, DELIVERED, LOST))
    problems = list(log.problems)
    if seen != delivered + lost:
        problems.append(f"seen {seen} is not delivered {delivered} + lost {lost}")
    for netns, wanted in zip(spaces, (moved, flows, later)):
        problems += checker.check(log.in_netns(netns.inode), wanted)
    return problems


def two_at_once(keep, spaces):
    """Two captures of the same traffic: each is exact, whatever their intervals."""
    keep[0] = Sockwatch()
    other = Sockwatch(interval="0.3")
    try:
        cases = "tcp-fork-8", "udp-unconnected-sendto", "tcp-many"
        flows = [capture.run_gen(netns, case, "4")[0] for netns, case in zip(spaces, cases)]
        logs = [keep[0].stop(), other.stop()]
        other.discard()
    finally:
        other.abandon()
    problems = []
    for log in logs:
        problems += log.problems + log.losses()
        for netns, moved in zip(spaces, flows):
            problems += checker.check(log.in_netns(netns.inode), moved)
    for netns in spaces:
        one, two = (dict(checker.sums(log.in_netns(netns.inode))) for log in logs)
        for key in sorted(set(one) | set(two), key=str):
            if one.get(key, [0, 0]) != two.get(key, [0, 0]):
                problems.append(f"(pid, cookie) {key}: {one.get(key)} and {two.get(key)}")
    return problems[:checker.SHOWN]


# ---- what it leaves behind ----

KINDS = ("prog", "link", "map")


def held_objects(pid):
    """BPF objects that a process holds by descriptors: {kind: set of ids}."""
    held = {kind: set() for kind in KINDS}
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                text = file.read()
        except FileNotFoundError:
            continue
        for kind, number in re.findall(r"^(prog|link|map)_id:\s*(\d+)", text, re.M):
            held[kind].add(int(number))
    return held


def all_objects(kind):
    """{id: what bpftool says of it}. It fails when one of another process goes while it lists."""
    for _ in range(20):
        got = run("bpftool", "-j", kind, "list")
        if not got.status:
            return {entry["id"]: entry for entry in json.loads(got.out)}
    raise Failed(f"bpftool {kind} list: status {got.status}: {got.err}{got.out[-200:]}")


def _all_of(pid):
    """What a process holds, and the maps of its programs: {kind: {id: name}}."""
    held = held_objects(pid)
    there = {kind: all_objects(kind) for kind in KINDS}
    for number in held["prog"]:
        held["map"].update(there["prog"].get(number, {}).get("map_ids", []))
    return {kind: {n: there[kind].get(n, {}).get("name") for n in held[kind]} for kind in KINDS}


def killed(sig):
    """No way out leaves a program, link or map. By id: other captures may be running."""
    if not shutil.which("bpftool"):
        raise Skipped("bpftool is not installed")
    sockwatch = Sockwatch()
    try:
        objects = _all_of(sockwatch.process.pid)
        sockwatch.process.send_signal(sig)
        sockwatch.process.wait(capture.STOP_S)
        problems = [f"no {kind} was found" for kind in KINDS if not objects[kind]]

        def left():  # the kernel frees after a grace period
            return {kind: {n: name for n, name in objects[kind].items() if n in all_objects(kind)}
                    for kind in KINDS}
        try:
            wait_for("BPF objects to go", lambda: not any(left().values()), 5)
        except Failed as error:
            problems.append(f"{error}: {left()}")
        sockwatch.discard()
        return problems
    finally:
        sockwatch.abandon()


def _named():
    for name, term in (("unset", None), ("dumb", "dumb"), ("unknown", "no-such-terminal")):
        yield Case, f"term-{name}", no_terminal, term
    yield Case, "batch-implied", batch, 1, "-n", "1"
    yield Case, "batch-once", batch, 1, "--once"
    yield Case, "batch-two", batch, 2, "-b", "-n", "2"
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield Case, f"batch-{sig.name.lower()}", batch_signal, sig, "0.2", None
    yield Case, "batch-sigint-early", batch_signal, signal.SIGINT, "60", 1
    yield Case, "batch-hostile-name", hostile_name
    yield Case, "batch-older-process-ends", older_process_ends
    yield Scenario, "nohup", hangup_ignored
    yield Scenario, "sighup", reopened
    yield Scenario, "stopped", stopped
    yield Scenario, "two-at-once", two_at_once
    for sig in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
        yield Case, f"nothing-left-{sig.name.lower()}", killed, sig


def groups():
    return [kind("signals/" + name, *how) for kind, name, *how in _named()]
