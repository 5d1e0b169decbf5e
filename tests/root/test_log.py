# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
sockwatch log: the same numbers in all formats, and files that can be relied upon whatever happens
to them. Many records without much traffic: --all with many sockets that are open.
"""

import collections
import csv
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import capture
from capture import Failed, Skipped, wait_for
from case import Case, refused, run
from netns import Netns

FIELDS = os.path.join(capture.ROOT, "user", "share", "log-fields.md")
SEQ, RECORD, DROPPED = "sockwatch.seq", "sockwatch.record", "sockwatch.dropped"
TABLES = ("connection", "process", "port", "peer", "total")
SOCKETS = 2000

# Known bytes on a port of its own: prints the port and waits for the end of its input.
MOVE = r"""
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname()); server = listener.accept()[0]
print(listener.getsockname()[1], flush=True)
sys.stdin.readline()
for _ in range(100):
    client.sendall(bytes(12345)); left = 12345
    while left: left -= len(server.recv(left))
    server.sendall(bytes(7))
    assert len(client.recv(7)) == 7
print("moved", flush=True)
sys.stdin.readline()
"""
SENT, RECEIVED = 100 * 12345, 100 * 7  # of the client; the server has them the other way round

HOLD = r"""
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(int(sys.argv[1]))]
for s in held: s.bind(("127.0.0.1", 0))
print("held", flush=True)
sys.stdin.readline()
"""


class Place:
    """A folder that goes with all that is in it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sockwatch-root-")

    def __enter__(self):
        return self.dir

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


class Helper:
    """A python script in a namespace of its own; ends with its input."""

    def __init__(self, script, *argv):
        self.netns = Netns()
        self.process = subprocess.Popen([sys.executable, "-c", script, *argv], text=True,
                                        preexec_fn=self.netns.enter, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.said = self.process.stdout.readline().strip()

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)
        self.netns.close()


def start(*options, **how):
    return subprocess.Popen([capture.SOCKWATCH, "log", *options], stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, **how)


def end(process, sig=signal.SIGINT):
    """(status, what it said)."""
    process.send_signal(sig)
    process.wait(capture.STOP_S)
    with process.stderr:
        return process.returncode, process.stderr.read().decode()


def content(path):
    with open(path, "rb") as file:
        return file.read()


def records(data):
    return [json.loads(line) for line in data.decode().splitlines()]


def has_meta(path):
    return wait_for("the first line", lambda: os.path.exists(path) and os.path.getsize(path),
                    3 * capture.START_S)


# ---- the same numbers ----

def _text_rows(data):
    """Rows by title; two columns may have one."""
    lines = data.decode().splitlines()
    titles = lines[0].split()
    return [dict(zip(titles, line.split())) for line in lines[1:] if not line.startswith("#")]


def _sums(rows, tx, rx):
    return [sum(int(row.get(tx) or 0) for row in rows) for tx, rx in ((tx, rx), (rx, tx))]


def _moved(form, data):
    """Bytes of all intervals in a log of this format, and the totals at its end: (sums, totals)."""
    if form == "json":
        rows = records(data)
        return (_sums([r for r in rows if r[RECORD] not in ("end", "meta")], "sockwatch.tx_bytes",
                      "sockwatch.rx_bytes"),
                [rows[-1][f"sockwatch.{way}_bytes_total"] for way in ("tx", "rx")])
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        return (_sums(rows, "sockwatch.tx_bytes", "sockwatch.rx_bytes"),
                [int(rows[-1][f"sockwatch.{way}_bytes_total"]) for way in ("tx", "rx")])
    totals = re.search(r"# \S+ end: tx (\d+) rx (\d+) ", data.decode())
    return _sums(_text_rows(data), "TX", "RX"), [int(n) for n in totals.groups()]


def agree(form):
    """One format by all tables at once, with --top and without: the bytes that were moved."""
    logs = [("--by", by, *more) for by in TABLES for more in ((), ("--top", "1"))
            if not (by == "total" and more)]
    both = SENT + RECEIVED
    problems = []
    with Place() as where, Helper(MOVE) as mover:
        running = [start("-d", "0.3", "-F", f"port {mover.said}", "-f", form, "-o",
                         f"{where}/{number}", *options) for number, options in enumerate(logs)]
        try:
            for number in range(len(logs)):
                has_meta(f"{where}/{number}")
            mover.step()
            time.sleep(0.7)
        finally:
            ends = [end(process) for process in running]
        for number, (log, got) in enumerate(zip(logs, ends)):
            if got != (0, ""):
                problems.append(f"{log}: {got}")
                continue
            sums, totals = _moved(form, content(f"{where}/{number}"))
            if sums != [both, both] or totals != [both, both]:
                problems.append(f"{log}: rows {sums}, end {totals}, moved {both} both ways")
    return problems


def live_totals():
    """The tables of the live view, in its text form, have what the log has."""
    with Place() as where, Helper(MOVE) as mover:
        text = subprocess.Popen([capture.SOCKWATCH, "-b", "-d", "0.3", f"port {mover.said}"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        log = start("-d", "0.3", "-F", f"port {mover.said}", "-o", where + "/log")
        has_meta(where + "/log")
        first = text.stdout.readline()  # of the first interval: it counts
        mover.step()
        time.sleep(0.8)
        said = end(log)
        text.send_signal(signal.SIGINT)
        tables = (first + text.communicate()[0]).decode()
        last = records(content(where + "/log"))[-1]
    sizes = re.findall(r"total tx (\S+) rx (\S+)", tables)
    wanted = f"{last['sockwatch.tx_bytes_total'] / 2**20:.2f}M"
    problems = [f"log: {said}"] if said != (0, "") else []
    return problems + ([] if sizes and sizes[-1] == (wanted, wanted) else
                       [f"tables say {sizes[-1:]}, the log {wanted}"])


# ---- readers ----

def fields():
    """What JSON has is in the list of fields, with that type, for both schemas."""
    listed = {0: {}, 1: {}}
    with open(FIELDS, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) < 6 or cells[0] in ("name", "---"):
                continue
            for schema in (0, 1):
                for kind in cells[4].split(", "):
                    listed[schema][kind, cells[schema]] = cells[2]
    types = {"string": str, "integer": int, "number": (int, float), "boolean": bool,
             "array of string": list, "object of integer": dict}
    problems = []
    with Helper(MOVE) as mover:
        for schema, name in enumerate(("otel", "ecs")):
            for by in TABLES:
                got = run(capture.SOCKWATCH, "log", "--all", "-n", "2", "-d", "0.2", "--by", by,
                          "--own-cost", "--schema", name, "-F", f"port {mover.said}")
                for record in records(got.out):
                    for key, value in record.items():
                        kind = listed[schema].get((record[RECORD], key)) or \
                            listed[schema].get(("all", key))
                        if not kind or not isinstance(value, types[kind]):
                            problems.append(f"{name} {by}: {key} {value!r}: listed as {kind}")
    return sorted(set(problems))[:5]


def jq_and_sqlite():
    """The tools of the manual page's examples get the same sums."""
    for tool in ("jq", "sqlite3"):
        if not shutil.which(tool):
            raise Skipped(f"{tool} is not installed")
    with Place() as where, Helper(MOVE) as mover:
        logs = [start("-d", "0.3", "-F", f"port {mover.said}", "-f", form, "-o", where + "/" + form)
                for form in ("json", "csv")]
        for form in ("json", "csv"):
            has_meta(where + "/" + form)
        mover.step()
        for log in logs:
            end(log)
        got = run("jq", "-s", 'map(."sockwatch.tx_bytes" // 0) | add', where + "/json").out
        rows = run("sqlite3", ":memory:", "-cmd", f".import --csv {where}/csv log",
                   'select sum(cast("sockwatch.tx_bytes" as integer)) from log').out
    wanted = b"%d\n" % (SENT + RECEIVED)
    return [f"{tool}: {said}, not {wanted}" for tool, said in (("jq", got), ("sqlite3", rows))
            if said != wanted]


HOSTILE = r"""
import ctypes, socket, sys
libc = ctypes.CDLL(None)
names = [bytes(range(i, min(i + 14, 256))) for i in range(1, 256, 14)]
names += [b"\x1b]0;x\x07", b"\x1b[2J", b"=1+1", b"a,b\"c\nd", b"\xc2\x9b31m", b"\xe2\x80\xae"]
names += [b"-\\x1b", b"@x"]
for name in names:
    libc.prctl(15, name, 0, 0, 0)
    a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), None
    a.sendto(b"x", ("127.0.0.1", 9)); a.close()
print(len(names), flush=True)
sys.stdin.readline()
"""


def hostile_names():
    """No byte of a name reaches a terminal or parts a line, and no spreadsheet computes it."""
    problems = []
    with Place() as where:
        logs = {form: start("-d", "0.3", "-f", form, "-o", where + "/" + form)
                for form in ("json", "csv", "text")}
        trace = subprocess.Popen([capture.SOCKWATCH, "trace", "-o", where + "/trace"],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for form in (*logs, "trace"):
            has_meta(where + "/" + form)
        with Helper(HOSTILE) as helper:
            count, pid = int(helper.said), helper.process.pid
            time.sleep(0.4)
        for process in (*logs.values(), trace):
            end(process)
        data = {form: content(where + "/" + form) for form in (*logs, "trace")}
    for form, text in data.items():
        bad = set(re.findall(rb"[\x00-\x09\x0b-\x1f\x7f]", text))
        bad |= {c for c in text.decode() if 0x80 <= ord(c) < 0xa0 or c in "\u202e\u2066"}
        problems += [f"{form}: {bad}"] if bad else []
    names = {form: set() for form in ("json", "csv")}
    for record in records(data["json"]):
        if record.get("process.pid") == pid:
            names["json"].add(record["process.name"])
    for row in csv.DictReader(io.StringIO(data["csv"].decode(), newline="")):
        if row["process.pid"] == str(pid):
            names["csv"].add(row["process.name"])
    for form, got in names.items():
        if len(got) < count:
            problems.append(f"{form}: {len(got)} of {count} names: {got}")
    if names["json"] != {n.removeprefix("'") if n[1:2] in "=+-@" else n for n in names["csv"]}:
        problems.append(f"names differ: {names['json'] ^ names['csv']}")
    problems += [f"csv: {n}" for n in names["csv"] if n and n[0] in "=+-@"]
    return problems


# ---- files ----

def _numbers(parts):
    """Numbers of the records in these files, in order."""
    return [r[SEQ] for data in parts for r in records(data) if SEQ in r]


def _missing(numbers, last):
    """How many numbers from 1 to last are not there; -1 if one is there twice or out of order."""
    if any(a >= b for a, b in zip(numbers, numbers[1:])):
        return -1
    return last - len(numbers)


def sighup(times):
    """Rotations as of logrotate under 20,000 records a second: none is lost, none is doubled."""
    with Place() as where, Helper(HOLD, str(SOCKETS)):
        path, parts = where + "/log", []
        process = start("-d", "0.1", "--all", "-o", path)
        try:
            has_meta(path)
            began = time.monotonic()
            for number in range(times):
                os.rename(path, f"{path}.{number}")
                process.send_signal(signal.SIGHUP)
                wait_for("the new file", lambda: os.path.exists(path))
                parts.append(f"{path}.{number}")
            seconds = time.monotonic() - began
        finally:
            said = end(process)
        data = [content(part) for part in (*parts, path)]
    numbers = _numbers(data)
    problems = [f"ended with {said}"] if said != (0, "") else []
    if _missing(numbers, numbers[-1]):
        problems.append(f"missing or doubled: {_missing(numbers, numbers[-1])}")
    if any(not part.startswith(b'{"@timestamp"') or b'"meta"' not in part.split(b"\n")[0]
           for part in data if part):
        problems.append("a file does not begin with its meta record")
    if len(numbers) / max(seconds, 1) < 5000:
        problems.append(f"only {len(numbers)} records in {seconds:.1f} s")
    return problems


def rotate_size():
    """Files shift before they are too large; what is kept is contiguous."""
    with Place() as where, Helper(HOLD, str(SOCKETS)):
        path = where + "/log"
        process = start("-d", "0.1", "--all", "-o", path, "--rotate-size", "1M",
                        "--rotate-keep", "4")
        wait_for("the fifth file", lambda: os.path.exists(path + ".4"), capture.START_S)
        time.sleep(1)
        said = end(process)
        names = sorted(os.listdir(where))
        sizes = [os.path.getsize(f"{where}/{name}") for name in names]
        numbers = _numbers([content(path + f".{n}") for n in (4, 3, 2, 1)] + [content(path)])
    problems = [f"ended with {said}"] if said != (0, "") else []
    if names != ["log", "log.1", "log.2", "log.3", "log.4"] or max(sizes) > 1 << 20:
        problems.append(f"files: {names} of {sizes} bytes")
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        problems.append("records are missing or doubled")
    return problems


def killed(form):
    """kill -9 in the middle of it: at most the last line is torn, and stays on a line alone."""
    with Place() as where, Helper(HOLD, str(SOCKETS)):
        path = where + "/log"
        for _ in range(4):
            before = os.path.getsize(path) if os.path.exists(path) else 0
            process = start("-d", "0.1", "--all", "-f", form, "-o", path)
            wait_for("records", lambda: os.path.exists(path)
                     and os.path.getsize(path) > before + 200_000, capture.START_S)
            end(process, signal.SIGKILL)
        with open(path, "ab") as file:
            file.write(b"half a li")  # as a write that the kill has cut
        said = end_one(start("-n", "1", "-d", "0.1", "-f", form, "-o", path))
        lines = content(path).decode().split("\n")
    problems = [f"the last run: {said}"] if said != (0, "") else []
    torn = [line for line in lines[:-1] if not _is_whole(form, line, lines[0])]
    if lines[-1] or len(torn) > 5 or not any(line.endswith("half a li") for line in torn):
        problems.append(f"{len(torn)} torn lines: {[t[:80] for t in torn]}")
    return problems


def end_one(process):
    process.wait(capture.STOP_S)
    with process.stderr:
        return process.returncode, process.stderr.read().decode()


def _is_whole(form, line, head):
    if form == "json":
        try:
            return isinstance(json.loads(line), dict)
        except ValueError:
            return False
    if form == "csv":
        return len(next(csv.reader([line]))) == len(head.split(","))
    return line.startswith(("#", "TIME")) or len(line.split()) == len(head.split())


def full_disk():
    """1 MiB, full for long: the run lives on, no line is torn, what was dropped is counted."""
    with Place() as where, Helper(HOLD, str(SOCKETS)):
        script = f'mount -t tmpfs -o size=1m,mode=755 none {where} && exec "$0" "$@"'
        process = subprocess.Popen(["unshare", "-m", "sh", "-c", script, capture.SOCKWATCH, "log",
                                    "--all", "-d", "0.1", "-o", where + "/log"],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        path = f"/proc/{process.pid}/root{where}/log"
        try:
            wait_for("the full disk", lambda: os.path.exists(path)
                     and os.path.getsize(path) > 900_000, capture.START_S)
            time.sleep(5)  # 16 MiB wait, all others are dropped
            while_full = content(path)
            subprocess.run(["nsenter", "-t", str(process.pid), "-m", "mount", "-o",
                            "remount,size=200m", where], check=True)
            wait_for("what was dropped",
                     lambda: b'"sockwatch.record":"dropped"' in content(path), 10)
            process.send_signal(signal.SIGSTOP)  # the mount goes with its process
            process.send_signal(signal.SIGINT)
            keep = os.open(path, os.O_RDONLY)
            process.send_signal(signal.SIGCONT)
            said = end_one(process)
            data = b"".join(iter(lambda: os.read(keep, 1 << 20), b""))
            os.close(keep)
        finally:
            if process.poll() is None:
                process.kill()
    problems = []
    if not while_full.endswith(b"\n"):
        problems.append("half a line on the full disk")
    got = records(data)
    last = got[-1]
    missing = _missing([r[SEQ] for r in got if SEQ in r], last[SEQ])
    if last[RECORD] != "end" or not 0 < last[DROPPED] == missing:
        problems.append(f"{missing} numbers are missing, it says {last.get(DROPPED)}")
    if said[0] != 0 or "No space left" not in said[1] or "can be written again" not in said[1]:
        problems.append(f"ended with {said}")
    return problems


def slow_reader():
    """A pipe that nobody reads for long: bytes are counted, records are dropped and counted."""
    with Helper(HOLD, str(SOCKETS)), Helper(MOVE) as mover:
        process = start("-d", "0.1", "--all", stdout=subprocess.PIPE)
        first = process.stdout.readline()
        time.sleep(2)
        mover.step()
        time.sleep(3)
        with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
            rss = int(file.read().split()[1]) * 4096
        process.send_signal(signal.SIGINT)
        data = first + process.stdout.read()
        process.stdout.close()
        said = end_one(process)
    got = records(data)
    missing = _missing([r[SEQ] for r in got if SEQ in r], got[-1][SEQ])
    problems = [] if "meta" == got[0][RECORD] else ["no meta record"]
    if got[-1][RECORD] != "end" or not 0 < got[-1][DROPPED] == missing:
        problems.append(f"{missing} numbers are missing, it says {got[-1].get(DROPPED)}")
    if got[-1]["sockwatch.tx_bytes_total"] < SENT + RECEIVED:
        problems.append(f"counted {got[-1]['sockwatch.tx_bytes_total']} bytes")
    if any(got[-1]["sockwatch.lost"].values()):
        problems.append(f"the capture has lost {got[-1]['sockwatch.lost']}")
    if rss > (256 if capture.is_sanitized() else 64) << 20:  # AddressSanitizer keeps what was freed
        problems.append(f"{rss >> 20} MiB of memory")
    return problems + ([] if "records dropped" in said[1] else [f"it said {said}"])


def rate(form):
    """100,000 rows a second, on a file and on a pipe that is read: none is dropped."""
    sockets, intervals, problems = 10000, 10, []
    with Place() as where, Helper(HOLD, str(sockets)):
        path = where + "/log"
        options = ["--all", "-d", "0.1", "-n", str(intervals), "-f", form]
        said = [end_one(start(*options, "-o", path))]
        with open(where + "/pipe", "wb") as file:
            process = start(*options, stdout=subprocess.PIPE)
            with subprocess.Popen(["cat"], stdin=process.stdout, stdout=file):
                process.stdout.close()
            said.append(end_one(process))
        for name, got in zip((path, where + "/pipe"), said):
            rows = content(name).count(b"connection")
            if got != (0, "") or rows < sockets * intervals:
                problems.append(f"{rows} rows of {sockets * intervals}, {got}")
    return problems


def read_only_folder():
    with Place() as where:
        script = f'mount -t tmpfs -o ro,mode=755 none {where} && exec "$0" "$@"'
        got = run("unshare", "-m", "sh", "-c", script, capture.SOCKWATCH, "log", "-n", "1", "-o",
                  where + "/log")
    return refused(got, 1, where + "/log", "Read-only file system")


def bad_input():
    """One line and the status of wrong usage; nothing is written."""
    problems = []
    with Place() as where:
        path = where + "/log"
        for options, word in ((["--by", "user"], "--by `user`"), (["-f", "xml"], "format `xml`"),
                              (["--top", "3", "-s", "nosuch"], "no column `nosuch`"),
                              (["-F", "port and"], "filter: "), (["-d", "0.01"], "--delay"),
                              (["-d", "3601"], "--delay"), (["--schema", "x"], "--schema `x`"),
                              (["--rotate-size", "12"], "--rotate-size"),
                              (["--top", "-1"], "--top")):
            got = run(capture.SOCKWATCH, "log", "-o", path, *options)
            problems += refused(got, 2, word, more_lines=1)
        if os.path.exists(path):
            problems.append("made a file")
    return problems


def groups():
    cases = [("agree-json", agree, "json"), ("agree-csv", agree, "csv"),
             ("agree-text", agree, "text"), ("live-totals", live_totals), ("fields", fields),
             ("jq-and-sqlite", jq_and_sqlite), ("hostile-names", hostile_names),
             ("sighup", sighup, 1000), ("rotate-size", rotate_size),
             ("killed-json", killed, "json"),
             ("killed-csv", killed, "csv"), ("killed-text", killed, "text"),
             ("rate-json", rate, "json"), ("rate-csv", rate, "csv"),
             ("full-disk", full_disk), ("slow-reader", slow_reader),
             ("read-only-folder", read_only_folder), ("bad-input", bad_input)]
    return [Case("log/" + name, *how) for name, *how in cases]
