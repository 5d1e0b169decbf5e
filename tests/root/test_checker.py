# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The checker itself: a doctored log must not pass. Needs no root and no sockwatch."""

import copy
import json

import checker
import test_programs
import test_scenarios

NETNS = 4026532000
TIME = "2026-01-01T00:00:00.000000Z"

FLOWS = [
    {"pid": 100, "uid": 0, "name": "gen", "transport": "tcp", "type": "ipv4",
     "local_address": "127.0.0.1", "local_port": 4000, "peer_address": "127.0.0.1",
     "peer_port": 80, "role": "client", "cookie": 7, "tx": 300, "rx": 50},
    {"pid": 101, "uid": 0, "name": "gen", "transport": "tcp", "type": "ipv4",
     "local_address": "127.0.0.1", "local_port": 80, "peer_address": "127.0.0.1",
     "peer_port": 4000, "role": "server", "cookie": 8, "tx": 50, "rx": 300},
    {"pid": 101, "uid": 0, "name": "gen", "transport": "udp", "type": "ipv4",
     "local_address": "127.0.0.1", "local_port": 53, "role": "server", "cookie": 9,
     "tx": 10, "rx": 30, "peers": [{"address": "127.0.0.1", "port": 5000, "tx": 10, "rx": 20},
                                   {"tx": 0, "rx": 10}]},
    {"pid": 101, "uid": 0, "name": "gen", "transport": "tcp", "type": "ipv4",
     "local_address": "127.0.0.1", "local_port": 80, "role": "listener", "cookie": 10,
     "tx": 0, "rx": 0},
    {"pid": 100, "uid": 0, "name": "gen", "transport": "tcp", "type": "ipv4",
     "local_address": "127.0.0.1", "local_port": 4001, "peer_address": "127.0.0.1",
     "peer_port": 81, "role": "client", "cookie": 11, "tx": 0, "rx": 0, "fail": "ECONNREFUSED"},
]


def _row(flow, tx, rx, tx_total, rx_total, **more):
    row = {"@timestamp": TIME, checker.RECORD: "connection",
           checker.PID: flow["pid"], checker.NAME: flow["name"], "user.id": flow["uid"],
           "network.transport": flow["transport"], "network.type": flow["type"],
           checker.LOCAL: flow["local_address"], checker.LOCAL_PORT: flow["local_port"],
           checker.ROLE: flow["role"], checker.NETNS: NETNS, checker.COOKIE: flow["cookie"],
           checker.TX: tx, checker.RX: rx, checker.TX_TOTAL: tx_total,
           checker.RX_TOTAL: rx_total}
    if "peer_port" in flow:
        row[checker.PEER], row[checker.PEER_PORT] = flow["peer_address"], flow["peer_port"]
    row.update(more)
    return row


def _good():
    client, server, udp, listener, refused = FLOWS
    return [
        {"@timestamp": TIME, checker.RECORD: "meta"},
        _row(listener, 0, 0, 0, 0),
        _row(client, 100, 0, 100, 0),
        _row(client, 200, 50, 300, 50),
        _row(server, 50, 300, 50, 300),
        _row(udp, 10, 20, 10, 20, **{checker.PEER: "127.0.0.1", checker.PEER_PORT: 5000}),
        _row(udp, 0, 10, 0, 10),
        _row(refused, 0, 0, 0, 0, **{checker.ERROR: "ECONNREFUSED"}),
        {"@timestamp": TIME, checker.RECORD: "end", checker.TX_TOTAL: 360, checker.RX_TOTAL: 380,
         "sockwatch.records.lost": 0, "sockwatch.records.seen": 7},
    ]


def _set(number, **fields):
    """A doctor: change fields of record number. Dots of field names are written as __."""
    def doctor(records):
        records[number].update({k.replace("__", "."): v for k, v in fields.items()})
    return doctor


def _drop(number):
    def doctor(records):
        del records[number]
    return doctor


def _swap_accounts(records):
    """Both booked to the other: every sum over the namespace still holds."""
    for row in records:
        if row.get(checker.PID) in (100, 101):
            row[checker.PID] = 201 - row[checker.PID]


def _add_row(**fields):
    def doctor(records):
        extra = copy.deepcopy(records[2])
        extra.update({k.replace("__", "."): v for k, v in fields.items()})
        records.insert(5, extra)
    return doctor


def _unattributed(records):
    for key in (checker.PID, checker.NAME):
        del records[4][key]
    records[4]["sockwatch.unattributed"] = "exited"


def _no_loss_counters(records):
    del records[-1]["sockwatch.records.lost"]


# What the check of the rows must find without help from the sums of the whole log.
ROW_DOCTORS = {
    "one-byte-more-sent": _set(3, sockwatch__tx_bytes=201),
    "one-byte-less-received": _set(4, sockwatch__rx_bytes=299),
    "one-byte-off-in-total": _set(3, sockwatch__tx_bytes_total=299),
    "missing-row": _drop(4),
    "missing-row-of-an-interval": _drop(2),
    "missing-listener": _drop(1),
    "repeated-row": _add_row(),
    "wrong-pid": _set(4, process__pid=102),
    "swapped-pids": _swap_accounts,
    "wrong-name": _set(3, process__name="worker-1"),
    "wrong-user": _set(3, user__id=1000),
    "wrong-role": _set(4, sockwatch__role="client"),
    "wrong-transport": _set(4, network__transport="udp"),
    "wrong-type": _set(4, network__type="ipv6"),
    "wrong-local-port": _set(4, network__local__port=81),
    "wrong-peer-port": _set(3, network__peer__port=81),
    "wrong-peer-address": _set(3, network__peer__address="127.0.0.2"),
    "wrong-cookie": _set(4, sockwatch__cookie=80),
    "wrong-netns": _set(4, sockwatch__netns=NETNS + 1),
    "wrong-udp-peer": _set(5, network__peer__port=5001),
    "extra-row-of-another-process": _add_row(process__pid=999, sockwatch__cookie=999),
    "unattributed": _unattributed,
    "wrong-error": _set(7, sockwatch__error="ETIMEDOUT"),
    "failure-without-row": _drop(7),
}

LOG_DOCTORS = {
    "loss-1": _set(-1, sockwatch__records__lost=1),
    "nested-loss": _set(-1, sockwatch__loss={"ring": 1}),
    "no-loss-counters": _no_loss_counters,
    "other-sum-in-end-record": _set(-1, sockwatch__tx_bytes_total=361),
    "not-a-time": _set(3, **{"@timestamp": "2026-01-01 00:00:00Z"}),
    "time-backwards": _set(3, **{"@timestamp": "2025-12-31T23:59:59.999999Z"}),
    "no-end": _drop(-1),
    "no-meta": _drop(0),
}

BYTES = {
    "half-a-line": lambda data: data[:-5],
    "control-byte": lambda data: data.replace(b'"gen"', b'"g\x1ben"', 1),
    "not-utf8": lambda data: data.replace(b'"gen"', b'"g\xffen"', 1),
    "line-break-in-name": lambda data: data.replace(b'"gen"', b'"g\nen"', 1),
}


def _log_problems(data):
    log = checker.Log(data)
    return log.problems + log.losses()


def _row_problems(data):
    return checker.check(checker.Log(data).in_netns(NETNS), FLOWS)


def _write(records):
    return b"".join(json.dumps(r).encode() + b"\n" for r in records)


def _doctored(doctor):
    records = copy.deepcopy(_good())
    doctor(records)
    return _write(records)


def _caught(problems):
    return [] if problems else ["a doctored log passed the check"]


def _hostile_names():
    flow = dict(FLOWS[0], name="e\x1b[2J\n\"x")
    problems = []
    for got, good in (("e\\x1b[2J\\x0a\"x", True), ("e\x1b[2J\n\"x", False), ("gen", False)):
        row = _row(flow, 300, 50, 300, 50, **{checker.NAME: got})
        if bool(checker.check([row], [flow])) == good:
            problems.append(f"{got!a} should {'' if good else 'not '}pass")
    return problems


def _bound_before_it_listens():
    """A row of the interval between bind and listen knows no role; one that follows must."""
    flow, early = FLOWS[3], {checker.ROLE: "unknown", "sockwatch.state": "bound"}
    before, after = _row(flow, 0, 0, 0, 0, **early), _row(flow, 0, 0, 0, 0)
    problems = checker.check([before, after], [flow]) + _caught(checker.check([before], [flow]))
    for late in ({**early, "sockwatch.state": "listen"}, {**early, checker.ROLE: "client"}):
        problems += _caught(checker.check([{**before, **late}, after], [flow]))
    return problems


def _program_sums():
    """The comparison with what programs report is as strict."""
    client, server = FLOWS[:2]
    rows = [_row(client, 300, 50, 300, 50), _row(server, 50, 300, 50, 300)]
    good = {100: ("gen", 300, 50), 101: ("gen", 50, 300)}
    problems = test_programs.by_process(rows, good)
    for bad in ({100: ("gen", 300, 50)}, {**good, 101: ("gen", 50, 299)},
                {**good, 100: ("nginx", 300, 50)}, {**good, 102: ("gen", 1, 0)}):
        problems += _caught(test_programs.by_process(rows, bad))
    return problems


def _loss_counters():
    keys = (test_scenarios.SEEN, test_scenarios.DELIVERED, test_scenarios.LOST)
    problems = test_scenarios.loss_counters(dict(zip(keys, (10, 7, 3))))
    for bad in ((10, 7, 2), (10, 10, 0), (None, 7, 3)):
        problems += _caught(test_scenarios.loss_counters(dict(zip(keys, bad))))
    return problems


def run(wanted, report):
    good = _write(_good())
    cases = {"good-log-passes": lambda: _log_problems(good) + _row_problems(good),
             "hostile-names": _hostile_names, "program-sums": _program_sums,
             "bound-before-it-listens": _bound_before_it_listens,
             "loss-counters": _loss_counters}
    for name, doctor in ROW_DOCTORS.items():
        cases[name] = lambda doctor=doctor: _caught(_row_problems(_doctored(doctor)))
    for name, doctor in LOG_DOCTORS.items():
        cases[name] = lambda doctor=doctor: _caught(_log_problems(_doctored(doctor)))
    for name, change in BYTES.items():
        cases[name] = lambda change=change: _caught(_log_problems(change(good)))
    for name, case in cases.items():
        if wanted(f"checker/{name}"):
            report.result(f"checker/{name}", case())


class Checker:
    def names(self):
        names = []
        run(names.append, None)  # append() returns None: nothing is wanted, all are named
        return names

    def run(self, wanted, report):
        run(wanted, report)
