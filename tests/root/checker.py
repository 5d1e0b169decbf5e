# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a log says against what was moved. Pure: rows and expectations in, problems out."""

import collections
import json
import re
import unicodedata

RECORD = "sockwatch.record"
NETNS, COOKIE = "sockwatch.netns", "sockwatch.cookie"
PID, NAME = "process.pid", "process.name"
TX, RX = "sockwatch.tx_bytes", "sockwatch.rx_bytes"
TX_TOTAL, RX_TOTAL = "sockwatch.tx_bytes_total", "sockwatch.rx_bytes_total"
LOCAL, LOCAL_PORT = "network.local.address", "network.local.port"
PEER, PEER_PORT = "network.peer.address", "network.peer.port"
ROLE, ERROR = "sockwatch.role", "sockwatch.error"

LOSS_KEY = re.compile(r"lost|loss|evicted|missed|dropped")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
SHOWN = 4  # problems of one kind that are told in full


class Log:
    """A parsed log; self.problems says what is wrong with it as a whole."""

    def __init__(self, data):
        self.problems = []
        self.records = []
        if data and not data.endswith(b"\n"):
            self.problems.append("the last line does not end")
        for number, line in enumerate(data.splitlines(), 1):
            self._parse(number, line)
        kinds = [record.get(RECORD) for record in self.records]
        self.rows = [r for r in self.records if r.get(RECORD) == "connection"]
        self.end = self.records[-1] if kinds[-1:] == ["end"] else None
        if kinds[:1] != ["meta"]:
            self.problems.append(f"the first record is {kinds[:1]}, not meta")
        if self.end is None:
            self.problems.append(f"the last record is {kinds[-1:]}, not end")
        if kinds.count("meta") != 1 or kinds.count("end") > 1:
            self.problems.append("not exactly one meta and one end record")
        self._check_times()
        self._check_sum()

    def _check_times(self):
        times = [str(record.get("@timestamp")) for record in self.records]
        for time in times:
            if not TIME.fullmatch(time):
                self.problems.append(f"not a time as in 2026-01-01T00:00:00.000000Z: {time!a}")
                return
        if times != sorted(times):
            self.problems.append("times run backwards")

    def _check_sum(self):
        """What the end record says was moved is what the rows say was moved."""
        rows = [sum(row.get(key, 0) for row in self.rows) for key in (TX, RX)]
        end = [self.end.get(key) for key in (TX_TOTAL, RX_TOTAL)] if self.end else rows
        if end != rows:
            self.problems.append(f"all rows: tx {rows[0]} rx {rows[1]},"
                                 f" end record: tx {end[0]} rx {end[1]}")

    def _parse(self, number, line):
        if any(byte < 0x20 or byte == 0x7F for byte in line):
            self.problems.append(f"line {number} holds a control byte: {line[:200]!r}")
        try:
            record = json.loads(line.decode("utf-8"))
        except ValueError as error:
            self.problems.append(f"line {number} does not parse ({error}): {line[:200]!r}")
            return
        if not isinstance(record, dict):
            self.problems.append(f"line {number} is no object: {line[:200]!r}")
            return
        self.records.append(record)

    def notes(self):
        """What the capture says that it misses."""
        return self.records[0].get("sockwatch.notes", []) if self.records else []

    def in_netns(self, inode):
        return [row for row in self.rows if row.get(NETNS) == inode]

    def losses(self):
        """Loss counters of the end record that are not 0, or the lack of any counter."""
        if self.end is None:
            return ["no end record"]
        counters = {k: v for k, v in _flatten("", self.end) if LOSS_KEY.search(k)}
        if not counters:
            return ["the end record has no loss counter"]
        return [f"{key} = {value}" for key, value in counters.items() if value]


def _flatten(prefix, value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, inner)
    else:
        yield prefix, value


def account(row):
    """Key of a (process, socket)."""
    return row.get(PID), row.get(COOKIE)


def _peer_of(row):
    address = row.get(PEER)
    return None if address in (None, "", "*") else (address, row.get(PEER_PORT))


def sums(rows, key=account):
    """Bytes of the intervals, added up: {key: [tx, rx]}."""
    totals = collections.defaultdict(lambda: [0, 0])
    for row in rows:
        total = totals[key(row)]
        total[0] += row.get(TX, 0)
        total[1] += row.get(RX, 0)
    return totals


def _last_totals(rows):
    """The last total of each line of the log, added up for each (process, socket)."""
    last = {}
    for row in rows:
        peer = None if row.get("network.transport") == "tcp" else _peer_of(row)
        last[account(row) + (peer,)] = (row.get(TX_TOTAL, 0), row.get(RX_TOTAL, 0))
    totals = collections.defaultdict(lambda: [0, 0])
    for (pid, cookie, _), (tx, rx) in last.items():
        totals[pid, cookie][0] += tx
        totals[pid, cookie][1] += rx
    return totals


def merge(expected):
    """One expectation for each (process, socket): a process may report a socket twice."""
    merged = {}
    for flow in expected:
        key = flow["pid"], flow["cookie"]
        if key not in merged:
            merged[key] = json.loads(json.dumps(flow))
            continue
        to = merged[key]
        to["tx"] += flow["tx"]
        to["rx"] += flow["rx"]
        to["peers"] = to.get("peers", []) + flow.get("peers", [])
    return merged


def check(rows, expected):
    """Problems of the rows of one network namespace with what was moved in it."""
    problems = []
    flows = merge(expected)
    listeners = {key for key, flow in flows.items() if flow["role"] == "listener"}
    rows = [row for row in rows  # an accepted MPTCP socket has the cookie of its listener
            if row.get("sockwatch.role") != "listener" or row.get(TX_TOTAL)
            or row.get(RX_TOTAL) or account(row) in listeners]
    by_account = collections.defaultdict(list)
    for row in rows:
        by_account[account(row)].append(row)
    got, totals = sums(rows), _last_totals(rows)
    for key, flow in flows.items():
        mine = by_account.get(key, [])
        if mine:
            problems += _check_bytes(flow, got[key], totals[key], mine)
            problems += _check_identity(flow, mine)
        elif flow["tx"] or flow["rx"] or flow["role"] == "listener" or "fail" in flow:
            problems.append(f"{describe(flow)}: no row; it moved tx {flow['tx']} rx {flow['rx']}")
    problems += _check_nothing_else(got, flows, by_account)
    return _shorten(problems)


def _check_nothing_else(got, flows, by_account):
    problems = []
    for key, (tx, rx) in got.items():
        if key not in flows and (tx or rx):
            row = by_account[key][-1]
            why = row.get("sockwatch.unattributed")
            problems.append(f"not expected: pid {key[0]} ({row.get(NAME)}) cookie {key[1]}"
                            f" tx {tx} rx {rx}" + (f" unattributed: {why}" if why else ""))
    seen = [sum(v[i] for v in got.values()) for i in (0, 1)]
    wanted = [sum(f[k] for f in flows.values()) for k in ("tx", "rx")]
    if seen != wanted:
        problems.append(f"sum over all rows: tx {seen[0]} rx {seen[1]},"
                        f" moved: tx {wanted[0]} rx {wanted[1]}")
    return problems


def describe(flow):
    port = flow.get("local_port")
    return (f"pid {flow['pid']} ({flow['name']!a}) {flow['transport']} {flow['role']}"
            f" cookie {flow['cookie']}" + (f" port {port}" if port else ""))


def _check_bytes(flow, got, total, rows):
    problems = []
    wanted = [flow["tx"], flow["rx"]]
    if got != wanted:
        problems.append(f"{describe(flow)}: moved tx {wanted[0]} rx {wanted[1]},"
                        f" logged tx {got[0]} rx {got[1]}")
    if total != wanted:
        problems.append(f"{describe(flow)}: moved tx {wanted[0]} rx {wanted[1]},"
                        f" last totals tx {total[0]} rx {total[1]}")
    if flow.get("peers"):
        problems += _check_peers(flow, rows)
    return problems


def _knows_more(got, wanted):
    """Where the kernel lets us see the peer of every datagram (skb_consume_udp), bytes that the
    process received without asking for it, expected without a peer, have one: sums must agree."""
    if None not in wanted or None in got:
        return False
    return all(got.get(k, [0, 0])[i] >= v[i] for k, v in wanted.items() if k for i in (0, 1)) and \
        [sum(v[i] for v in got.values()) for i in (0, 1)] == \
        [sum(v[i] for v in wanted.values()) for i in (0, 1)]


def _check_peers(flow, rows):
    wanted = collections.defaultdict(lambda: [0, 0])
    for peer in flow["peers"]:
        key = (peer["address"], peer["port"]) if "address" in peer else None
        wanted[key][0] += peer["tx"]
        wanted[key][1] += peer["rx"]
    got = {k: v for k, v in sums(rows, _peer_of).items() if any(v)}
    wanted = {k: v for k, v in wanted.items() if any(v)}
    if got == wanted or _knows_more(got, wanted):
        return []
    return [f"{describe(flow)}: by peer moved {wanted}, logged {got}"]


def _hostile(name):
    return not re.fullmatch(r"[ -\[\]-~]*", name)


def _name_matches(wanted, got):
    """Plain names are as they are; of others no control character is left, the rest is."""
    if not _hostile(wanted):
        return got == wanted
    if not isinstance(got, str) or any(unicodedata.category(c).startswith("C") for c in got):
        return False
    plain = re.findall(r"[!-\[\]-~]+", wanted)
    return re.search(".+".join(map(re.escape, plain)), got) is not None


def _check_identity(flow, rows):
    problems = []
    for row in rows:
        wrong = _wrong_fields(flow, row)
        if wrong:
            problems.append(f"{describe(flow)}: " + ", ".join(wrong))
            break
    if flow["transport"] == "tcp" and all(map(_is_only_bound, rows)):
        problems.append(f"{describe(flow)}: no row has its role")
    if "fail" in flow and not any(row.get(ERROR) == flow["fail"] for row in rows):
        problems.append(f"{describe(flow)}: no row has {ERROR} {flow['fail']}")
    for port, field in (("local_port", LOCAL_PORT), ("peer_port", PEER_PORT)):
        if flow.get(port) and "fail" not in flow and not any(r.get(field) for r in rows):
            problems.append(f"{describe(flow)}: no row has {field}, it was {flow[port]}")
    return problems


def _wrong_fields(flow, row):
    wrong = []

    def differs(field, wanted, got):
        wrong.append(f"{field} should be {wanted!a}, is {got!a}")

    if not _name_matches(flow["name"], row.get(NAME)):
        differs(NAME, flow["name"], row.get(NAME))
    if row.get("user.id") not in (flow["uid"], str(flow["uid"])):
        differs("user.id", flow["uid"], row.get("user.id"))
    if row.get("network.transport") not in flow["transport"].split("|"):
        differs("network.transport", flow["transport"], row.get("network.transport"))
    bare = "peers" in flow and not _peer_of(row)  # speaks of the socket, not of a peer
    if "type" in flow and not bare and row.get("network.type") != flow["type"]:
        differs("network.type", flow["type"], row.get("network.type"))
    if "sockwatch.unattributed" in row:
        differs("sockwatch.unattributed", None, row["sockwatch.unattributed"])
    if flow["transport"] == "tcp":
        wrong += _wrong_endpoints(flow, row)
        if row.get(ROLE) != flow["role"] and not _is_only_bound(row):
            differs(ROLE, flow["role"], row.get(ROLE))
    elif flow["transport"] == "udp":
        if row.get(LOCAL_PORT) not in (None, 0, flow["local_port"]):
            differs(LOCAL_PORT, flow["local_port"], row.get(LOCAL_PORT))
        if "peer_port" in flow and row.get(PEER_PORT) not in (None, 0, flow["peer_port"]):
            differs(PEER_PORT, flow["peer_port"], row.get(PEER_PORT))
    return wrong


def _is_only_bound(row):
    """Between bind() and what follows nobody can know what a socket is for."""
    return row.get(ROLE) == "unknown" and row.get("sockwatch.state") == "bound" \
        and not row.get(TX_TOTAL) and not row.get(RX_TOTAL)


def _wrong_endpoints(flow, row):
    """
    A row written before the kernel chose an address or port has none: that is no error. MPTCP gives
    an accepted socket its peer only after it is established.
    """
    early = not row.get(TX_TOTAL) and not row.get(RX_TOTAL)
    wrong = []
    for key, field in (("local_address", LOCAL), ("local_port", LOCAL_PORT),
                       ("peer_address", PEER), ("peer_port", PEER_PORT)):
        wanted, got = flow.get(key), row.get(field)
        if wanted is None and key.startswith("local"):
            continue
        if (early or key.startswith("local")) and got in (None, 0, "", "*", "0.0.0.0", "::"):
            continue
        if wanted is None and got in (None, 0, "", "*", "0.0.0.0", "::"):
            continue
        if "fail" in flow and key.startswith("local"):
            continue
        if got != wanted:
            wrong.append(f"{field} should be {wanted!a}, is {got!a}")
    return wrong


def _shorten(problems):
    if len(problems) <= SHOWN:
        return problems
    return problems[:SHOWN - 1] + [f"and {len(problems) - SHOWN} more", problems[-1]]
