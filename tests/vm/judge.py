# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What came out of a guest against what must have happened there. Pure but for check_btf.py."""

import collections
import json
import os
import re
import subprocess
import sys

import capture
import checker
import test_counters
import test_degraded
import test_generated

DEGRADED = test_counters.NOTES  # what must be said where no calls are seen
LIMIT = 10000  # instructions of a program that the verifier may look at
ROOT = capture.ROOT

# Sockets that are open before the capture or after it: as test_scenarios has them.
HELD = {"hold-before-start": ("ready", "moved"), "hold-to-the-end": (None, "moved")}
# An emulated processor is some thirty times as slow: less of what is much, and a pause that is just
# longer than an interval of the log.
COUNTS = {"tcp-many": "60", "udp-many": "30", "tcp-busy": "1",
          "tcp-paused": "350", "udp-paused": "350", "mptcp-paused": "350", "udp-crowd": "300"}
# What a kernel says when something is wrong with it; not that the machine it runs on is busy.
COMPLAINT = re.compile(r"\b(BUG|WARNING|Oops|general protection fault|Call Trace)\b")
BUSY = re.compile(r"soft lockup|stall|hung task|blocked for more")

Case = collections.namedtuple("Case", "name family must_say count")


def _families():
    return test_generated.cases() + [(name, list("46")) for name in HELD]


def cases():
    """What the root tests run too, told as the lines of the guest's list."""
    return [Case(name, family, test_generated.MUST_SAY.get(name, "-"), COUNTS.get(name, "0"))
            for name, families in _families() for family in families]


def half(turn):
    """Each case once, IPv4 and IPv6 in turn; with the next turn the other way round."""
    chosen = {name: families[(number + turn) % len(families)]
              for number, (name, families) in enumerate(_families())}
    return [case for case in cases() if chosen[case.name] == case.family]


def vmlinux(btf, *options):
    """(problems, lines to show) of the hand-kept header against a kernel's BTF."""
    script = os.path.join(ROOT, "vmlinux", "check_btf.py")
    done = subprocess.run([sys.executable, script, *options, "--btf", btf], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    told = [line for line in lines if line.startswith("skip")] + lines[-2:]
    if done.returncode == 0:
        return [], told
    return [line for line in lines if line.startswith("FAIL")] or lines[-1:], told


def programs(files):
    """(problems, lines to show) of the verifier's verdicts: what has a target must load."""
    lines = text(files, "insns").splitlines()
    problems = [] if lines else [f"no verdicts: {text(files, 'insns.err').strip()!r}"]
    verdicts = dict(line.split()[:2] for line in lines)
    for name, verdict in verdicts.items():
        if verdict.isdigit() and int(verdict) >= LIMIT:
            problems.append(f"{name}: {verdict} instructions verified, it should be under {LIMIT}")
        if verdict == "refused":
            problems += [line for line in lines if line.split()[0] == name]
    return problems, lines


def check(files, label):
    """What `check -f json` said with the options of a run; empty when it said nothing."""
    try:
        return json.loads(text(files, f"{label}/check"))
    except ValueError:
        return {}


def ways(said):
    """(purpose, by what it is served), as check() has it."""
    return {(purpose["purpose"], purpose["by"]) for purpose in said.get("purposes", [])
            if "by" in purpose}


def unused(used):
    """Problems of the table of hooks: an alternative that no run has used is not proven."""
    table, purpose = [], None
    with open(os.path.join(ROOT, "user", "capture", "hooks.c"), encoding="utf-8") as file:
        for found in re.finditer(r'\.purpose = "([^"]+)"|\{"([^"]+)",\s*NEEDS', file.read()):
            purpose = found.group(1) or purpose
            table += [(purpose, found.group(2))] if found.group(2) else []
    if not table:
        return ["no alternatives were found in hooks.c"]
    return [f"no kernel and no run has used {name!r} for {purpose!r}" for purpose, name in table
            if (purpose, name) not in used]


def text(files, path):
    return files.get(path, b"").decode("utf-8", "replace")


def command(files, name, expected):
    """(problems, lines to show) of `sockwatch check` or `selftest`, and the status it must have."""
    status, said = text(files, f"{name}.status").strip(), text(files, name).splitlines()
    if status == str(expected):
        return [], [line for line in said if not line.endswith("  ok")]
    return [f"it ended with status {status or 'unknown'}, not {expected}"], said


def refused(files, label):
    """Problems of a start that must be refused with status 3 and a reason."""
    status, said = text(files, f"{label}/status").strip(), text(files, f"{label}/said").strip()
    if status == "3" and said:
        return [], said.splitlines()
    return [f"sockwatch should refuse with status 3 and a reason, ended with {status}: {said!r};"
            " the tables of tests/vm/run.py say which kernels it refuses"], []


class Judged:
    """The verdict on one run of sockwatch and the cases: [(name, kind, problems or reason)]."""

    def __init__(self, files, label, moved, missing):
        self.verdicts, self.notes = [], []
        status, said = text(files, f"{label}/status").strip(), text(files, f"{label}/said").strip()
        if status != "0":
            self._add("log-is-valid", [f"sockwatch ended with status {status}: {said!r}"])
            return
        log = checker.Log(files.get(f"{label}/log.jsonl", b""))
        claimed = set()
        for case in moved:
            self._case(files, label, log, claimed, case)
        self._add("log-is-valid", log.problems + ([f"it said {said!r}"] if said else []))
        self._add("nothing-lost", log.losses())
        self._add("nothing-else", _unclaimed(log, claimed))
        self.notes = log.notes()
        self._add("notes", _unexpected(self.notes, missing))

    @property
    def exact(self):
        """Whether nothing was wrong."""
        return not any(kind == "result" and problems for _, kind, problems in self.verdicts)

    def _add(self, name, problems):
        self.verdicts.append((name, "result", problems))

    def _case(self, files, label, log, claimed, case):
        """One case. Rows are told apart by process and cookie: neither comes twice in a guest."""
        full = f"{case.name}-{case.family}"
        try:
            moved, events = flows(files, label, case)
        except capture.Skipped as reason:
            self.verdicts.append((full, "skipped", str(reason)))
            return
        except (capture.Failed, ValueError) as error:
            self._add(full, [str(error)])
            return
        pids = {flow["pid"] for flow in moved}
        cookies = {flow["cookie"] for flow in moved}
        rows = [row for row in log.rows if row.get(checker.PID) in pids
                or row.get(checker.COOKIE) in cookies]
        claimed.update(map(id, rows))
        reason = test_generated.unseen(case.name, check(files, label))
        if reason:
            self.verdicts.append((full, "skipped", reason))
        elif case.must_say not in ["-", *events]:
            self._add(full, [f"the generator should say {case.must_say}, said {events}"])
        else:
            self._add(full, _check(case.name, rows, moved, log.notes()))


def _part(said, name):
    """(lines, status) of a case, between the `end` of the one before and its own."""
    ends = list(re.finditer(r"^end (\S+) (\d+)\n", said, re.M))
    for before, end in zip([None, *ends], ends):
        if end.group(1) == name:
            return said[before.end() if before else 0:end.start()], end.group(2)
    return "", None


def flows(files, label, case):
    """(flows, events) that the generator told; capture.Failed, capture.Skipped."""
    full = f"{case.name}-{case.family}"
    if case.name in HELD:
        return _held(text(files, f"{label}/{full}"), *HELD[case.name])
    said, status = _part(text(files, f"{label}/out-{case.family}"), full)
    if status != "0":
        why, _ = _part(text(files, f"{label}/err-{case.family}"), full)
        raise capture.Failed(f"the generator ended with status {status or 'unknown'}:"
                             f" {why.strip()!r}")
    return capture.parse_gen(case.name, said)


def _held(said, after, until):
    """What was moved after one step and until another; after None: from the beginning."""
    lines = said.splitlines()
    marks = {json.loads(line).get("event"): i for i, line in enumerate(lines)}
    if until not in marks or after and after not in marks:
        raise capture.Failed(f"the generator was never {until}: {said[-300:]!r}")
    first = marks[after] if after else 0
    return capture.parse_gen("hold", "\n".join(lines[first:marks[until]]))


def kernel_log(files):
    """(problems, lines to show): the guest's kernel has nothing to complain of."""
    said = text(files, "dmesg").splitlines()
    wrong = [line for line in said if COMPLAINT.search(line) and not BUSY.search(line)]
    return (["no kernel log"] if not said else wrong[:4]), []


def _check(case, rows, flows, notes):
    """As the root tests do where less can be had: no more is forgiven than the notes say."""
    if any(note.startswith("degraded: ") for note in notes):
        return test_counters.judge_counted(case, rows, test_counters.seen(case, flows))
    return test_degraded.check(case, rows, flows, notes)


def _unexpected(notes, missing):
    """No more may be missing than is known to be, and no less be said."""
    problems = [f"no note speaks of {what!r}: {notes}" for what in missing
                if not any(what in note for note in notes)]
    return problems + [f"should not be missing: {note!r}" for note in notes
                       if not any(what in note for what in missing)]


def _unclaimed(log, claimed):
    """Rows with bytes that no case moved."""
    rows = [row for row in log.rows if id(row) not in claimed
            and (row.get(checker.TX) or row.get(checker.RX))]
    if not rows:
        return []
    return [f"{len(rows)} rows that no case moved, first {rows[0]}"]
