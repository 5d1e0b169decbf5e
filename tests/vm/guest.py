# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A root file system in memory, a boot in qemu without KVM, and what came out of the guest."""

import os
import re
import shutil
import subprocess
import tarfile

import debs

# By Debian's name of the architecture. Processors that can little: what they can do beyond it is
# slow when it is emulated (a memcpy() by AVX2 takes three times as long).
MACHINES = {
    "amd64": ("qemu-system-x86_64", ["-M", "q35", "-cpu", "Nehalem"],
              "console=ttyS0 mitigations=off nokaslr tsc=reliable no_timer_check"),
    "arm64": ("qemu-system-aarch64", ["-M", "virt", "-cpu", "cortex-a72"], "console=ttyAMA0"),
}
# No time for clean pages and for waiting until the other processor has seen it all; and no alarm
# over time that passes because the machine is busy (above: no_timer_check).
APPEND = "quiet panic=-1 init_on_alloc=0 rcupdate.rcu_expedited=1 nowatchdog" \
         " rcupdate.rcu_cpu_stall_suppress=1"
DISK_SIZE = 1 << 28  # bytes, of which only those written take room


class Tree:
    """A cpio archive in the making, as the kernel unpacks it into its first file system."""

    def __init__(self):
        self._parts = []
        self._paths = set()

    def _add(self, path, mode, data=b""):
        self._paths.add(path)
        name = path.encode() + b"\0"
        fields = [len(self._paths), mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        for part in (head, data):
            self._parts.append(part + bytes(-len(part) % 4))

    def _folders(self, path):
        folder = os.path.dirname(path)
        if folder and folder not in self._paths:
            self._folders(folder)
            self._add(folder, 0o40755)

    def text(self, path, data, mode=0o644):
        self._folders(path)
        self._add(path, 0o100000 | mode, data.encode() if isinstance(data, str) else data)

    def file(self, path, source):
        with open(source, "rb") as file:
            self.text(path, file.read(), 0o755)

    def link(self, path, to):
        self._folders(path)
        self._add(path, 0o120777, to.encode())

    def program(self, path, source, libraries):
        """A program with its loader and the shared libraries it needs, looked for in folders."""
        self.file(path, source)
        head = debs.run(["readelf", "--wide", "--program-headers", source])
        loader = re.search(r"program interpreter: (/[^]]+)\]", head)
        if loader and loader.group(1)[1:] not in self._paths:
            name = os.path.basename(loader.group(1))
            self.file(loader.group(1)[1:], _find(name, libraries))
        self._libraries(source, libraries)

    def _libraries(self, source, libraries):
        dynamic = debs.run(["readelf", "--wide", "--dynamic", source])
        for name in re.findall(r"\(NEEDED\) .*\[([^]]+)\]", dynamic):
            if f"lib/{name}" not in self._paths:
                found = _find(name, libraries)
                self.file(f"lib/{name}", found)
                self._libraries(found, libraries)

    def packed(self):
        self._add("TRAILER!!!", 0)
        return b"".join(self._parts)


def _find(name, folders):
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise debs.Unavailable(f"{name} is in none of {' '.join(folders)}")


def need(arch):
    if not shutil.which(MACHINES[arch][0]):
        raise debs.Unavailable(f"{MACHINES[arch][0]} is missing: run `make deps check-vm`")


def command(arch, vmlinuz, initrd, disk, more):
    """disk: a file. An NVMe disk needs no module with any of Debian's kernels."""
    program, machine, append = MACHINES[arch]
    with open(disk, "wb") as file:
        file.truncate(DISK_SIZE)
    return [program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", *machine,
            "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024", "-serial", "stdio",
            "-drive", f"if=none,id=disk,format=raw,file={disk}",
            "-device", "nvme,drive=disk,serial=disk",
            "-kernel", vmlinuz, "-initrd", initrd, "-append", f"{append} {APPEND} {more}"]


def boot(command_line, seconds):
    """Run a guest to its end or for so long. Returns what its console said."""
    with subprocess.Popen(command_line, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0] + f"\nno end within {seconds} s\n".encode()


def results(disk):
    """{path: bytes} of the archive that the guest wrote on its disk; None when there is none."""
    try:
        with tarfile.open(disk, "r:") as tar:
            return {os.path.normpath(member.name): tar.extractfile(member).read()
                    for member in tar if member.isfile()} or None
    except tarfile.TarError:
        return None
