# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What sockwatch does when it is not welcome: without privilege, with wrong options, with files and
descriptors that somebody has prepared.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import capture
import checker
from capture import Skipped, Sockwatch, as_nobody, wait_for
from case import LOG, Case, refused, run, shell, silent
from test_scenarios import Scenario

NO_BTF = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel && exec "$@"', "sh"]


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


def bad_options():
    problems = []
    for argv in BAD_OPTIONS:
        got = run(capture.SOCKWATCH, *argv)
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
        changed = [f"{before} became {after}"] if before != after else []
        return refused(got, 1, path, why) + changed
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
    script = f'mount -t tmpfs -o size=4k,mode=755 none {where} && head -c 4000 /dev/zero >{where}/log &&' \
             ' exec "$@"'
    try:
        got = run("unshare", "-m", "sh", "-c", script, "sh", capture.SOCKWATCH, *LOG,
                  "-o", where + "/log")
        return refused(got, 1, where + "/log", "No space left", more_lines=1)
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
        with socket.create_server(("127.0.0.1", 0)) as server:
            def ended():  # and meanwhile there is something to write
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


def _named():
    all_caps = ("bpf", "perfmon", "net_admin")
    yield Case, "no-capability", no_capability, "CAP_BPF"
    yield Case, "only-cap-bpf", no_capability, "CAP_PERFMON", "bpf"
    yield Case, "only-cap-perfmon", no_capability, "CAP_BPF", "perfmon"
    yield Case, "no-btf", no_btf
    yield Case, "no-privilege-no-file", without_privilege_no_file
    yield Scenario, "no-cap-net-admin", capabilities, all_caps[:2], "CAP_NET_ADMIN"
    yield Scenario, "three-caps", capabilities, all_caps, ""
    yield Case, "bad-options", bad_options
    yield Case, "help", asked_for, "--help"
    yield Case, "version", asked_for, "--version"
    for name, how in FILES.items():
        yield Case, f"output-{name}", output_refused, *how
    yield Case, "output-file", output_file
    yield Case, "full-disk-log", full_disk, *LOG[:3]
    yield Case, "full-disk-batch", full_disk, "-b"
    for name, *argv in (("help", "--help"), ("usage", "--usage"), ("version", "--version"),
                        ("sort-help", "-s", "help"), ("check", "check")):
        yield Case, f"full-disk-{name}", full_disk, *argv
    yield Case, "full-disk-file", full_disk_file
    yield Case, "closed-stdout-log", closed_stdout, *LOG
    yield Case, "closed-stdout-batch", closed_stdout, "-b", "-d", "0.1"
    yield Case, "closed-all", closed_all
    yield Case, "closed-stderr", closed_stderr
    yield Case, "closed-reader-log", closed_reader, "log"
    yield Case, "closed-reader-batch", closed_reader, "-b"


def groups():
    return [kind("errors/" + name, *how) for kind, name, *how in _named()]
