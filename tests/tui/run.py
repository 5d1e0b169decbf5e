#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The live view in a real terminal: tmux types the keys and reads the screen.

    run.py [-k SUBSTRING] [--list]

Runs $SOCKWATCH (default build/sockwatch) as root on this host's real traffic. Prints one line a
test and a closing line; exit 1 when a test failed, 77 when tmux or root is missing.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "root"))

from capture import Failed  # noqa: E402  tests/root
from report import Report, options  # noqa: E402

SOCKWATCH = os.path.abspath(os.environ.get("SOCKWATCH", "build/sockwatch"))
PATIENCE = 15  # seconds until what must appear is missing
TEXT = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


class Terminal:
    """A shell in a tmux server of its own: no configuration, no status line."""

    servers = 0

    def __init__(self, cols=80, rows=24):
        Terminal.servers += 1  # one that is still going down takes no sessions
        self.name = "sockwatch-test-%d-%d" % (os.getpid(), Terminal.servers)
        shell = "bash --norc --noprofile"
        env = dict(os.environ, **TEXT)
        env.pop("TMUX", None)
        self.env = env
        subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", "new-session", "-d", "-x", str(cols),
                        "-y", str(rows), shell], check=True, env=env)
        self.tmux("set", "-g", "status", "off")
        self.wait(r"[$#]", "prompt")
        self.run_line("unset NO_COLOR")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-L", self.name, *args], check=True, env=self.env, text=True,
                              stdout=subprocess.PIPE).stdout

    def close(self):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], env=self.env, stderr=subprocess.DEVNULL)

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def run_line(self, line):
        self.tmux("send-keys", "-l", line)
        self.keys("Enter")

    def screen(self, attrs=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if attrs else []))

    def lines(self):
        return self.screen().split("\n")

    def resize(self, cols, rows):
        self.tmux("resize-window", "-x", str(cols), "-y", str(rows))

    def wait(self, pattern, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while True:
            text = self.screen()
            if re.search(pattern, text.rstrip("\n"), re.M):
                return text
            if time.monotonic() > end:
                raise Failed("no %s on the screen:\n%s" % (what, text))
            time.sleep(0.05)

    def settings(self):
        """What stty says, and whether the screen is the normal one with a visible cursor."""
        self.run_line("clear; stty -a | tr '\\n' ' ' | md5sum")
        digest = re.search(r"^([0-9a-f]{32})", self.wait(r"^[0-9a-f]{32}", "settings"), re.M).group(1)
        flags = self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{keypad_flag}")
        return digest + " " + flags.strip()

    def pid(self):
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        out = subprocess.run(["pgrep", "-P", shell, "-x", "sockwatch"], stdout=subprocess.PIPE, text=True)
        if not out.stdout.strip():
            raise Failed("sockwatch is not running:\n" + self.screen())
        return int(out.stdout.split()[0])

    def start(self, args="-d 0.5", before=""):
        self.run_line("clear; %s'%s' %s; echo status=$?" % (before, SOCKWATCH, args))
        self.wait(r"1 ?Proc\w* \d+", "tab of processes")

    def status(self):
        return int(re.search(r"status=(\d+)$", self.wait(r"^status=\d+$", "exit status"), re.M).group(1))

    def quit(self):
        self.keys("q")
        status = self.status()
        if status != 0:
            raise Failed("exit status %d after q" % status)


class Traffic(threading.Thread):
    """A server and a client of this process that send 20 kB a second to each other."""

    def __init__(self):
        super().__init__(daemon=True)
        server = socket.create_server(("127.0.0.1", 0))
        self.port = server.getsockname()[1]
        self.client = socket.create_connection(("127.0.0.1", self.port))
        self.server = server.accept()[0]
        self.listener = server
        self.over = False

    def run(self):
        while not self.over:
            self.client.sendall(b"x" * 1000)
            self.server.recv(1000, socket.MSG_WAITALL)
            time.sleep(0.05)


def expect(condition, message):
    if not condition:
        raise Failed(message)


def test_three_views(t, traffic):
    t.start()
    t.resize(80, 200)  # whatever else this host is doing
    t.keys("s")
    t.wait(r"^ +%d \S+ " % os.getpid(), "row of this process")
    t.keys("Tab")
    t.wait(r"^PORT ", "view of ports")
    t.wait(r"^%d/tcp .* server " % traffic.port, "row of our port")
    t.keys("3")
    t.wait(r"^PROCESS .*PEER", "view of connections")
    t.wait(r"127\.0\.0\.1:%d\b" % traffic.port, "row of our connection")
    t.keys("BTab")
    t.wait(r"^PORT ", "view of ports")
    t.keys("1")
    t.wait(r"^ +PID PROCESS", "view of processes")
    t.quit()


def test_filter(t, traffic):
    words = "tcp port %d and pid %d" % (traffic.port, os.getpid())  # others may use the port, too
    t.start("-d 0.5 " + words)
    t.wait(r"filter: %s\b" % words, "filter in the header")
    t.resize(200, 24)  # with counts of all views
    t.wait(r"1 Processes 1  2 Ports 2  3 Connections 3 ", "no more than what matches")
    t.wait(r"^ +%d \S+ " % os.getpid(), "row of this process")
    t.quit()


def test_all_views(t, traffic):
    t.start()
    titles = [r"^ +PID PROCESS", r"^PORT ", r"^PROCESS .*PEER", r"^LISTENER ", r"^HOST ", r"^USER ",
              r"^UNIT ", r"^ +NETNS ", r"^PROCESS .*ERROR"]
    for key, title in enumerate(titles, 1):
        t.keys(str(key))
        t.wait(title, "view %d" % key)
    t.keys("4")
    t.wait(r"^127\.0\.0\.1:%d/tcp .* [1-9]\d* " % traffic.port, "listener with what it accepted")
    t.quit()


def test_into(t, traffic):
    t.start("pid %d" % os.getpid())
    t.resize(120, 30)
    t.keys("4")
    t.wait(r"^127\.0\.0\.1:%d/tcp " % traffic.port, "our listener")
    t.keys("/", *("%d/tcp" % traffic.port), "Enter", "Enter")
    t.wait(r"in listener 127\.0\.0\.1:%d/tcp" % traffic.port, "way into the row")
    t.wait(r"^PROCESS .*PEER", "view of connections")
    t.wait(r"127\.0\.0\.1:%d +127\.0\.0\.1:" % traffic.port, "what it accepted")
    t.keys("Escape")
    t.wait(r"^LISTENER ", "view of listeners again")
    t.quit()


def test_tree(t, traffic):
    t.start("pid %d" % os.getpid())
    t.resize(120, 30)
    t.keys("t")
    t.wait(r"├─ tcp 127\.0\.0\.1:%d < 127\.0\.0\.1:\d+ established" % traffic.port, "connection under us")
    t.wait(r"├─ tcp 127\.0\.0\.1:%d listen" % traffic.port, "listener under us")
    t.quit()


def ss(*args):
    return subprocess.run(["ss", "-H", "-n", "-O", *args], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def stuck_connection():
    """A listener, its backlog of two, and a connection whose reader does not read."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=7)
    client = socket.create_connection(listener.getsockname())
    reader = listener.accept()[0]
    waiting = [socket.create_connection(listener.getsockname()) for _ in range(2)]
    client.setblocking(False)
    try:
        while True:
            client.send(b"x" * 65536)
    except BlockingIOError:
        pass
    return listener, client, reader, waiting


def number(pattern, text):
    found = re.search(pattern, text, re.S)
    expect(found, "no %s in: %s" % (pattern, text))
    return float(found[1].replace(",", ""))


def compare_tcp(screen, said):
    """What the pane says of a connection that stands still against what ss says of it."""
    queues = said.split()
    expect(number(r"receive ([\d,]+) bytes", screen) == int(queues[1]), "receive queue, ss: " + said)
    expect(number(r"send ([\d,]+) bytes", screen) == int(queues[2]), "send queue, ss: " + said)
    expect(number(r"cwnd (\d+)", screen) == number(r" cwnd:(\d+)", said), "cwnd, ss: " + said)
    expect(number(r"packets of (\d+) bytes", screen) == number(r" mss:(\d+)", said), "mss, ss: " + said)
    for pattern, theirs in ((r"rtt +([\d.]+) ms", r" rtt:([\d.]+)/"),
                            (r"varies by ([\d.]+) ms", r" rtt:[\d.]+/([\d.]+)"),
                            (r"least ([\d.]+) ms", r" minrtt:([\d.]+)")):
        ours, kernel = number(pattern, screen), number(theirs, said)
        expect(abs(ours - kernel) <= 0.002 + kernel / 100, "%s, ss: %s" % (pattern, said))
    retrans = re.search(r" retrans:\d+/(\d+)", said)
    expect(number(r"under way, (\d+) in all", screen) == (int(retrans[1]) if retrans else 0),
           "retransmits, ss: " + said)


def test_detail(t, _):
    listener, client, reader, waiting = stuck_connection()
    port, own = listener.getsockname()[1], client.getsockname()[1]
    t.start("-d 0.5 port %d and port %d and role client" % (port, own))
    t.resize(150, 50)
    t.keys("3")
    t.wait(r"127\.0\.0\.1:%d +127\.0\.0\.1:%d" % (own, port), "row of the connection")
    t.keys("Enter")
    t.wait(r"is the client: it opened this connection\s+to TCP port %d" % port, "sentence")
    t.wait(r"held by +\S+\[%d\] fd %d$" % (os.getpid(), client.fileno()), "holder")
    t.wait(r"waits for +the receiver", "what it waits for")
    screen = t.wait(r"time +sending \d+%, receiver full (\d\d|100)%", "what the time goes to")
    compare_tcp(screen, ss("-tinm", "sport = :%d and dport = :%d" % (own, port)))
    t.keys("Escape")
    t.wait(r"^PROCESS .*PEER", "table again")
    t.quit()
    t.start("-d 0.5 port %d and role listener" % port)
    t.keys("3", "Enter")
    t.wait(r"is a server: it waits for clients at TCP port %d" % port, "sentence")
    t.wait(r"backlog +2 now, at most 7, overflows and other refusals 0", "backlog")
    t.keys("Escape")
    t.wait(r"^PROCESS .*PEER", "table again")
    t.quit()
    for sock in (listener, client, reader, *waiting):
        sock.close()


def test_filter_line(t, traffic):
    t.start()
    t.keys("3", "\\", *("port %d and prot" % traffic.port))
    t.wait(r"unknown word .prot. at column \d+", "what is wrong, and where")
    t.wait(r"filter: port %d" % traffic.port, "what was right until then")
    t.keys("C-w", "C-w", "Enter")
    t.wait(r"127\.0\.0\.1:%d\b" % traffic.port, "row of our connection")
    t.wait(r"^\? Help", "hints again")
    t.keys("\\", "Escape")
    t.wait(r"(?s)\A(?!.*filter:)", "no filter in the header")
    t.quit()


def test_help(t, _):
    t.start()
    t.keys("?")
    text = t.wait(r"What is counted", "help")
    expect("q F10 Ctrl-C" in text, "help lacks the keys:\n" + text)
    t.keys("Escape")
    t.wait(r"^ +PID PROCESS", "table after Esc")
    t.keys("F1")
    t.wait(r"What is counted", "help by F1")
    t.keys("x")
    t.wait(r"^ +PID PROCESS", "table after a key")
    t.quit()


def test_sort(t, _):
    t.start()
    t.keys("r")
    t.wait(r"▼RX/s", "mark at RX/s")
    t.keys("R")
    t.wait(r"▲RX/s", "mark at RX/s, reversed")
    t.keys("s")
    t.wait(r"▼TX/s", "mark at TX/s")
    t.keys("a")
    t.wait(r"(sorted )?by activity ▼", "order by activity")
    t.quit()


def test_pause(t, _):
    t.start()
    t.wait(r" \d\d:\d\d:\d\d ", "clock")
    t.keys("Space")
    clock = re.search(r"PAUSED.* (\d\d:\d\d:\d\d) ", t.wait(r"PAUSED", "PAUSED")).group(1)
    text = t.wait(r"PAUSED (2|3)", "age of the picture")
    expect(clock in text, "the picture moved on:\n" + text)
    t.keys("P")
    time.sleep(1.2)
    expect("PAUSED" not in t.screen(), "still PAUSED")
    t.quit()


def test_delay(t, _):
    t.start()
    t.wait(r"every 0\.5s", "interval")
    t.keys("+")
    t.wait(r"every 0\.25s", "shorter interval")
    t.keys("-", "-")
    t.wait(r"every 1s", "longer interval")
    t.quit()


def counts_runs(pid):
    """Whether a process has the kernel count the runs of BPF programs."""
    links = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            links.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except FileNotFoundError:
            pass
    return "anon_inode:bpf-stats" in links


def test_own_cost(t, _):
    """i: what the programs cost is counted while it is shown, and no longer."""
    t.start()
    expect(not counts_runs(t.pid()), "counted before it was asked for")
    t.keys("i")
    t.wait(r"^programs [\d.]+% of a core  \d+ ns/event  \d+ events/s", "cost of the programs")
    expect(counts_runs(t.pid()), "shown, but not counted")
    t.resize(40, 10)
    t.wait(r"^programs [\d.]+% of a core  \d+ ns/event\nown [\d.]+%  \S+ RSS  \S+ rec/s  lost 0", "all of it")
    t.keys("i")
    t.wait(r"^TX .*\n 1 ?Proc", "header without it")
    expect(not counts_runs(t.pid()), "still counted")
    t.quit()


def test_budget(t, _):
    t.start("-d 0.1 --cpu-budget 0.01")
    t.wait(r"every [\d.]+s: (over )?CPU budget 0\.01%$", "what the budget does")
    t.quit()


def test_start(t, _):
    """-v says where the time of the start went once the terminal is free again."""
    t.resize(160, 24)
    t.start("-v")
    t.quit()
    t.wait(r"^sockwatch: start [\d.]+ ms: probe .*first screen [\d.]+$", "times of the start")


def test_quit_restores(t, _):
    before = t.settings()
    for keys in (["q"], ["F10"], ["C-c"]):
        t.start()
        t.keys(*keys)
        status = t.status()
        expect(status == 0, "exit status %d after %s" % (status, keys))
        after = t.settings()
        expect(after == before, "terminal after %s: %s, before: %s" % (keys, after, before))


def test_resize(t, _):
    t.start()
    for cols, rows, pattern in ((40, 10, r"1 ?Proc \d+"), (200, 50, r"LISTEN FAILED"), (10, 3, r"too small"),
                                (1, 2, r"\At$"), (20, 5, r"1 ?Proc"), (19, 5, r"too small"),
                                (80, 24, r"1 ?Proc\w* \d+")):
        t.resize(cols, rows)
        t.wait(pattern, "screen of %dx%d" % (cols, rows))
        t.keys("j")
        t.pid()
    for i in range(40):
        t.resize(20 + i * 7 % 150, 5 + i * 11 % 50)
    t.resize(80, 24)
    t.wait(r"1 ?Proc\w* \d+ .*\n +PID PROCESS", "screen after many sizes")
    for line in t.lines():
        expect(not re.search(r"\x1b", line), "an escape on the screen")
    t.quit()


def test_single_column(t, _):
    """All but the last cell, which curses cannot reach there without moving what is left of it."""
    t.start()
    for cols, rows, screen in ((10, 3, "too small\n10x3, need\nq quits\n"), (1, 1, "\n"),
                               (2, 1, "to\n"), (1, 2, "t\n\n")):
        t.resize(cols, rows)
        time.sleep(1.2)  # over two ticks
        expect(t.screen() == screen, "%dx%d has %r" % (cols, rows, t.screen()))
        t.pid()
    t.resize(80, 24)
    t.wait(r"1 ?Proc\w* \d+ .*\n +PID PROCESS", "screen after a single column")
    t.quit()


def test_sigterm(t, _):
    before = t.settings()
    t.start()
    os.kill(t.pid(), signal.SIGTERM)
    status = t.status()
    expect(status == 0, "exit status %d after SIGTERM" % status)
    after = t.settings()
    expect(after == before, "terminal after SIGTERM: %s, before: %s" % (after, before))


def test_suspend(t, _):
    before = t.settings()
    t.start()
    t.keys("C-z")
    t.wait(r"Stopped", "word of the shell that it stopped")
    during = t.settings()
    expect(during == before, "terminal while stopped: %s, before: %s" % (during, before))
    t.run_line("clear; fg")
    t.wait(r"1 ?Proc\w* \d+", "screen after fg")
    t.keys("2")
    t.wait(r"^PORT ", "view of ports after fg")
    t.keys("q")
    time.sleep(0.5)
    after = t.settings()
    expect(after == before, "terminal after fg and q: %s, before: %s" % (after, before))


def test_crash(t, _):
    before = t.settings()
    t.start(before="ulimit -c 0; ")
    os.kill(t.pid(), signal.SIGSEGV)
    status = t.status()
    expect(status == 128 + signal.SIGSEGV, "exit status %d after SIGSEGV" % status)
    after = t.settings()
    expect(after == before, "terminal after SIGSEGV: %s, before: %s" % (after, before))


def test_hangup(t, _):
    """The terminal goes away: sockwatch ends, and does not spin."""
    t.start()
    pid = t.pid()
    t.close()
    end = time.monotonic() + PATIENCE
    while os.path.exists("/proc/%d" % pid):
        expect(time.monotonic() < end, "still running without a terminal")
        time.sleep(0.05)


def test_read_only_hint(t, _):
    t.start()
    t.keys("F9")
    t.wait(r"read-only", "hint of F9")
    t.quit()


def test_no_color(t, _):
    t.start(before="NO_COLOR=1 ")
    t.keys("s")
    t.wait(r"▼TX/s", "mark at TX/s")
    colors = [c for c in re.findall(r"\x1b\[[0-9;]*m", t.screen(attrs=True)) if re.search(r"[;\[]3[0-7]\b", c)]
    expect(not colors, "colours in spite of NO_COLOR: %r" % colors)
    t.quit()


def test_hostile_name(t, _):
    """A process whose name is an escape sequence, a line feed and a bidi override."""
    code = ("import socket,time,ctypes\n"
            "ctypes.CDLL(None).prctl(15, b'\\x1b[31m\\n\\xe2\\x80\\xaeZ')\n"
            "s = socket.create_server(('127.0.0.1', 0))\ntime.sleep(60)\n")
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        t.start()
        t.keys("a", ">", ">")  # by name: ESC stands before all letters
        t.wait(r"(sorted )?by PROCESS ▲", "order by name")
        t.resize(120, 24)
        t.wait(r"%d \\x1b\[31m\\x0a\\u\{202e\}Z" % child.pid, "sanitised name")
        t.quit()
    finally:
        child.kill()
        child.wait()


def missing():
    if not shutil.which("tmux"):
        return "tmux is not installed"
    if os.geteuid() != 0:
        return "not root"
    if not os.access(SOCKWATCH, os.X_OK):
        return "%s is not built" % SOCKWATCH
    return None


def run_one(name, test, traffic, report):
    terminal = None
    try:
        with report.verdict(name):
            terminal = Terminal()
            test(terminal, traffic)
            report.result(name, [])
    finally:
        if terminal:
            terminal.close()


def main():
    args = options("sockwatch in a terminal").parse_args()
    tests = {f"tui/{k[5:].replace('_', '-')}": v for k, v in globals().items() if k.startswith("test_")}
    tests = {name: test for name, test in tests.items() if args.k in name}
    if args.list:
        print(*tests, sep="\n")
        return 0
    why = missing()
    if why:
        print("skip tui: %s" % why)
        print("0 passed, 0 failed, %d skipped" % len(tests))
        return 77
    report = Report()
    traffic = Traffic()
    traffic.start()
    for name, test in tests.items():
        run_one(name, test, traffic, report)
    traffic.over = True
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
