# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The judges themselves: made-up results, of which the doctored ones must not pass."""

import capture
import judge
import readme

CHECK = {"purposes": [{"purpose": readme.BYTES, "exact": True, "by": "tracepoints"},
                      {"purpose": "bind", "exact": False, "unseen": "a port"}]}
UNUSED = {"purposes": CHECK["purposes"] + [{"purpose": "x", "exact": False, "seen": "unused"}]}
LESS = {"purposes": [dict(CHECK["purposes"][0], degraded=True), CHECK["purposes"][1]]}
OTHER = {"purposes": [CHECK["purposes"][0], {"purpose": "bind", "exact": True}]}
REFUSED = {"purposes": [], "cannot_run": "kernel 5.10.0-46 is too old: no storage"}
FOUND = readme.Found("6.12.1-cloud", "amd64", "", CHECK, True)
LINE = "| 6.12 amd64 | exact | tracepoints | a port |"
HELD = '{"case":"hold","pid":1,"tx":1}\n{"event":"ready"}\n' \
       '{"case":"hold","pid":1,"tx":2}\n{"event":"moved"}\n'
GEN = 'A\nend tcp-4 0\nB\nC\nend udp-4 1\n'
ROWS = [("5.10.0-46", "amd64", "too old (use Linux 6.1 or newer)"), ("6.1.0-5", "amd64", None),
        ("6.12.1", "amd64", None), ("6.1.0-5", "arm64", "too old (use Linux 6.3 or newer)"),
        ("6.12.1", "arm64", None)]
TEXT = ["from Linux 6.1 on, arm64 from Linux 6.3 on"]


def _programs(text):
    return judge.programs({"insns": text.encode()})[0]


def _table(known, moves=False, **changed):
    return readme.problems(FOUND._replace(**changed), known, moves)[0]


def _line(number, said):
    rows = list(ROWS)
    rows[number] = (*rows[number][:2], said)
    return readme.oldest(rows, TEXT)


def _held(said):
    try:
        return [flow["tx"] for flow in judge._held(said, "ready", "moved")[0]] != [2]
    except capture.Failed:
        return True


# What must pass and what must not: name, function that gives what is wrong.
GOOD = {
    "programs": lambda: _programs("a 9999\nb absent\n"),
    "command": lambda: judge.command({"check": b"x", "check.status": b"0\n"}, "check", 0)[0],
    "refused": lambda: judge.refused({"d/status": b"3\n", "d/said": b"too old"}, "d")[0],
    "kernel-log": lambda: judge.kernel_log({"dmesg": b"fine\nwatchdog: BUG: soft lockup\n"})[0],
    "part": lambda: judge._part(GEN, "udp-4") != ("B\nC\n", "1"),
    "held": lambda: _held(HELD),
    "table": lambda: _table([LINE]),
    "table-newest": lambda: _table([LINE], moves=True, release="6.13.0"),
    "table-refused": lambda: _table(["| 5.10 amd64 | none | it is too old: no storage | all |"],
                                    release="5.10.0-46", check=REFUSED),
    "table-degraded": lambda: _table([LINE.replace("exact", "degraded")], check=LESS),
    "table-unused": lambda: _table([LINE], check=UNUSED),
    "oldest": lambda: readme.oldest(ROWS, TEXT),
    "ways": lambda: judge.ways(CHECK) != {(readme.BYTES, "tracepoints")},
}
DOCTORED = {
    "programs-one-too-long": lambda: _programs("a 10000\n"),
    "programs-one-refused": lambda: _programs("a refused Invalid argument\n"),
    "programs-none": lambda: _programs(""),
    "command-status": lambda: judge.command({"check": b"x", "check.status": b"1\n"}, "check", 0)[0],
    "command-without-end": lambda: judge.command({"check": b"x"}, "check", 0)[0],
    "refused-without-reason": lambda: judge.refused({"d/status": b"3\n"}, "d")[0],
    "refused-not": lambda: judge.refused({"d/status": b"0\n", "d/said": b"x"}, "d")[0],
    "kernel-log-bug": lambda: judge.kernel_log({"dmesg": b"BUG: kernel NULL pointer\n"})[0],
    "kernel-log-none": lambda: judge.kernel_log({})[0],
    "held-never-moved": lambda: _held(HELD.replace("moved", "ready")),
    "table-other-bytes": lambda: _table([LINE], counted=False),
    "table-not-degraded": lambda: _table([LINE], check=LESS),
    "table-other-kernel": lambda: _table([LINE], release="6.13.0"),
    "table-other-way": lambda: _table([LINE], how="--hooks fexit"),
    "table-other-unseen": lambda: _table([LINE], check=OTHER),
    "table-newest-other-unseen": lambda: _table([LINE], moves=True, release="6.13.0", check=OTHER),
    "table-no-check": lambda: _table([LINE], check={}),
    "alternatives-unused": lambda: judge.unused({("bind", "cgroup/post_bind")}),
    "oldest-not-named": lambda: _line(0, "too old"),
    "oldest-too-new": lambda: _line(0, "use Linux 6.12 or newer"),
    "oldest-itself": lambda: _line(0, "use Linux 5.10 or newer"),
    "oldest-not-in-readme": lambda: readme.oldest(ROWS, []),
}


def run(wanted, report):
    for name, test in GOOD.items():
        if wanted(f"judge/{name}"):
            report.result(f"judge/{name}", [f"it should pass: {test()}"] if test() else [])
    for name, test in DOCTORED.items():
        if wanted(f"judge/{name}"):
            report.result(f"judge/{name}", [] if test() else ["a doctored result passed"])
