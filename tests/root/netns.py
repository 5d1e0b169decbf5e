# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A fresh network namespace with loopback up, for processes and sockets of a test."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(ret):
    if ret != 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))


def _set_up(interface):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh22x", interface.encode(), 0)
        name, flags = struct.unpack("16sh22x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh22x", name, flags | IFF_UP))


def _sysctl(name, value):
    try:
        with open("/proc/sys/" + name, "w", encoding="ascii") as file:
            file.write(value)
    except OSError:
        pass  # the case that needs it is skipped, and says why


class Netns:
    """Lives as long as this object is open or a process or socket is in it."""

    def __init__(self):
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.unshare(CLONE_NEWNET))
            self.fd = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            _set_up("lo")
            _sysctl("net/ipv4/tcp_fastopen", "3")
            _sysctl("net/ipv4/ping_group_range", "0 0")
        finally:
            _check(_libc.setns(home, CLONE_NEWNET))
            os.close(home)
        self.inode = os.fstat(self.fd).st_ino

    def enter(self):
        """Move the calling process in: for preexec_fn."""
        _check(_libc.setns(self.fd, CLONE_NEWNET))

    @contextlib.contextmanager
    def inside(self):
        """Sockets made meanwhile belong to this namespace."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.enter()
            yield self
        finally:
            _check(_libc.setns(home, CLONE_NEWNET))
            os.close(home)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
