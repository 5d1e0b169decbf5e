# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sockwatch who --bind` says what bind() then does, in the same namespace, for every case."""

import errno
import itertools
import json
import os
import socket
import subprocess

import capture
import case
from case import Case
from capture import Failed
from who_rig import Held, Stage, same, text_of

PORT = 8080
OPTIONS = {"--reuseaddr": (socket.SOL_SOCKET, socket.SO_REUSEADDR),
           "--reuseport": (socket.SOL_SOCKET, socket.SO_REUSEPORT),
           "--v6only": (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)}
ADDRESSES = ("127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::")
HELPS = {"reuseaddr_helps": "--reuseaddr", "reuseport_helps": "--reuseport"}

# What a situation is made with, beside what every Held program has.
TOOLS = f"""
PORT = {PORT}
R, P = (socket.SOL_SOCKET, socket.SO_REUSEADDR), (socket.SOL_SOCKET, socket.SO_REUSEPORT)
V6 = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
def bound(kind, host, *options):
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    for level, name in options:
        s.setsockopt(level, name, 1)
    s.bind((host, PORT))
    return s
def tcp(host, *options):
    s = bound(socket.SOCK_STREAM, host, *options)
    s.listen()
    return s
def udp(host, *options):
    return bound(socket.SOCK_DGRAM, host, *options)
def connection(*options):
    s = tcp("127.0.0.1", *options)
    c = socket.create_connection(("127.0.0.1", PORT))
    return s, c, s.accept()[0]
def time_wait(*options):
    s, c, a = connection(*options)
    a.close(); c.recv(1); c.close(); s.close()
def orphan(*options):
    s, c, a = connection(*options)
    a.setblocking(False)
    try:
        while True:
            a.send(b"x" * 65536)
    except BlockingIOError:
        a.close(); s.close()
    return c
"""

# name: (what holds the port, protocol, reason for 127.0.0.1 without options)
SITUATIONS = {
    "free": ("", "tcp", "free"),
    "loopback": ("s = tcp('127.0.0.1')", "tcp", "held"),
    "wildcard": ("s = tcp('0.0.0.0', R)", "tcp", "wildcard"),
    "dual": ("s = tcp('::', R)", "tcp", "dual_wildcard"),
    "v6only": ("s = tcp('::', V6)", "tcp", "free"),
    "other-address": ("s = tcp('127.0.0.2', R)", "tcp", "free"),
    "bound-only": ("s = bound(socket.SOCK_STREAM, '127.0.0.1', R)", "tcp", "held"),
    "reuseport": ("s = tcp('0.0.0.0', P)", "tcp", "wildcard"),
    "reuseport-and-addr": ("s = tcp('127.0.0.1', P, R)", "tcp", "held"),
    "reuseport-of-another-user": ("os.setuid(65534); s = tcp('127.0.0.1', P)", "tcp", "held"),
    "time-wait": ("time_wait()", "tcp", "time_wait"),
    "time-wait-reuseaddr": ("time_wait(R)", "tcp", "time_wait"),
    "time-wait-reuseport": ("time_wait(P)", "tcp", "time_wait"),
    "connection": ("s, c, a = connection(); s.close()", "tcp", "connection"),
    "connection-reuseaddr": ("s, c, a = connection(R); s.close()", "tcp", "connection"),
    "connection-and-listener": ("k = connection(R)", "tcp", "held"),
    "not-accepted": ("s = tcp('127.0.0.1'); c = socket.create_connection(('127.0.0.1', PORT))",
                     "tcp", "held"),
    "orphan": ("c = orphan()", "tcp", "connection"),
    "orphan-reuseaddr": ("c = orphan(R)", "tcp", "connection"),
    "udp": ("s = udp('127.0.0.1')", "udp", "held"),
    "udp-wildcard-reuseaddr": ("s = udp('0.0.0.0', R)", "udp", "wildcard"),
    "udp-dual-reuseport": ("s = udp('::', P)", "udp", "dual_wildcard"),
    "udp-v6only": ("s = udp('::', V6)", "udp", "free"),
    "udp-connected": ("s = udp('127.0.0.1'); s.connect(('127.0.0.1', 9))", "udp", "held"),
    "udp-beside-tcp": ("s = tcp('0.0.0.0')", "udp", "free"),
}


def _options_of(address):
    names = [n for n in OPTIONS if n != "--v6only" or address == "::"]
    return [c for n in range(len(names) + 1) for c in itertools.combinations(names, n)]


def _bind(stage, protocol, address, options, port=PORT):
    """What bind() really does in the namespace: the name of its errno, or None."""
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with stage.netns.inside():
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    with sock:
        for option in options:
            sock.setsockopt(*OPTIONS[option], 1)
        try:
            sock.bind((address, port))
        except OSError as error:
            return errno.errorcode[error.errno]
    return None


def _ask(netns, endpoint, *options, before=(), program=None, status=None):
    """The verdict of `who --bind`."""
    got = case.run(*before, program or capture.SOCKWATCH, "who", "-f", "json", "--netns",
                   str(netns), "--bind", endpoint, *options)
    if not got.out:
        raise Failed(f"--bind {endpoint} ended with {got.status}: {got.err!r}")
    verdict = json.loads(got.out.splitlines()[0])
    wanted = 1 if "sockwatch.bind.error" in verdict else 0
    if got.status != (wanted if status is None else status):
        raise Failed(f"--bind {endpoint} ended with {got.status}, not {wanted}")
    return verdict


def _endpoint(protocol, address, port=PORT):
    return f"{protocol}/[{address}]:{port}" if ":" in address else f"{protocol}/{address}:{port}"


def _address(stage, pid, protocol, address):
    problems = []
    real = {options: _bind(stage, protocol, address, options) for options in _options_of(address)}
    for options, error in real.items():
        verdict = _ask(pid, _endpoint(protocol, address), *options)
        what = " ".join([address, *options])
        problems += same(what, verdict.get("sockwatch.bind.error"), error)
        for field, option in HELPS.items():
            name = f"sockwatch.bind.{field}"
            if name in verdict and option not in options:
                with_it = tuple(o for o in OPTIONS if o in (*options, option))
                problems += same(f"{what} {field}", verdict[name], real[with_it] is None)
    return problems


def _situation(program, protocol, reason):
    """Every address with every combination of options, against the real bind()."""
    problems = []
    for address in ADDRESSES:  # each in a namespace of its own: a port remembers what was bound
        with Stage() as stage:
            held = stage.hold(TOOLS + program + "\nready()\nwait()\n")
            problems += _address(stage, held.pid, protocol, address)
            if address == "127.0.0.1":
                verdict = _ask(held.pid, _endpoint(protocol, address))
                problems += same("reason", verdict["sockwatch.bind.reason"], reason)
    return problems


def _outgoing():
    """The local port of an outgoing connection, which no listener ever had."""
    program = """
s = listen("127.0.0.1", 9000)
c = socket.create_connection(("127.0.0.1", 9000))
ready(c.getsockname()[1])
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        port = int(held.words[0])
        problems = []
        for options in ((), ("--reuseaddr",), ("--reuseport",)):
            verdict = _ask(held.pid, f"127.0.0.1:{port}", *options)
            problems += same(f"error {options}", verdict.get("sockwatch.bind.error"),
                             _bind(stage, "tcp", "127.0.0.1", options, port))
            problems += same("reason", verdict["sockwatch.bind.reason"], "outgoing")
            problems += same("ephemeral", verdict["sockwatch.bind.ephemeral"], True)
        return problems


def _sysctl(stage, name, value):
    with stage.netns.inside():
        with open(f"/proc/sys/net/ipv4/{name}", "w", encoding="ascii") as file:
            file.write(value)


BIND_AS_NOBODY = """
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
try:
    s.bind((sys.argv[1], 80))
    ready("None")
except OSError as error:
    ready(errno.errorcode[error.errno])
wait()
"""


def _privileged(start):
    """Without the capability, in a namespace with its own idea of low ports."""
    program = capture.program_for_all()
    problems = []
    with Stage() as stage:
        _sysctl(stage, "ip_unprivileged_port_start", str(start))
        for address in ("127.0.0.1", "192.0.2.1", "::1", "2001:db8::1"):
            real = Held(stage.netns, "import errno\n" + BIND_AS_NOBODY, *capture.as_nobody(),
                        argv=[address])
            real.end()
            with stage.netns.inside():  # its own, as nobody may enter no other
                got = case.run(*capture.as_nobody(), program, "who", "-f", "json", "--bind",
                               _endpoint("tcp", address, 80))
            verdict = json.loads(got.out.splitlines()[0])
            problems += same(address, str(verdict.get("sockwatch.bind.error")), real.words[0])
            problems += same("takes privilege", verdict["sockwatch.bind.takes_privilege"],
                             start > 80)
    return problems


def _reserved():
    """Ports that are kept from outgoing connections, and those that are not."""
    with Stage() as stage:
        held = stage.hold("ready()\nwait()\n")
        _sysctl(stage, "ip_local_reserved_ports", "40000,50000-50010")
        got = {port: _ask(held.pid, f"127.0.0.1:{port}") for port in (40000, 50005, 50011, 1000)}
    problems = same("reserved", [p for p, v in got.items() if v["sockwatch.bind.reserved"]],
                    [40000, 50005])
    return problems + same("ephemeral", [p for p, v in got.items()
                                         if v["sockwatch.bind.ephemeral"]], [40000, 50005, 50011])


def _not_here():
    """An address of nobody; and of this host, but not of the namespace."""
    with Stage() as stage:
        held = stage.hold("ready()\nwait()\n")
        problems = []
        for address in ("192.0.2.1", "2001:db8::1"):
            verdict = _ask(held.pid, _endpoint("tcp", address))
            problems += same(address, verdict.get("sockwatch.bind.error"),
                             _bind(stage, "tcp", address, ()))
            problems += same("reason", verdict["sockwatch.bind.reason"], "no_address")
        return problems


def _by_name():
    """--netns takes a name of ip netns; a text fits 80 columns and names the holder."""
    name = f"sockwatch-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        with Stage() as stage:
            held = stage.hold(f"s = listen('127.0.0.1', {PORT})\nready()\nwait()\n",
                              "ip", "netns", "exec", name)
            verdict = _ask(name, f"0.0.0.0:{PORT}")
            problems = same("error", verdict.get("sockwatch.bind.error"), "EADDRINUSE")
            problems += same("reason", verdict["sockwatch.bind.reason"], "covers")
            text, wrong = text_of("--netns", name, "--bind", str(PORT))
            for word in (f"tcp *:{PORT} cannot be bound", f"held by python3[{held.pid}]",
                         f"named {name}", "IPV6_V6ONLY on the new socket"):
                if word not in text:
                    problems.append(f"no {word!r} in {text!r}")
            return problems + wrong
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def _refused(words, status, text):
    return case.refused(case.run(capture.SOCKWATCH, "who", *words), status, text)


def groups():
    return [
        *(Case(f"who-bind/{name}", _situation, *rest) for name, rest in SITUATIONS.items()),
        Case("who-bind/outgoing", _outgoing),
        Case("who-bind/privileged", _privileged, 1024),
        Case("who-bind/unprivileged", _privileged, 0),
        Case("who-bind/reserved", _reserved),
        Case("who-bind/not-here", _not_here),
        Case("who-bind/by-name", _by_name),
        Case("who-bind/no-netns", _refused, ["--bind", "80", "--netns", "no-such"], 1, "no-such"),
        Case("who-bind/no-endpoint", _refused, ["--bind", "nginx"], 2, "--bind"),
    ]
