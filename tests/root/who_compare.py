# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`sockwatch who` against ss and lsof, in a namespace where these see all."""

import re
import subprocess

from who_rig import Stage, same

PROGRAM = """
V6 = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
held = [listen("127.0.0.1", 1001), listen("0.0.0.0", 1002), listen("::1", 1003),
        listen("::", 1004), listen("::", 1005, 5, V6)]
for family, host, port in ((socket.AF_INET, "127.0.0.1", 2001), (socket.AF_INET6, "::", 2002)):
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.bind((host, port))
    held.append(u)
if not os.fork():
    held.append(listen("127.0.0.1", 1006))
    ready()
    wait()
time.sleep(60)
"""


def _as_ss_has_it():
    """{(protocol, port, pid, fd)} of all listeners."""
    text = subprocess.run(["ss", "-tulpnH"], check=True, stdout=subprocess.PIPE, text=True).stdout
    listed = set()
    for line in text.splitlines():
        words = line.split()
        port = int(words[4].rsplit(":", 1)[1])
        listed |= {(words[0], port, int(pid), int(fd))
                   for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line)}
    return listed


def _as_lsof_has_it():
    text = subprocess.run(["lsof", "-nP", "-i", "-F", "pfPn"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    listed, pid, fd, protocol = set(), 0, 0, ""
    for line in text.splitlines():
        kind, value = line[0], line[1:]
        if kind == "p":
            pid = int(value)
        elif kind == "f":
            fd = int(value) if value.isdigit() else -1
        elif kind == "P":
            protocol = value.lower()
        elif kind == "n" and "->" not in value and value.rsplit(":", 1)[1].isdigit():
            listed.add((protocol, int(value.rsplit(":", 1)[1]), pid, fd))
    return listed


def compare():
    """All listeners: address, process and descriptor."""
    with Stage() as stage:
        stage.hold(PROGRAM)
        ours = {(r["network.transport"], r["network.local.port"], r["process.pid"], fd)
                for r in stage.who() for fd in r["sockwatch.fds"]}
        with stage.netns.inside():
            ss, lsof = _as_ss_has_it(), _as_lsof_has_it()
    problems = same("some", len(ours) > 8, True) + same("as ss", sorted(ours ^ ss), [])
    return problems + same("as lsof", sorted(ours - lsof), [])
