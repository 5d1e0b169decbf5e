# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sockwatch who`: every holder of a socket, in every namespace, however it came by it."""

import os
import re
import shutil
import socket
import subprocess
import tempfile

import capture
import case
from capture import Skipped, wait_for
from case import Case
from who_compare import compare
from who_rig import Stage, field, pids, same, text_of, who

PORT = 8080


def _forked():
    """Workers that accept, and a parent that only keeps the socket open."""
    program = f"""
s = listen("0.0.0.0", {PORT})
workers = []
for i in range(3):
    pid = os.fork()
    if not pid:
        s.accept()
        os._exit(0)
    workers.append(pid)
time.sleep(0.3)
ready(*workers)
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        workers = sorted(map(int, held.words))
        records = stage.who(str(PORT))
        problems = same("holders", pids(records), sorted([held.pid, *workers]))
        problems += same("who waits", sorted(r["process.pid"] for r in records
                                             if r["sockwatch.waits"]), workers)
        problems += same("stop", set(field(records, "sockwatch.stop")), {f"kill {held.pid}"})
        problems += same("parents", {r["sockwatch.parents"][0]["process.pid"] for r in records
                                     if r["process.pid"] in workers}, {held.pid})
        text, wrong = text_of(str(PORT))
        problems += wrong
        head = f"tcp 0.0.0.0:{PORT} held by python3[{held.pid}] +3. Stop it: kill {held.pid}"
        if head not in text:
            problems.append(f"no line {head!r} in {text!r}")
        got = case.run(capture.SOCKWATCH, "who", "-q", str(PORT))
        return problems + same("-q", sorted(map(int, got.out.split())), [held.pid] + workers)


def _waits(how, call):
    """A process that waits in epoll, poll or select is seen to wait; one that sleeps is not."""
    program = f"""
import select
s = listen("127.0.0.1", {PORT})
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", {PORT}))
if not os.fork():
    {call}
time.sleep(0.3)
ready()
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        records = stage.who(str(PORT))
        waiting = {(r["network.transport"], r["process.pid"] == held.pid): r["sockwatch.waits"]
                   for r in records}
        return same(how, waiting, {("tcp", True): False, ("tcp", False): True,
                                   ("udp", True): False, ("udp", False): True})


def _passed():
    """A socket that was sent to another process: first both have it, then it is on its way alone,
    then the other one has it."""
    program = f"""
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
pid = os.fork()
if not pid:
    sys.stdin.buffer.readline()
    s = socket.recv_fds(b, 16, 1)[1]
    ready()
    time.sleep(60)
s = listen("127.0.0.1", {PORT})
socket.send_fds(a, [b"x"], [s.fileno()])
s.close()
ready(pid)
time.sleep(60)
"""
    with Stage() as stage:
        held = stage.hold(program)
        child = int(held.words[0])
        records = stage.who(str(PORT))
        problems = same("on its way", pids(records), [])
        problems += same("records", field(records, "sockwatch.unattributed"), ["not_visible"])
        held.say()
        held.heard()
        return problems + same("arrived", pids(stage.who(str(PORT))), [child])


def _activated():
    """As a service manager does it: a socket that came by exec, and the manager still has it."""
    program = f"""
s = listen("::", {PORT})
os.dup2(s.fileno(), 9, True)
pid = os.fork()
if not pid:
    s.close()
    os.execvp("sleep", ["sleep", "60"])
time.sleep(0.3)
ready(pid)
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        records = stage.who(str(PORT))
        by_name = {r["process.name"]: r["process.pid"] for r in records}
        problems = same("holders", by_name, {"python3": held.pid, "sleep": int(held.words[0])})
        own = [r for r in records if r["process.name"] == "sleep"]
        problems += same("its fd", field(own, "sockwatch.fds"), [[9]])
        return problems + same("its command", field(own, "process.command_line"), ["sleep 60"])


def _group():
    """Sockets of several processes that share a port by SO_REUSEPORT are one answer."""
    program = f"""
s = listen("0.0.0.0", {PORT}, 16, (socket.SOL_SOCKET, socket.SO_REUSEPORT))
ready()
wait()
"""
    with Stage() as stage:
        held = [stage.hold(program) for _ in range(3)]
        records = stage.who(str(PORT))
        problems = same("holders", pids(records), sorted(h.pid for h in held))
        problems += same("members", field(records, "sockwatch.reuseport_members"), [3] * 3)
        problems += same("inodes", len(set(field(records, "sockwatch.inode"))), 3)
        text, wrong = text_of(str(PORT))
        if "3 sockets in one SO_REUSEPORT group" not in text:
            problems.append(f"no group in {text!r}")
        return problems + wrong


def _bound(host, options, bound, address, sockets="listen"):
    """Each way to bind is told apart."""
    program = f"""
s = {sockets}("{host}", {PORT}, 16, {options})
ready()
wait()
"""
    with Stage() as stage:
        stage.hold(program)
        records = stage.who(str(PORT))
        text, problems = text_of(str(PORT))
        problems += same("bound", field(records, "sockwatch.bound"), [bound])
        if f"tcp {address}:{PORT} " not in text:
            problems.append(f"no {address} in {text!r}")
        return problems


def _backlog():
    """Connections that nobody accepted are counted, and told as such with -v."""
    program = f"""
s = listen("127.0.0.1", {PORT}, 7)
c = [socket.create_connection(("127.0.0.1", {PORT})) for _ in range(3)]
taken = s.accept()
ready()
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        record = stage.who(f"tcp/{PORT}")[0]
        wanted = {"sockwatch.backlog": 2, "sockwatch.backlog_max": 7,
                  "sockwatch.connections.established": 3,
                  "sockwatch.connections.not_accepted": 2, "sockwatch.connections_held": 1,
                  "process.pid": held.pid}
        problems = same("counts", {name: record.get(name) for name in wanted}, wanted)
        states = sorted((r["sockwatch.state"], r.get("sockwatch.unattributed", "held"))
                        for r in stage.who("-v", str(PORT)) if r["network.local.port"] == PORT)
        return problems + same("-v", states, [
            ("established", "held"), ("established", "not_accepted"),
            ("established", "not_accepted"), ("listen", "held")])


def _time_wait():
    """What is left when all is closed says so, and how long it stays."""
    program = f"""
s = listen("127.0.0.1", {PORT})
c = socket.create_connection(("127.0.0.1", {PORT}))
a = s.accept()[0]
a.close()
c.recv(1)
c.close()
s.close()
ready()
wait()
"""
    with Stage() as stage:
        stage.hold(program)
        records = stage.who(str(PORT))
        problems = same("state", field(records, "sockwatch.state"), ["time_wait"])
        problems += same("holders", pids(records), [])
        left = records[0].get("sockwatch.left_ms", 0) if records else 0
        if not 50000 < left <= 60000:
            problems.append(f"{left} ms left, not nearly a minute")
        text, wrong = text_of(str(PORT))
        if f"tcp 127.0.0.1:{PORT} held by nobody: the last TIME_WAIT ends in" not in text:
            problems.append(f"no TIME_WAIT in {text!r}")
        return problems + wrong


def _orphan():
    """A socket that was closed with bytes to send belongs to nobody."""
    program = f"""
s = listen("127.0.0.1", {PORT})
c = socket.create_connection(("127.0.0.1", {PORT}))
a = s.accept()[0]
a.setblocking(False)
try:
    while True:
        a.send(b"x" * 65536)
except BlockingIOError:
    pass
a.close()
s.close()
ready()
wait()
"""
    with Stage() as stage:
        stage.hold(program)
        records = stage.who(str(PORT))
        problems = same("state", field(records, "sockwatch.state"), ["fin_wait_1"])
        return problems + same("why", field(records, "sockwatch.unattributed"), ["exited"])


def _kernel_socket():
    """A tunnel's socket is the kernel's own, by its name."""
    with Stage() as stage:
        with stage.netns.inside():
            made = subprocess.run(["ip", "link", "add", "vx0", "type", "vxlan", "id", "7",
                                   "dstport", "4789", "local", "127.0.0.1"], check=False,
                                  stderr=subprocess.PIPE)
            if made.returncode:
                raise Skipped(f"no vxlan here: {made.stderr.decode().strip()}")
            subprocess.run(["ip", "link", "set", "vx0", "up"], check=True)
        records = stage.who("udp/4789")
        problems = same("whose", field(records, "sockwatch.unattributed"), ["kernel"])
        return problems + same("name", field(records, "sockwatch.kernel_user"), ["VXLAN"])


def _nginx():
    """Workers and master, and the connections of each."""
    if not shutil.which("nginx"):
        raise Skipped("nginx is not installed")
    home = tempfile.mkdtemp(prefix="sockwatch-root-")
    conf = os.path.join(home, "nginx.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(f"worker_processes 2; daemon off; pid {home}/pid; error_log /dev/null;\n"
                   "user root;\n"
                   "events { worker_connections 64; }\n"
                   f"http {{ access_log off; server {{ listen 127.0.0.1:{PORT}; }} }}\n")
    try:
        with Stage() as stage:
            master = stage.run("nginx", "-p", home, "-c", conf)
            wait_for("two workers that wait",
                     lambda: sum(r["sockwatch.waits"] for r in stage.who(str(PORT))) == 2)
            with stage.netns.inside():
                clients = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(5)]
            wait_for("five connections", lambda: sum(
                r["sockwatch.connections_held"] for r in stage.who(str(PORT))) == 5)
            records = stage.who(str(PORT))
            problems = same("names", set(field(records, "process.name")), {"nginx"})
            problems += same("stop", set(field(records, "sockwatch.stop")),
                             {f"kill {master.pid}"})
            problems += same("waits", {r["process.pid"] == master.pid: r["sockwatch.waits"]
                                       for r in records}, {True: False, False: True})
            problems += same("established", set(field(
                records, "sockwatch.connections.established")), {5})
            text, wrong = text_of(str(PORT))
            if "nginx: master process" not in text or "accepts" not in text:
                problems.append(f"no master or no worker in {text!r}")
            for client in clients:
                client.close()
            return problems + wrong
    finally:
        shutil.rmtree(home)


def _other_namespaces():
    """A process in another network namespace with a name, and in a pid namespace of its own."""
    program = f"""
s = listen("127.0.0.1", {PORT})
ready(os.getpid())
wait()
"""
    name = f"sockwatch-{os.getpid()}"
    with Stage() as stage:
        path = os.path.join("/run/netns", name)
        os.makedirs("/run/netns", exist_ok=True)
        with open(path, "xb"):
            pass
        try:
            subprocess.run(["mount", "--bind", f"/proc/self/fd/{stage.netns.fd}", path],
                           check=True, pass_fds=[stage.netns.fd])
            held = stage.hold(program, "unshare", "-pf", "--mount-proc", "--kill-child")
            records = stage.who(str(PORT))
            problems = same("name", field(records, "sockwatch.netns_name"), [name])
            problems += same("own pid", field(records, "sockwatch.process_own_pid"),
                             [int(held.words[0])])
            problems += same("its parent", [r["process.parent_pid"] for r in records],
                             [held.pid])
            return problems + same("command", ["python3" in r["process.command_line"]
                                               for r in records], [True])
        finally:
            subprocess.run(["umount", path], check=False)
            os.unlink(path)


def _chroot():
    program = f"""
s = listen("127.0.0.1", {PORT})
os.chroot(sys.argv[1])
os.chdir("/")
ready()
wait()
"""
    home = tempfile.mkdtemp(prefix="sockwatch-root-")
    try:
        with Stage() as stage:
            stage.hold(program, argv=[home])
            return same("chroot", field(stage.who(str(PORT)), "sockwatch.chroot"), [home])
    finally:
        os.rmdir(home)


def _deleted():
    """A program that was replaced since it was started."""
    home = tempfile.mkdtemp(prefix="sockwatch-root-")
    copy = shutil.copy(shutil.which("socat"), os.path.join(home, "socat"))
    try:
        with Stage() as stage:
            stage.run(copy, f"TCP-LISTEN:{PORT},bind=127.0.0.1", "STDOUT")
            wait_for("its listener", lambda: stage.who(str(PORT)))
            os.unlink(copy)
            records = stage.who(str(PORT))
            problems = same("deleted", field(records, "sockwatch.exe_deleted"), [True])
            return problems + same("exe", field(records, "process.executable.path"), [copy])
    finally:
        shutil.rmtree(home)


def _hostile():
    """Names with all that a terminal obeys, and with newlines."""
    home = tempfile.mkdtemp(prefix="sockwatch-\x1b[31m\n")
    program = f"""
s = listen("127.0.0.1", {PORT})
name(b"a\\x1b[2Jb\\nc\\xffd")
ready()
wait()
"""
    try:
        with Stage() as stage:
            held = stage.hold(program, argv=["\x1b]0;title\x07", "line\nbreak", "\u202eright"],
                              cwd=home)
            record = stage.who(str(PORT))[0]
            problems = same("name", record["process.name"], "a\\x1b[2Jb\\x0ac\\xffd")
            text, wrong = text_of("-v", str(PORT))
            problems += wrong
            for word in (f"a\\x1b[2Jb\\x0ac\\xffd[{held.pid}]", "\\x1b]0;title\\x07"):
                if word not in text:
                    problems.append(f"no {word!r} in {text!r}")
            table = case.run(capture.SOCKWATCH, "who")
            if re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", table.out):
                problems.append("a control character in the table")
            return problems
    finally:
        os.rmdir(home)


def _by_process():
    """Asked by number or name of a process: all its sockets, connections too."""
    program = f"""
s = listen("127.0.0.1", {PORT})
c = socket.create_connection(("127.0.0.1", {PORT}))
a = s.accept()[0]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 5353))
name(b"who-by-name")
ready()
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        wanted = [("tcp", "established", PORT), ("tcp", "listen", PORT), ("udp", "open", 5353)]
        problems = []
        for word in (f"pid:{held.pid}", "name:who-by-name", "who-by-name"):
            records = stage.who(word)
            got = sorted((r["network.transport"], r["sockwatch.state"],
                          r["network.local.port"]) for r in records)
            got = [row for row in got if row[1] != "established" or row[2] == PORT]
            problems += same(word, got, wanted)
            problems += same(f"{word} alone", pids(records), [held.pid])
        return problems


def _words():
    """ADDR:PORT takes what is bound to it or to all; PROTO/PORT and names of services."""
    program = """
a = listen("127.0.0.1", 80)
b = listen("127.0.0.2", 80)
c = listen("::", 443, 16, (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
d = listen("::", 81)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 80))
ready()
wait()
"""
    cases = [("80", 3), ("tcp/80", 2), ("80/udp", 1), ("127.0.0.1:80", 2), ("127.0.0.2:80", 1),
             ("127.0.0.3:80", 0), ("[::1]:80", 0), ("[::1]:443", 1), ("127.0.0.1:443", 0),
             ("127.0.0.9:81", 1), ("tcp/127.0.0.1:80", 1), ("http", 3), ("*:80", 3), (":81", 1)]
    with Stage() as stage:
        stage.hold(program)
        problems = []
        for word, count in cases:
            problems += same(word, len(stage.who(word)), count)
        return problems + same("two words", len(stage.who("81", "443")), 2)


def _many():
    """Ten thousand sockets, each of them told, and one of them found."""
    program = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (12000, 12000))
held = []
for i in range(5000):
    held.append(listen("127.0.0.1", 10000 + i))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", 10000 + i))
    held.append(u)
ready()
wait()
"""
    with Stage() as stage:
        stage.hold(program)
        records = stage.who()
        problems = same("records", len(records), 10000)
        problems += same("ports", len({r["network.local.port"] for r in records}), 5000)
        return problems + same("one port", len(stage.who("12345")), 2)


def _churn():
    """Processes that end while they are asked about: an answer or none, and never a complaint."""
    program = f"""
s = listen("127.0.0.1", {PORT})
if not os.fork():
    while True:
        pid = os.fork()
        if not pid:
            time.sleep(0.002)
            os._exit(0)
        os.waitpid(pid, 0)
ready()
wait()
"""
    with Stage() as stage:
        held = stage.hold(program)
        problems = []
        for _ in range(30):
            records = stage.who(str(PORT))
            if held.pid not in pids(records):
                problems.append(f"{held.pid} is not among {pids(records)}")
            if len(records) > 3:
                problems.append(f"{len(records)} holders")
        return problems


def _nothing():
    """Nobody there: status 1; -q says nothing at all."""
    got = case.run(capture.SOCKWATCH, "who", "-q", "tcp/1")
    problems = same("-q", (got.status, got.out, got.err), (1, b"", ""))
    return problems + case.refused(case.run(capture.SOCKWATCH, "who", "tcp/1"), 1, "nothing there")


def _usage(word):
    return case.refused(case.run(capture.SOCKWATCH, "who", word), 2, "who: ")


def _as_nobody():
    """Without privilege: own processes, and it is said what is missing; of others, status 3."""
    program = capture.program_for_all()
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    others = case.run(*capture.as_nobody(), program, "who", str(port))
    problems = same("status of another's", others.status, 3)
    if "held by somebody else" not in others.out.decode() or "CAP_BPF" not in others.err:
        problems.append(f"not said: {others.out!r}, {others.err!r}")
    server.close()
    own = subprocess.Popen(
        [*capture.as_nobody(), "socat", f"TCP-LISTEN:{port},bind=127.0.0.1", "STDOUT"],
        stdin=subprocess.DEVNULL)
    try:
        wait_for("its listener", lambda: who(f"tcp/{port}"))
        got = case.run(*capture.as_nobody(), program, "who", "-q", str(port))
        return problems + same("own", (got.status, got.out.decode().split(), got.err),
                               (0, [str(own.pid)], ""))
    finally:
        capture.end_process(own)


V6ONLY = "(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)"
NO_V6ONLY = "(socket.SOL_SOCKET, socket.SO_REUSEADDR)"
BINDINGS = [
    ("loopback", "127.0.0.1", NO_V6ONLY, "loopback", "127.0.0.1"),
    ("loopback6", "::1", NO_V6ONLY, "loopback", "[::1]"),
    ("v4-wildcard", "0.0.0.0", NO_V6ONLY, "ipv4_wildcard", "0.0.0.0"),
    ("dual", "::", NO_V6ONLY, "dual_wildcard", "*"),
    ("v6only", "::", V6ONLY, "ipv6_wildcard", "[::]"),
]
WAYS = [
    ("epoll", "e = select.epoll(); [e.register(x, select.EPOLLIN) for x in (s, u)]; e.poll()"),
    ("poll", "p = select.poll(); [p.register(x, select.POLLIN) for x in (s, u)]; p.poll()"),
    ("select", "select.select([s, u], [], [])"),
]


def groups():
    return [
        Case("who/forked", _forked),
        *(Case(f"who/waits-in-{how}", _waits, how, call) for how, call in WAYS),
        Case("who/passed", _passed),
        Case("who/activated", _activated),
        Case("who/group", _group),
        *(Case(f"who/bound-{name}", _bound, *rest) for name, *rest in BINDINGS),
        Case("who/backlog", _backlog),
        Case("who/time-wait", _time_wait),
        Case("who/orphan", _orphan),
        Case("who/kernel-socket", _kernel_socket),
        Case("who/nginx", _nginx),
        Case("who/namespaces", _other_namespaces),
        Case("who/chroot", _chroot),
        Case("who/deleted", _deleted),
        Case("who/hostile", _hostile),
        Case("who/by-process", _by_process),
        Case("who/words", _words),
        Case("who/as-ss-and-lsof", compare),
        Case("who/many", _many),
        Case("who/churn", _churn),
        Case("who/nothing", _nothing),
        *(Case(f"who/usage{i}", _usage, word) for i, word in
          enumerate(["0", "1.2.3.4", "::1:80", "tcp/", "tcp/name:x", "pid:x", "name:", "\x1b[2J:80"])),
        Case("who/as-nobody", _as_nobody),
    ]
