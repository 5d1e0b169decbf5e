# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sockwatch check`: what it says is missing is missing, and what it says is used is used."""

import json
import os
import sys

import capture
import case
from capture import Sockwatch
from case import Case
from test_errors import NO_BTF
from test_scenarios import Scenario

JSON = ["check", "-f", "json"]
WIDTH = 80  # without a terminal

# A filter that lets all system calls through but bpf(), which gets an errno, and then a command.
NO_BPF = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
ops = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *op) for op in ops))
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(len(ops), ctypes.addressof(code))
if ctypes.CDLL(None).prctl(22, 2, ctypes.byref(program), 0, 0): sys.exit("no seccomp filter")
os.execv(sys.argv[1], sys.argv[1:])
"""
SECCOMP = [sys.executable, "-c", NO_BPF]
EXEC = ["sh", "-c", 'exec "$@"', "sh"]


def _check(*before, program=None):
    """(problems, report, text) of the same check as JSON and as text."""
    program = program or capture.SOCKWATCH
    got = case.run(*before, program, *JSON)
    text = case.run(*before, program, "check")
    report = json.loads(got.out)
    problems = [f"said on stderr: {one.err!r}" for one in (got, text) if one.err]
    if got.status != text.status:
        problems.append(f"status {got.status} as JSON, {text.status} as text")
    status = 3 if "cannot_run" in report else 0 if report["exact"] else 1
    if got.status != status:
        problems.append(f"status {got.status}, not {status}")
    text = text.out.decode()
    problems += [f"over {WIDTH} columns: {line}" for line in text.splitlines() if len(line) > WIDTH]
    problems += [f"not in the text: {name}" for name in
                 [need["name"] for need in report["needs"]] +
                 [purpose["purpose"] for purpose in report["purposes"]] if name not in text]
    return problems, report, text


def _missing(report):
    return sorted(need["name"] for need in report["needs"] if need["state"] == "missing")


def _refused(missing, word, *before, program=None):
    """Just these needs are missing, and log says the same in one line with the word."""
    problems, report, _ = _check(*before, program=program)
    if _missing(report) != sorted(missing):
        problems.append(f"missing should be {sorted(missing)}, is {_missing(report)}")
    why = report.get("cannot_run", "")
    if word not in why:
        problems.append(f"{word!r} is not in: {why!r}")
    log = case.run(*before, program or capture.SOCKWATCH, *case.LOG)
    return problems + case.refused(log, 3, why)


def as_root():
    """All can be asked; every hook that it names is one that log works with."""
    problems, report, _ = _check()
    if _missing(report) or report["assumed"] or "cannot_run" in report:
        problems.append(f"root cannot run: {report}")
    problems += [f"nothing said of what is unseen: {p}" for p in report["purposes"]
                 if not p["exact"] and "unseen" not in p]
    problems += [f"better than exact: {p}" for p in report["purposes"]
                 if p["seen"] == "exact" and "unseen" in p]
    return problems


def says_what_log_notes(keep, _spaces, options, caps):
    """What log notes as not seen, check has as unseen, in the same words."""
    before, uid = (capture.as_nobody(*caps), capture.NOBODY) if caps else ((), 0)
    keep[0] = Sockwatch(*options, before=before, uid=uid)
    log = keep[0].stop()
    program = capture.program_for_all() if caps else capture.SOCKWATCH
    report = json.loads(case.run(*before, program, *JSON, *options).out)
    unseen = [p["unseen"] for p in report["purposes"] if p["seen"] == "no" and "unseen" in p]
    problems = [f"check does not say: {note}" for note in log.notes()
                if not any(note.startswith(text) for text in unseen)]
    if "cannot_run" in report:
        problems.append(f"check says that it cannot run: {report['cannot_run']}")
    if caps and "CAP_NET_ADMIN" not in [n["name"] for n in report["needs"] if n["state"] == "limits"]:
        problems.append("CAP_NET_ADMIN is not said to be lacking")
    return log.problems + problems


def _like_root(report):
    """Problems of a report without the means to ask: what it says for sure must be true."""
    root = json.loads(case.run(capture.SOCKWATCH, *JSON).out)
    problems = [] if report["assumed"] else ["it does not say that it assumes"]
    for mine, true in zip(report["purposes"], root["purposes"]):
        ways = [mine.get("by"), mine.get("else_by")]
        if true.get("by") not in (ways if mine["seen"].endswith("?") else ways[:1]):
            problems.append(f"{mine} should be {true}")
    return problems


def as_nobody():
    program = capture.program_for_all()
    problems = _refused(["CAP_BPF", "CAP_PERFMON"], "CAP_BPF", *capture.as_nobody(),
                        program=program)
    return problems + _like_root(_check(*capture.as_nobody(), program=program)[1])


def user_namespace(*options):
    """All capabilities, of no use; and none, with -U alone."""
    before = ["unshare", *options]
    missing = ["user namespace"] + ([] if "-r" in options else ["CAP_BPF", "CAP_PERFMON"])
    problems = _refused(missing, "user namespace", *before, program=capture.program_for_all())
    return problems + _like_root(_check(*before, program=capture.program_for_all())[1])


def container():
    """Root without the capabilities is told of its container."""
    before = ["setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-bpf,-perfmon"]
    return _refused(["CAP_BPF", "CAP_PERFMON"], "container", *before)


def old_kernel_name():
    """uname tells whatever a personality wants: what the kernel has counts, not its number."""
    problems, report, _ = _check("setarch", os.uname().machine, "--uname-2.6")
    if not report["kernel"].startswith("2.6."):
        raise capture.Skipped("no personality here tells an old release")
    return problems + [f"missing: {name}" for name in _missing(report)]


def on_terminal():
    """As wide as the terminal, and no wider."""
    script = 'stty cols 40 2>/dev/null; exec "$0" check'
    got = case.run("script", "-qec", f"sh -c '{script}' {capture.SOCKWATCH}", "/dev/null")
    lines = got.out.decode().replace("\r", "").splitlines()
    problems = [f"over 40 columns: {line!r}" for line in lines if len(line) > 40]
    return problems + ([] if len(lines) > 40 else [f"only {len(lines)} lines: {lines}"])


def groups():
    return [
        Case("check/root", as_root),
        Case("check/nobody", as_nobody),
        Case("check/user-namespace-root", user_namespace, "-U", "-r"),
        Case("check/user-namespace", user_namespace, "-U"),
        Case("check/seccomp", _refused, ["seccomp"], "seccomp filter refuses bpf()", *SECCOMP),
        Case("check/container", container),
        Case("check/no-btf", _refused, ["BTF, types of the kernel"], "BTF", *NO_BTF),
        Case("check/old-kernel-name", old_kernel_name),
        Case("check/terminal", on_terminal),
        Scenario("check/notes", says_what_log_notes, (), ()),
        Scenario("check/notes-no-cgroup", says_what_log_notes, ("--hooks", "no-cgroup"), ()),
        Scenario("check/notes-no-cap-net-admin", says_what_log_notes, (), ("bpf", "perfmon")),
    ]
