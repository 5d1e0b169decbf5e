# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sockwatch selftest`: it is right about what is right, and about what is wrong."""

import json
import re

import capture
import case
from case import Case
from netns import Netns

JSON = [capture.SOCKWATCH, "selftest", "-f", "json"]
MOVED, COUNTED = ("tx_bytes", "rx_bytes"), ("counted_tx_bytes", "counted_rx_bytes")
ROW = re.compile(r"(\S+) +(4 6|4|6)(?: +(\d+) +(\d+) +(\d+) +(\d+))?  +([^ ].+)")
WIDTH = 80
SUM = re.compile(r"(\d+) kinds exact, (\d+) wrong, (\d+) skipped")

# A namespace with loopback and without IPv6, and no other may be had.
NO_OTHER_NETNS = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
NO_IPV6 = "net/ipv6/conf/lo/disable_ipv6"
SHOWN = 4  # problems that are told


def _brief(problems):
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return [problem[:300] for problem in problems[:SHOWN]] + more


def _kinds():
    """The kinds that a selftest should have."""
    return {name for name, flags in capture.gen_list() if "steps" not in flags}


def _ended(got, status):
    problems = [f"status {got.status}, not {status}"] if got.status != status else []
    return problems + ([f"said on stderr: {got.err!r}"] if got.err else [])


def _text():
    got = case.run(capture.SOCKWATCH, "selftest")
    problems = _ended(got, 0)
    lines = got.out.decode().splitlines()
    rows = [match.groups() for match in map(ROW.fullmatch, lines) if match]
    for kind, _, tx, rx, counted_tx, counted_rx, result in rows:
        if (tx, rx) != (counted_tx, counted_rx) or not re.match("ok$|skipped: ", result):
            problems.append(f"{kind}: {tx} {rx}, counted {counted_tx} {counted_rx}: {result}")
    if {row[0] for row in rows} != _kinds():
        problems.append(f"kinds differ: {sorted({row[0] for row in rows} ^ _kinds())}")
    problems += [f"over {WIDTH} columns: {line}" for line in lines if len(line) > WIDTH]
    sums = [match.groups() for match in map(SUM.fullmatch, lines) if match]
    if len(sums) != 1 or sum(map(int, sums[0])) != len(_kinds()) or sums[0][1] != "0":
        problems.append(f"of {len(_kinds())} kinds the sum says {sums}")
    return problems


def _json(got, status):
    """(problems, records of kinds, the end record)"""
    problems = _ended(got, status)
    records = [json.loads(line) for line in got.out.decode().splitlines()]
    if not records or records[-1].get("sockwatch.record") != "end":
        raise capture.Failed("; ".join(problems + ["no end record"]))
    return problems, records[:-1], records[-1]


def _differ(record):
    return any(record.get(m) != record.get(c) for m, c in zip(MOVED, COUNTED))


def _exact(*argv):
    problems, kinds, end = _json(case.run(*argv), 0)
    problems += [f"not exact: {record}" for record in kinds
                 if _differ(record) or record["result"] not in ("exact", "skipped")]
    problems += [f"skipped without a reason: {record}" for record in kinds
                 if record["result"] == "skipped" and not record.get("reason")]
    if {record["kind"] for record in kinds} != _kinds():
        problems.append(f"kinds differ: {sorted({r['kind'] for r in kinds} ^ _kinds())}")
    if not end["exact"] or any(end["lost"].values()):
        problems.append(f"the end record: {end}")
    return problems, kinds, end


def _verbose_json():
    problems, kinds, end = _exact(*JSON, "-v")
    for record in kinds:
        flows = record["flows"]
        if any(sum(f[key] for f in flows) != record.get(key, 0) for key in MOVED + COUNTED):
            problems.append(f"flows do not add up: {record}")
    if not end["own_netns"] or not end["pids_compared"]:
        problems.append(f"no namespace, or no pids: {end}")
    return problems


def _one_netns():
    netns = Netns()
    try:
        with netns.inside():
            with open("/proc/sys/" + NO_IPV6, "w", encoding="ascii") as file:
                file.write("1")
            problems, kinds, end = _exact(*NO_OTHER_NETNS, *JSON)
    finally:
        netns.close()
    if end["own_netns"] or end["ipv6"]:
        problems.append(f"it should have neither a namespace of its own nor IPv6: {end}")
    return problems + [f"without IPv6: {record}" for record in kinds
                       if record["network.type"] == "ipv6" and record["result"] != "skipped"]


def _no_loopback():
    got = case.run("unshare", "-n", *NO_OTHER_NETNS, *JSON)
    return case.refused(got, 3, "loopback interface is down")


def _pid_namespace():
    problems, _, end = _exact("unshare", "--pid", "--fork", "--mount-proc", *JSON)
    if end["pids_compared"]:
        problems.append("pids of another namespace were compared")
    return problems


def _doctored():
    """With room for one account of a process more, bytes of many are nobody's: it must say so."""
    got = case.run(*JSON, "--accounts", "1")
    problems, kinds, end = _json(got, 1)
    wrong = {record["kind"] for record in kinds if record["result"] == "wrong"}
    if "tcp-fork-8" not in wrong or "tcp-send" in wrong:
        problems.append(f"these should not be what is wrong: {sorted(wrong)}")
    if end["exact"] or end["kinds"]["wrong"] != len(wrong) or not end["lost"]["accounts"]:
        problems.append(f"the end record does not say so: {end}")
    return problems


# By `--hooks degraded`: what is certainly wrong, and where it is guessed which process sent.
DEGRADED = re.compile("mptcp-|raw-|packet-|udp-short-buffer$")
GUESSED = {"tcp-fork-2", "tcp-fork-8", "tcp-orphan", "tcp-passed", "udp-fork"}


def _degraded():
    """It is exact where it can be, and says what is not and that it is degraded."""
    problems, kinds, end = _json(case.run(*JSON, "--hooks", "degraded"), 1)
    wrong = {record["kind"] for record in kinds if record["result"] == "wrong"}
    should = {record["kind"] for record in kinds
              if DEGRADED.match(record["kind"]) and record["result"] != "skipped"}
    problems += [f"{kind} should be wrong" for kind in sorted(should - wrong)]
    problems += [f"{kind} should be exact" for kind in sorted(wrong - should - GUESSED)]
    if end["exact"] or not any(note.startswith("degraded: ") for note in end["notes"]):
        problems.append(f"the end record does not say so: {end}")
    got = case.run(capture.SOCKWATCH, "check", "--hooks", "degraded")
    if got.status != 1 or b"\nless    bytes of TCP" not in got.out or b"\nDegraded: " not in got.out:
        problems.append(f"check ended with {got.status} and does not say so: {got.out[-300:]!r}")
    return problems


def _not_permitted():
    got = case.run(*capture.as_nobody(), capture.program_for_all(), "selftest")
    return case.refused(got, 3, "CAP_BPF")


def groups():
    tests = {
        "text": _text,
        "verbose-json": _verbose_json,
        "one-netns-no-ipv6": _one_netns,
        "no-loopback": _no_loopback,
        "pid-namespace": _pid_namespace,
        "doctored": _doctored,
        "degraded": _degraded,
        "not-permitted": _not_permitted,
    }
    return [Case(f"selftest/{name}", lambda test=test: _brief(test()))
            for name, test in tests.items()]
