# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Programs that were not written here, against what they themselves report."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import checker
from capture import Failed, Skipped, end_process, wait_for
from group import Group, Traffic

HOST = {"4": "127.0.0.1", "6": "::1"}
URL_HOST = {"4": "127.0.0.1", "6": "[::1]"}


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"{program} is not installed")


def start(netns, argv, **options):
    """Start a program in a namespace; the caller ends it."""
    return subprocess.Popen(argv, preexec_fn=netns.enter, stdin=subprocess.DEVNULL,
                            stdout=options.pop("stdout", subprocess.DEVNULL),
                            stderr=options.pop("stderr", subprocess.DEVNULL), **options)


def run(netns, argv):
    """Run a program in a namespace to its end. Returns (pid, what it wrote)."""
    process = start(netns, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{argv[0]} did not end within 60 s") from None
    if process.returncode != 0:
        raise Failed(f"{argv[0]} ended with {process.returncode}: {err.decode()[-300:]}")
    return process.pid, out.decode()


def listening(netns, port, proto="tcp"):
    """Wait until somebody listens on a port, without connecting to it."""
    waiting = re.compile(rf": \S+:{port:04X} \S+:0000 (0A|07) ")  # LISTEN, or UDP unconnected

    def look():
        with netns.inside():
            for name in (proto, proto + "6"):
                with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
                    if waiting.search(file.read()):
                        return True
        return False
    wait_for(f"a listener on port {port}", look)


def by_process(rows, wanted):
    """Problems: bytes of each process {pid: (name, tx, rx)} and nothing else in the namespace."""
    got = checker.sums(rows, lambda row: row.get(checker.PID))
    names = {row.get(checker.PID): row.get(checker.NAME) for row in rows}
    problems = []
    for pid, (name, tx, rx) in wanted.items():
        if names.get(pid) != name or got[pid] != [tx, rx]:
            problems.append(f"{name} (pid {pid}) moved tx {tx} rx {rx}, logged"
                            f" {names.get(pid)!a} tx {got[pid][0]} rx {got[pid][1]}")
    extra = {pid: v for pid, v in got.items() if pid not in wanted and any(v)}
    if extra:
        problems.append(f"not expected: {extra}")
    return problems


# ---- nginx with curl and wget ----

NGINX_CONF = """
daemon off; worker_processes 1; user root; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format bytes "$bytes_sent $request_length"; access_log {dir}/access.log bytes;
  client_body_temp_path {dir}/t; proxy_temp_path {dir}/t; fastcgi_temp_path {dir}/t;
  uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t;
  server {{
    listen 127.0.0.1:8081; listen [::1]:8081; root {dir}/www;
    location /sendfile/ {{ alias {dir}/www/; sendfile on; }}
    location /plain/ {{ alias {dir}/www/; sendfile off; }}
  }}
}}
"""
SMALL, LARGE = 1234, 7654321


class Nginx:
    def __init__(self, netns):
        self.dir = tempfile.mkdtemp(prefix="sockwatch-nginx-")
        os.mkdir(self.dir + "/www")
        for name, size in (("small", SMALL), ("large", LARGE)):
            with open(f"{self.dir}/www/{name}", "wb") as file:
                file.write(b"n" * size)
        with open(self.dir + "/conf", "w", encoding="ascii") as file:
            file.write(NGINX_CONF.format(dir=self.dir))
        self.process = start(netns, ["nginx", "-c", self.dir + "/conf",
                                     "-e", self.dir + "/error.log"])
        listening(netns, 8081)
        self.worker = wait_for("nginx's worker", self._child)

    def _child(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def served(self, requests):
        """What it wrote to its access log: (bytes sent, bytes of requests)."""
        def lines():
            with open(self.dir + "/access.log", encoding="ascii") as file:
                found = file.read().split("\n")[:-1]
            return found if len(found) >= requests else None
        counts = [list(map(int, line.split())) for line in wait_for("the access log", lines)]
        return sum(c[0] for c in counts), sum(c[1] for c in counts)

    def end(self):
        end_process(self.process, signal.SIGQUIT)
        shutil.rmtree(self.dir)


CURL_SAYS = "%{size_download} %{size_header} %{size_request}\n"


def curl(paths, family):
    def move(netns):
        need("nginx", "curl")
        nginx = Nginx(netns)
        try:
            argv = ["curl", "-sS", "-q", "-w", CURL_SAYS, f"-{family}"]
            for path in paths:
                argv += [f"http://{URL_HOST[family]}:8081/{path}", "-o", "/dev/null"]
            pid, out = run(netns, argv)
            served = nginx.served(len(paths))
        finally:
            nginx.end()
        says = [list(map(int, line.split())) for line in out.splitlines()]
        rx, tx = sum(s[0] + s[1] for s in says), sum(s[2] for s in says)
        if served != (rx, tx):
            raise Failed(f"curl says rx {rx} tx {tx}, nginx says tx and rx {served}")
        return lambda rows: by_process(rows, {
            pid: ("curl", tx, rx), nginx.worker: ("nginx", rx, tx)})
    return move


def wget(family):
    def move(netns):
        need("nginx", "wget")
        nginx = Nginx(netns)
        try:
            pid, _ = run(netns, ["wget", "-q", "-O", "/dev/null", f"-{family}", "--no-proxy",
                                 f"http://{URL_HOST[family]}:8081/sendfile/large"])
            tx, rx = nginx.served(1)
        finally:
            nginx.end()
        if not LARGE < tx < LARGE + 2000:
            raise Failed(f"nginx says it sent {tx} for a file of {LARGE}")
        return lambda rows: by_process(rows, {
            pid: ("wget", rx, tx), nginx.worker: ("nginx", tx, rx)})
    return move


# ---- redis ----

def redis_info(netns, family):
    """The server's own counters, over a connection of this process: (text, bytes of the reply)."""
    with netns.inside():
        sock = socket.create_connection((HOST[family], 6390))
    with sock:
        sock.sendall(b"INFO stats\r\n")
        data = b""
        while True:
            data += sock.recv(65536)
            head, mark, rest = data.partition(b"\r\n")
            if mark and len(rest) == int(head[1:]) + 2:
                return data.decode(), len(data)


def redis(family):
    def move(netns):
        need("redis-server", "redis-benchmark")
        where = tempfile.mkdtemp(prefix="sockwatch-redis-")
        server = start(netns, ["redis-server", "--port", "6390", "--bind", HOST[family],
                               "--save", "", "--appendonly", "no", "--dir", where])
        try:
            listening(netns, 6390)
            pid, _ = run(netns, ["redis-benchmark", "-h", HOST[family], "-p", "6390", "-q",
                                 "-n", "3000", "-c", "20", "-d", "1111", "-t", "set,get,lpush"])
            text, reply = redis_info(netns, family)
        finally:
            end_process(server)
            shutil.rmtree(where)
        query = len("INFO stats\r\n")
        rx = int(re.search(r"total_net_input_bytes:(\d+)", text)[1])
        tx = int(re.search(r"total_net_output_bytes:(\d+)", text)[1]) + reply
        me = own_name()
        return lambda rows: by_process(rows, {
            server.pid: ("redis-server", tx, rx),
            pid: ("redis-benchmark", rx - query, tx - reply),
            os.getpid(): (me, query, reply)})
    return move


def own_name():
    with open("/proc/self/comm", encoding="ascii") as file:
        return file.read().strip()


# ---- iperf3 ----

COOKIE = 37  # sent first on each TCP stream; iperf3 does not count it
DATAGRAM = 1400
HELLO = 4  # datagram each way at the start of a UDP stream, not counted either


UDP = ["-u", "-n", "5M", "-b", "200M", "-l", str(DATAGRAM)]


def iperf(options, family):
    def move(netns):
        need("iperf3")
        server = start(netns, ["iperf3", "-s", "-1", "-p", "5209", "-J", "-B", HOST[family]],
                       stdout=subprocess.PIPE)
        try:
            listening(netns, 5209)
            pid, out = run(netns, ["iperf3", f"-{family}", "-c", HOST[family], "-p", "5209", "-J",
                                   *options])
            theirs = json.loads(server.communicate(timeout=20)[0])
        finally:
            end_process(server)
        ours = json.loads(out)
        if "-u" in options:
            sent = (theirs if "-R" in options else ours)["end"]["streams"][0]["udp"]["bytes"]
            received = udp_received(netns)
            return lambda rows: udp_stream(rows, sent, received)
        return lambda rows: iperf_streams(rows, {pid: ours, server.pid: theirs}, "-R" in options)
    return move


def iperf_streams(rows, reports, reverse):
    """Each TCP stream against what each side says of it; the control connection is left out."""
    problems = []
    for (pid, report), is_client in zip(reports.items(), (True, False)):
        sends = is_client != reverse
        for connected, stream in zip(report["start"]["connected"], report["end"]["streams"]):
            wanted = [stream["sender"]["bytes"], 0] if sends else [0, stream["receiver"]["bytes"]]
            wanted[0 if is_client else 1] += COOKIE
            mine = [r for r in rows if r.get(checker.PID) == pid
                    and r.get(checker.LOCAL_PORT) == connected["local_port"]
                    and r.get(checker.PEER_PORT) == connected["remote_port"]]
            got = [sum(r.get(k, 0) for r in mine) for k in (checker.TX, checker.RX)]
            if got != wanted:
                problems.append(f"iperf3 pid {pid} port {connected['local_port']}: reported"
                                f" tx {wanted[0]} rx {wanted[1]}, logged tx {got[0]} rx {got[1]}")
    return problems + only_iperf(rows)


def only_iperf(rows):
    """A connection that nobody has accepted yet at the end of an interval has no process."""
    names = {r.get(checker.NAME) for r in rows
             if r.get("sockwatch.unattributed") != "not_accepted" or r[checker.RX_TOTAL]}
    return [] if names == {"iperf3"} else [f"process names should be iperf3 alone: {names}"]


def udp_received(netns):
    """Datagrams that were received by calls in a namespace, as the kernel counts them."""
    with netns.inside():
        with open("/proc/thread-self/net/snmp", encoding="ascii") as file:
            v4 = re.findall(r"^Udp: (\d+)", file.read(), re.M)
        with open("/proc/thread-self/net/snmp6", encoding="ascii") as file:
            v6 = re.findall(r"^Udp6InDatagrams\s+(\d+)", file.read(), re.M)
    return int(v4[0]) + int(v6[0])


def udp_stream(rows, sent, datagrams):
    """
    The sender says what it sent; a receiver goes on after it has counted, so what was received is
    what the kernel counted. All but the two greetings are of DATAGRAM bytes.
    """
    wanted = [sent + 2 * HELLO, (datagrams - 2) * DATAGRAM + 2 * HELLO]
    mine = [r for r in rows if r.get("network.transport") == "udp"]
    got = [sum(r.get(k, 0) for r in mine) for k in (checker.TX, checker.RX)]
    problems = only_iperf(rows)
    if got != wanted:
        problems.append(f"UDP moved tx {wanted[0]} rx {wanted[1]}, logged tx {got[0]} rx {got[1]}")
    return problems


# ---- socat ----

def socat(protocol, family, size):
    def move(netns):
        need("socat")
        where = tempfile.mkdtemp(prefix="sockwatch-socat-")
        with open(where + "/in", "wb") as file:
            file.write(b"s" * size)
        listen = "TCP-LISTEN" if protocol == "tcp" else "UDP-RECV"
        server = start(netns, ["socat", "-b", "1400", "-u",
                               f"{listen}:7070,pf=ip{family},bind={URL_HOST[family]}",
                               f"CREATE:{where}/out"])
        try:
            listening(netns, 7070, protocol)
            pid, _ = run(netns, ["socat", "-b", "1400", "-u", f"FILE:{where}/in",
                                 f"{protocol.upper()}{family}:{URL_HOST[family]}:7070"])
            wait_for("the file", lambda: os.path.getsize(where + "/out") == size)
        finally:
            end_process(server)
            shutil.rmtree(where)
        return lambda rows: by_process(rows, {
            pid: ("socat", size, 0), server.pid: ("socat", 0, size)})
    return move


def groups():
    traffics = []
    for f in "46":
        traffics += [
            Traffic(f"curl-nginx-small-{f}", curl(["plain/small"], f)),
            Traffic(f"curl-nginx-sendfile-{f}", curl(["sendfile/large"], f)),
            Traffic(f"curl-nginx-plain-{f}", curl(["plain/large"], f)),
            Traffic(f"curl-nginx-keepalive-{f}",
                    curl(["plain/small", "sendfile/large", "plain/none", "sendfile/small"], f)),
            Traffic(f"wget-nginx-{f}", wget(f)),
            Traffic(f"redis-benchmark-{f}", redis(f)),
            Traffic(f"iperf3-tcp-{f}", iperf(["-n", "200M"], f)),
            Traffic(f"iperf3-tcp-parallel-{f}", iperf(["-n", "100M", "-P", "4"], f)),
            Traffic(f"iperf3-tcp-reverse-{f}", iperf(["-n", "100M", "-R"], f)),
            Traffic(f"iperf3-tcp-zerocopy-{f}", iperf(["-n", "100M", "-Z"], f)),
            Traffic(f"iperf3-udp-{f}", iperf(UDP, f)),
            Traffic(f"iperf3-udp-reverse-{f}", iperf(UDP + ["-R"], f)),
            Traffic(f"socat-tcp-{f}", socat("tcp", f, 3000000)),
            Traffic(f"socat-udp-{f}", socat("udp", f, 20001)),
        ]
    return [Group("programs", traffics)]
