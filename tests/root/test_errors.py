# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What sockwatch does when it is not welcome: without privilege, with wrong options, with files and
descriptors that somebody has prepared, with no terminal; and with signals at a bad time.
"""

import collections
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

import capture
import checker
from capture import Failed, Held, Skipped, Sockwatch, as_nobody, wait_for
from test_scenarios import Scenario

SOON_S = 3  # an error takes 30 ms on an idle machine; what waits for anything takes longer than this
LOG = ["log", "-d", "0.1", "-n", "1"]
NO_BTF = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel && exec "$@"', "sh"]

Outcome = collections.namedtuple("Outcome", "status out err seconds")


class Case:
    """A test that needs no namespace and no capture: function(...) returns problems."""

    def __init__(self, name, function, *args):
        self.name = "errors/" + name
        self._function = function
        self._args = args

    def names(self):
        return [self.name]

    def run(self, wanted, report):
        if not wanted(self.name):
            return
        try:
            report.result(self.name, self._function(*self._args))
        except Skipped as reason:
            report.skipped(self.name, str(reason))
        except Failed as error:
            report.failed(self.name, str(error))
        except Exception as error:  # one broken test must not hide what the others say
            report.failed(self.name, f"{type(error).__name__}: {error}")


def run(*argv, stdout=subprocess.PIPE, env=None):
    """Run a command to its end."""
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout,
                               stderr=subprocess.PIPE, env=env)
    try:
        out, err = process.communicate(timeout=capture.STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{' '.join(argv)} did not end within {capture.STOP_S} s") from None
    return Outcome(process.returncode, out or b"", err.decode("utf-8", "replace"),
                   time.monotonic() - began)


def shell(script, *argv):
    """Run sockwatch by a script in which it is $0 and the rest "$@"."""
    return run("sh", "-c", script, capture.SOCKWATCH, *argv)


def refused(got, status, *words, more_lines=0):
    """Problems of an end with this status and one line on stderr that has the words."""
    problems = []
    lines = got.err.split("\n")
    if got.status != status:
        problems.append(f"status {got.status}, not {status}")
    if got.out:
        problems.append(f"wrote on stdout: {got.out[:200]!r}")
    if not 2 <= len(lines) <= 2 + more_lines or lines[-1]:
        problems.append(f"not one line on stderr: {got.err!r}")
    if not lines[0].startswith("sockwatch: "):
        problems.append(f"stderr does not begin with its name: {lines[0]!r}")
    problems += [f"{word!r} is not in: {lines[0]!r}" for word in words if word not in lines[0]]
    if got.seconds > SOON_S:
        problems.append(f"took {got.seconds:.1f} s")
    return problems


def silent(got, status=0):
    """Problems of an end that nobody should have heard."""
    problems = [f"status {got.status}, not {status}"] if got.status != status else []
    return problems + ([f"said {got.err!r}"] if got.err else [])


def log_problems(data):
    return checker.Log(data).problems


# ---- privilege ----

def no_capability(missing, *caps):
    got = [run(*as_nobody(*caps), capture.program_for_all(), *argv) for argv in (LOG, ["-b"], [])]
    return [p for one in got for p in refused(one, 3, missing)]


def no_btf():
    return refused(run(*NO_BTF, capture.SOCKWATCH, *LOG), 3, "BTF", "/sys/kernel/btf/vmlinux")


def without_privilege_no_file():
    """Who may not watch does not leave an empty log behind."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    os.chown(where, capture.NOBODY, -1)
    try:
        path = where + "/log"
        got = run(*as_nobody(), capture.program_for_all(), *LOG, "-o", path)
        return refused(got, 3, "CAP_BPF") + (["made a file"] if os.path.exists(path) else [])
    finally:
        shutil.rmtree(where)


def capabilities(keep, spaces, caps, missing):
    """As another user with capabilities alone. Whatever is missing, the notes name it."""
    keep[0] = Sockwatch(before=as_nobody(*caps), uid=capture.NOBODY)
    flows = [capture.run_gen(netns, case, "4")[0]
             for netns, case in zip(spaces, ("tcp-send", "udp-send", "tcp-sendfile"))]
    log = keep[0].stop()
    problems = log.problems + log.losses()
    for netns, moved in zip(spaces, flows):
        problems += checker.check(log.in_netns(netns.inode), moved)
    if bool(log.notes()) != bool(missing):
        problems.append(f"notes, with {missing or 'nothing'} missing: {log.notes()}")
    return problems + [f"{missing} is not in: {n!r}" for n in log.notes() if missing not in n]


# ---- options ----

BAD_OPTIONS = [
    ("--bogus",), ("-Q",), ("bogus",), ("top", "log"), ("log", "more"), ("--", "--help"),
    ("-d",), ("-d", "0"), ("-d", "x"), ("-d", "0,5"), ("-d", "nan"), ("-d", "1e3"), ("-d", "3601"),
    ("-d", "-1"), ("-d", ""), ("-n", "0"), ("-n", "-1"), ("-n", "1.5"),
    ("-n", "99999999999999999999"), ("-n", ""), ("-s", "bogus"), ("--color=bogus",),
    ("-o", "file"), ("-f", "json"), ("log", "-f", "bogus"), ("log", "-b"), ("log", "--once"),
    ("log", "-s", "tx"), ("log", "-o"),
]


def bad_options(program=()):
    problems = []
    for argv in BAD_OPTIONS:
        got = run(*program, capture.SOCKWATCH, *argv)
        wrong = refused(got, 2, more_lines=1)
        if got.err.count("\n") > 1 and not got.err.split("\n")[1].startswith("Try `sockwatch "):
            wrong.append(f"second line: {got.err!r}")
        problems += [f"{' '.join(argv)}: {p}" for p in wrong]
    return problems


def asked_for(*argv):
    """--help and --version: on stdout, for everybody."""
    got = run(*as_nobody(), capture.program_for_all(), *argv)
    return silent(got) + ([] if b"sockwatch" in got.out else [f"said {got.out!r}"])


# ---- -o FILE ----

VICTIM = b"what was there before\n"


def _other_owner(where):
    os.chown(where + "/victim", capture.NOBODY, -1)
    return where + "/victim"


def _device(where):
    try:
        os.mknod(where + "/log", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        raise Skipped("no devices may be made here") from None
    return where + "/log"


def _unix_socket(where):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(where + "/log")
    return where + "/log"


def _made(make, *args):
    """Of a call that makes the directory entry `log`."""
    def prepare(where):
        make(*(arg.format(where) for arg in args), where + "/log")
        return where + "/log"
    return prepare


# What somebody has put there, and words of the refusal.
FILES = {
    "symlink": (_made(os.symlink, "victim"), "symbolic link"),
    "symlink-to-nothing": (_made(os.symlink, "none"), "symbolic link"),
    "hard-link": (_made(os.link, "{}/victim"), "hard link"),
    "fifo": (_made(os.mkfifo), ""),
    "directory": (_made(os.mkdir), "irectory"),
    "device": (_device, "not a regular file"),
    "unix-socket": (_unix_socket, ""),
    "other-owner": (_other_owner, "another user"),
    "no-directory": (lambda where: where + "/none/log", "No such file or directory"),
    "below-a-file": (lambda where: where + "/victim/log", "Not a directory"),
}


def _state(where):
    """All that sockwatch could have changed in a directory."""
    found = {}
    for name in sorted(os.listdir(where)):
        st = os.lstat(f"{where}/{name}")
        found[name] = (st.st_mode, st.st_uid, st.st_nlink, st.st_size, st.st_mtime_ns, st.st_ino)
    with open(where + "/victim", "rb") as file:
        return found, file.read()


def output_refused(prepare, why):
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    try:
        with open(where + "/victim", "wb") as file:
            file.write(VICTIM)
        path = prepare(where)
        before = _state(where)
        got = run(capture.SOCKWATCH, *LOG, "-o", path)
        after = _state(where)
        return refused(got, 1, path, why) + ([f"{before} became {after}"] if before != after else [])
    finally:
        shutil.rmtree(where)


def output_file():
    """A new file is for its owner and group alone; a second run appends to it."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    try:
        path = where + "/log"
        script = 'umask 0; exec "$0" "$@"'
        problems = silent(shell(script, *LOG, "-o", path))
        with open(path, "rb") as file:
            first = file.read()
        problems += silent(shell(script, *LOG, "-o", path)) + log_problems(first)
        mode = os.stat(path).st_mode & 0o7777
        if mode != 0o640:
            problems.append(f"mode {mode:o}, not 640")
        with open(path, "rb") as file:
            both = file.read()
        if not both.startswith(first) or log_problems(both[len(first):]):
            problems.append("the second run did not append a whole log")
        return problems
    finally:
        shutil.rmtree(where)


def full_disk(*argv):
    with open("/dev/full", "wb") as full:
        return refused(run(capture.SOCKWATCH, *argv, stdout=full), 1, "stdout", "No space left")


def full_disk_file():
    """Whole lines or none, and no silence about it."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    script = f'mount -t tmpfs -o size=4k none {where} && head -c 4000 /dev/zero >{where}/log &&' \
             ' exec "$@"'
    try:
        got = run("unshare", "-m", "sh", "-c", script, "sh", capture.SOCKWATCH, *LOG[:3],
                  "-o", where + "/log")
        return refused(got, 1, where + "/log", "No space left")
    finally:
        shutil.rmtree(where)


# ---- descriptors ----

def closed_stdout(*argv):
    return refused(shell('exec "$0" "$@" >&-', *argv), 1, "stdout")


def closed_all():
    """No standard descriptors: the log is in its file, and nothing else is."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    try:
        path = where + "/log"
        got = shell('exec "$0" "$@" <&- >&- 2>&-', *LOG, "-o", path)
        with open(path, "rb") as file:
            return silent(got) + log_problems(file.read())
    finally:
        shutil.rmtree(where)


def closed_stderr():
    """A message without a stderr does not end up in the log, which would have its number."""
    where = tempfile.mkdtemp(prefix="sockwatch-root-")
    try:
        path = where + "/log"
        got = run(*NO_BTF[:4], NO_BTF[4] + " 2>&-", "sh", capture.SOCKWATCH, *LOG, "-o", path)
        problems = silent(got, 3)
        if os.path.exists(path) and os.path.getsize(path):
            with open(path, "rb") as file:
                problems.append(f"in the log: {file.read()!r}")
        return problems
    finally:
        shutil.rmtree(where)


def closed_reader(*argv):
    """The reader of the pipe goes away: an end without a word."""
    read, write = os.pipe()
    process = subprocess.Popen([capture.SOCKWATCH, *argv, "-d", "0.1"], stdin=subprocess.DEVNULL,
                               stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    first = os.read(read, 1)
    os.close(read)
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:  # so that there is something to write
            def ended():
                socket.create_connection(server.getsockname()).close()
                server.accept()[0].close()
                return process.poll() is not None
            wait_for("its end", ended)
    finally:
        capture.end_process(process, signal.SIGKILL)
    with process.stderr:
        said = process.stderr.read()
    problems = [] if first else ["wrote nothing"]
    if process.returncode not in (0, -signal.SIGPIPE):
        problems.append(f"status {process.returncode}")
    return problems + ([f"said {said!r}"] if said else [])


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
    found = [len(re.findall(rb"^" + title, text, re.M))
             for title in (rb"sockwatch +\d\d:", rb"Processes \(", rb"Ports \(", rb"Connections \(")]
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


def hangup(keep, spaces):
    keep[0] = Sockwatch()
    flows, _ = capture.run_gen(spaces[0], "tcp-send", "4")
    log = keep[0].stop(signal.SIGHUP)
    return log.problems + log.losses() + checker.check(log.in_netns(spaces[0].inode), flows)


STOPPED_S = 3


def stopped(keep, spaces):
    """Stopped for a while, with traffic: nothing is lost, it only comes later."""
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
    problems = log.problems + log.losses()
    for netns, wanted in zip(spaces, (moved, flows, later)):
        problems += checker.check(log.in_netns(netns.inode), wanted)
    return problems


def two_at_once(keep, spaces):
    """Two captures of the same traffic: each is exact, whatever their intervals."""
    keep[0] = Sockwatch()
    other = Sockwatch(interval="0.3")
    try:
        flows = [capture.run_gen(netns, case, "4")[0]
                 for netns, case in zip(spaces, ("tcp-fork-8", "udp-unconnected-sendto", "tcp-many"))]
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
    """{id: what bpftool says of it}."""
    got = run("bpftool", "-j", kind, "list")
    if got.status:
        raise Failed(f"bpftool {kind} list: {got.err}")
    return {entry["id"]: entry for entry in json.loads(got.out)}


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


def groups():
    all_caps = ("bpf", "perfmon", "net_admin")
    return [
        Case("no-capability", no_capability, "CAP_BPF"),
        Case("only-cap-bpf", no_capability, "CAP_PERFMON", "bpf"),
        Case("only-cap-perfmon", no_capability, "CAP_BPF", "perfmon"),
        Case("no-btf", no_btf),
        Case("no-privilege-no-file", without_privilege_no_file),
        Scenario("errors/no-cap-net-admin", capabilities, all_caps[:2], "CAP_NET_ADMIN"),
        Scenario("errors/three-caps", capabilities, all_caps, ""),
        Case("bad-options", bad_options),
        Case("help", asked_for, "--help"),
        Case("version", asked_for, "--version"),
        *(Case(f"output-{name}", output_refused, *args) for name, args in FILES.items()),
        Case("output-file", output_file),
        Case("full-disk-log", full_disk, *LOG[:3]),
        Case("full-disk-batch", full_disk, "-b"),
        Case("full-disk-file", full_disk_file),
        Case("closed-stdout-log", closed_stdout, *LOG),
        Case("closed-stdout-batch", closed_stdout, "-b", "-d", "0.1"),
        Case("closed-all", closed_all),
        Case("closed-stderr", closed_stderr),
        Case("closed-reader-log", closed_reader, "log"),
        Case("closed-reader-batch", closed_reader, "-b"),
        Case("term-unset", no_terminal, None),
        Case("term-dumb", no_terminal, "dumb"),
        Case("term-unknown", no_terminal, "no-such-terminal"),
        Case("batch-implied", batch, 1, "-n", "1"),
        Case("batch-once", batch, 1, "--once"),
        Case("batch-two", batch, 2, "-b", "-n", "2"),
        *(Case(f"batch-{sig.name.lower()}", batch_signal, sig, "0.2", None)
          for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)),
        Case("batch-sigint-early", batch_signal, signal.SIGINT, "60", 1),
        Case("batch-hostile-name", hostile_name),
        Scenario("errors/nohup", hangup_ignored),
        Scenario("errors/sighup", hangup),
        Scenario("errors/stopped", stopped),
        Scenario("errors/two-at-once", two_at_once),
        *(Case(f"nothing-left-{sig.name.lower()}", killed, sig)
          for sig in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)),
    ]
