# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is loaded in the kernel, by whom, what it costs: bpf(2), and libbpf for our own objects."""

import collections
import contextlib
import ctypes
import os
import platform
import re
import struct

PROG_GET_NEXT_ID, LINK_GET_NEXT_ID = 11, 31
PROG_GET_FD_BY_ID, LINK_GET_FD_BY_ID = 13, 30
OBJ_GET_INFO_BY_FD, ENABLE_STATS, ITER_CREATE = 15, 32, 33
SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280}.get(platform.machine())
PROG_INFO_BYTES, LINK_INFO_BYTES = 232, 64
NAME_AT, RUN_TIME_AT = 64, 192  # in struct bpf_prog_info
LINK_RAW_TRACEPOINT, LINK_TRACING, LINK_CGROUP, LINK_PERF_EVENT = 1, 2, 3, 7
COUNTING_LINKS = (LINK_RAW_TRACEPOINT, LINK_TRACING, LINK_CGROUP, LINK_PERF_EVENT)

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    ret = _libc.syscall(SYSCALL, command, buffer, 128)
    if ret < 0:
        err = ctypes.get_errno()
        raise OSError(err, os.strerror(err))
    return ret, buffer.raw


def _ids(command):
    last = 0
    while True:
        try:
            last = struct.unpack_from("I", _bpf(command, struct.pack("I", last))[1], 4)[0]
        except FileNotFoundError:
            return
        yield last


@contextlib.contextmanager
def _by_id(command, number):
    fd = _bpf(command, struct.pack("I", number))[0]
    try:
        yield fd
    finally:
        os.close(fd)


def _info(fd, size):
    buffer = ctypes.create_string_buffer(size)
    _bpf(OBJ_GET_INFO_BY_FD, struct.pack("IIQ", fd, size, ctypes.addressof(buffer)))
    return buffer.raw


def counting_links():
    """Ids of all links of the machine that can cost a call something: whose ever they are."""
    found = set()
    for number in _ids(LINK_GET_NEXT_ID):
        try:
            with _by_id(LINK_GET_FD_BY_ID, number) as fd:
                if struct.unpack_from("I", _info(fd, LINK_INFO_BYTES))[0] in COUNTING_LINKS:
                    found.add(number)
        except BlockingIOError:  # is just being attached
            found.add(number)
        except FileNotFoundError:  # is gone
            pass
    return found


Cost = collections.namedtuple("Cost", "name run_ns runs")


def prog_cost(number):
    """Name and run-time statistics of a program."""
    with _by_id(PROG_GET_FD_BY_ID, number) as fd:
        info = _info(fd, PROG_INFO_BYTES)
    name = info[NAME_AT:NAME_AT + 16].split(b"\0")[0].decode()
    return Cost(name, *struct.unpack_from("QQ", info, RUN_TIME_AT))


@contextlib.contextmanager
def run_time_statistics():
    """The kernel times each run of each program meanwhile."""
    fd = _bpf(ENABLE_STATS, struct.pack("I", 0))[0]
    try:
        yield
    finally:
        os.close(fd)


def read_iterator(link):
    """Run the iterator of a link once. Returns bytes read."""
    total = 0
    with _by_id(LINK_GET_FD_BY_ID, link) as fd:
        iterator = _bpf(ITER_CREATE, struct.pack("II", fd, 0))[0]
    try:
        while True:
            try:
                got = len(os.read(iterator, 64 << 10))
            except BlockingIOError:
                continue
            if not got:
                return total
            total += got
    finally:
        os.close(iterator)


def cgroup_root():
    """Where the hierarchy of cgroup2 begins, or None."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            mount, kind = line.split(" - ", 1)
            if kind.startswith("cgroup2 "):
                return mount.split()[4]
    return None


class Holdings:
    """BPF objects that a process has descriptors of."""

    def __init__(self, pid):
        self.progs, self.links, self.maps = set(), {}, {}
        for name in os.listdir(f"/proc/{pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError):
                with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                    self._note(dict(re.findall(r"^(\w+):\s*(\S+)", file.read(), re.M)))

    def _note(self, fields):
        if "link_id" in fields:
            self.links[int(fields["link_id"])] = int(fields["prog_id"])
        elif "map_id" in fields:
            self.maps[int(fields["map_id"])] = int(fields["memlock"])
        elif "prog_id" in fields:
            self.progs.add(int(fields["prog_id"]))

    def map_bytes(self):
        return sum(self.maps.values())

    def costs(self):
        """{name: Cost} of its programs."""
        return {cost.name: cost for cost in map(prog_cost, self.progs)}

    def iterator(self, name):
        """Link of the iterator with a program of this name, or None."""
        for link, prog in self.links.items():
            if prog in self.progs and prog_cost(prog).name == name:
                return link
        return None


def _libbpf():
    lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
    for name, result, arguments in (
            ("bpf_object__open", ctypes.c_void_p, [ctypes.c_char_p]),
            ("bpf_object__load", ctypes.c_int, [ctypes.c_void_p]),
            ("bpf_object__close", None, [ctypes.c_void_p]),
            ("bpf_object__find_program_by_name", ctypes.c_void_p,
             [ctypes.c_void_p, ctypes.c_char_p]),
            ("bpf_object__find_map_by_name", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
            ("bpf_map__initial_value", ctypes.c_void_p,
             [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]),
            ("bpf_program__set_autoload", ctypes.c_int, [ctypes.c_void_p, ctypes.c_bool]),
            ("bpf_program__attach", ctypes.c_void_p, [ctypes.c_void_p]),
            ("bpf_program__attach_cgroup", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
            ("bpf_program__section_name", ctypes.c_char_p, [ctypes.c_void_p]),
            ("bpf_program__fd", ctypes.c_int, [ctypes.c_void_p]),
            ("bpf_link__destroy", ctypes.c_int, [ctypes.c_void_p])):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Object:
    """
    A BPF object file, loaded; its programs are attached and detached by name. optional: programs
    to be loaded that it leaves out by itself; words: {offset: 32 bits} to be set in its data.
    """

    def __init__(self, path, optional=(), words=None):
        self.lib = _libbpf()
        self.links = []
        self.object = self.lib.bpf_object__open(path.encode())
        if not self.object:
            raise OSError(ctypes.get_errno(), f"cannot read {path}")
        for name in optional:
            self.lib.bpf_program__set_autoload(self._program(name), True)
        for offset, word in (words or {}).items():
            self._set(offset, word)
        if self.lib.bpf_object__load(self.object):
            raise OSError(ctypes.get_errno(), f"the kernel refused {path}")

    def _set(self, offset, word):
        size = ctypes.c_size_t()
        data = self.lib.bpf_map__initial_value(
            self.lib.bpf_object__find_map_by_name(self.object, b".data"), ctypes.byref(size))
        ctypes.c_uint32.from_address(data + offset).value = word

    def _program(self, name):
        program = self.lib.bpf_object__find_program_by_name(self.object, name.encode())
        if not program:
            raise KeyError(name)
        return program

    def _attach(self, program):
        if not self.lib.bpf_program__section_name(program).startswith(b"cgroup/"):
            return self.lib.bpf_program__attach(program)
        root = os.open(cgroup_root(), os.O_RDONLY | os.O_DIRECTORY)
        try:
            return self.lib.bpf_program__attach_cgroup(program, root)
        finally:
            os.close(root)

    def attach(self, names):
        for name in names:
            link = self._attach(self._program(name))
            if not link:
                raise OSError(ctypes.get_errno(), f"cannot attach {name}")
            self.links.append(link)

    def detach(self):
        while self.links:
            self.lib.bpf_link__destroy(self.links.pop())

    def costs(self, names):
        """{name: Cost} of these programs."""
        costs = {}
        for name in names:
            info = _info(self.lib.bpf_program__fd(self._program(name)), PROG_INFO_BYTES)
            costs[name] = Cost(name, *struct.unpack_from("QQ", info, RUN_TIME_AT))
        return costs

    def close(self):
        self.detach()
        if self.object:
            self.lib.bpf_object__close(self.object)
        self.object = None
