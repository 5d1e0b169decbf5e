#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
sockwatch on other kernels: Debian's packaged ones, booted in qemu without KVM. Needs no root.

    run.py [-k SUBSTRING] [--all] [--jobs N] [--list] [--self-check] [--shell KERNEL]

  debs.py    packages, with an apt configuration of our own, kept in the cache
  guest.py   root file system, qemu, what came out
  init.sh    the first process of the guest
  cases.sh   cases of the generator, in a network namespace there
  insns.c    what the verifier makes of each program
  judge.py   what came out against what must have happened: the checks of tests/root
  readme.py  what came out against the table of kernels in README.md
  test_judge.py  doctored results must not pass (--self-check: only this, without qemu)

BUILD is where the host's products are (build). The console of each guest is kept in BUILD/vm.
"""

import argparse
import collections
import concurrent.futures
import os
import platform
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
os.environ.update(SOCKWATCH=f"{BUILD}/sockwatch", GEN=f"{BUILD}/tests/root/gen")
sys.path.insert(0, os.path.join(ROOT, "tests", "root"))

from report import Report  # noqa: E402  tests/root/report.py
sys.path.insert(0, HERE)
import debs  # noqa: E402
import guest  # noqa: E402
import judge  # noqa: E402
import readme  # noqa: E402
import test_judge  # noqa: E402

# What must come out on a kernel: every byte, what can be seen without calls, or status 3 with a
# reason. The oldest kernel that counts is proven from both sides.
EXACT, DEGRADED, REFUSED = "exact", "degraded", "refused"
STATUS = {EXACT: 0, DEGRADED: 1, REFUSED: 3}  # of `check` and `selftest`
# boot: words for the kernel's command line. check: another status of `check`, which tells of more
# than the cases move.
Kernel = collections.namedtuple("Kernel", "name arch suites package expect boot check",
                                defaults=["", None])
KERNELS = [
    Kernel("5.10", "amd64", ["bullseye-security"], "linux-image-cloud-amd64", REFUSED),
    Kernel("6.1", "amd64", ["bookworm-security"], "linux-image-cloud-amd64", EXACT),
    Kernel("6.12", "amd64", ["bookworm-security"], "linux-image-6.12-cloud-amd64", EXACT),
    Kernel("6.12-preempt", "amd64", ["bookworm-security"], "linux-image-6.12-cloud-amd64", EXACT,
           "preempt=full"),
    Kernel("6.18", "amd64", ["trixie-backports"], "linux-image-6.18.*-cloud-amd64", EXACT),
    Kernel("newest", "amd64", ["trixie-backports"], "linux-image-cloud-amd64", EXACT,
           check=1),
    Kernel("6.1-arm64", "arm64", ["bookworm-security"], "linux-image-cloud-arm64", EXACT,
           check=1),
    Kernel("6.12-arm64", "arm64", ["bookworm-security"], "linux-image-6.12-cloud-arm64", EXACT),
]

# Runs of `sockwatch log` on a kernel with every case: for both address families, or for one of them
# (`turn` says which; --all: for both). kernels: names, or None for all. missing: what the notes must
# say is not seen, and no more.
Run = collections.namedtuple("Run", "label options kernels turn missing")
BOTH = None
RUNS = [
    Run("default", "", None, BOTH, ()),
    Run("fexit", "--hooks fexit", ("6.12", "6.12-preempt", "newest", "6.12-arm64"), 1, ()),
    Run("kprobe", "--hooks kprobe", ("6.1", "6.12"), 1, ()),
    Run("kprobe-only", "--hooks kprobe-only", ("6.1",), 0, ()),
    Run("no-trampoline", "--hooks no-trampoline", ("6.12", "newest"), 0, ()),
    Run("no-cgroup", "--hooks no-cgroup", ("6.1", "6.12", "newest"), 1,
        ("connects that fail before a SYN is sent", "peers that unconnected UDP sockets send to")),
    Run("degraded", "--hooks degraded", ("6.1", "6.12", "newest"), 0, judge.DEGRADED),
]

# Where busybox and what arm64 programs are built against come from.
BASE_SUITE, CROSS_ARCH, CROSS = "bookworm", "arm64", "aarch64-linux-gnu"
BOOT_S = 900  # a busy machine is given the time that it needs
WHOLE = ["log-is-valid", "nothing-lost", "nothing-else", "notes"]  # tests of a log as a whole
ALL = ["vm/oldest", "vm/alternatives"]  # tests of what all kernels together have shown
TABLE = "6.12"  # its other ways to run have lines in README.md too
MOVES = "newest"  # its version changes by itself

# What is kept of a kernel's packages: the kernel, and modules in the order in which they go in.
VMLINUZ = [(r"\./boot/vmlinuz-.*|\./usr/lib/modules/[^/]*/vmlinuz", "vmlinuz")]
MODULES = [(rf".*/{name}\.ko(\.xz)?", f"modules/{number:02}-{name}.ko") for number, name in
           enumerate(("libcrc32c", "udp_tunnel", "ip6_udp_tunnel", "sctp", "gf128mul",
                      "ghash-generic", "ctr", "crypto_null", "gcm", "tls"))]


class BuildFailed(Exception):
    """What the compiler said."""


class Programs:
    """What goes into a guest of an architecture, built and found once."""

    def __init__(self, arch):
        self.build, self.libraries = BUILD, []
        self.busybox, _ = debs.kept(debs.World([BASE_SUITE], arch), "busybox-static",
                                    [(r"\./(usr/)?bin/busybox", "busybox")])
        if arch == CROSS_ARCH and platform.machine() != "aarch64":
            self._cross()
        elif arch == "amd64" and platform.machine() != "x86_64":
            raise debs.Unavailable("programs for amd64 are only built on amd64")
        else:
            triple = debs.run(["gcc", "-print-multiarch"]).strip()
            self.libraries = [f"{d}/{triple}" for d in ("/lib", "/usr/lib")] + [
                "/usr/local/lib", "/lib64", "/usr/lib64"]

    def _cross(self):
        root = debs.sysroot(debs.World([BASE_SUITE], CROSS_ARCH), cross_packages())
        self.build = os.path.join(BUILD, "vm", CROSS_ARCH)
        self.libraries = [f"{root}/{d}/{CROSS}" for d in ("lib", "usr/lib")]
        tools = [shutil.which(tool) for tool in ("clang", "ld.lld", "llvm-ar", "pkg-config")]
        if not all(tools):
            raise debs.Unavailable("clang, lld, llvm or pkg-config is missing: run `make deps`")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment.update(PKG_CONFIG_SYSROOT_DIR=root,
                           PKG_CONFIG_LIBDIR=f"{root}/usr/lib/{CROSS}/pkgconfig")
        done = subprocess.run(
            ["make", "-C", ROOT, f"-j{os.cpu_count()}", f"O={self.build}", "LDFLAGS=-fuse-ld=lld",
             f"CC=clang --target={CROSS} --sysroot={root}", "AR=llvm-ar", "SAN=",
             *(f"{self.build}/{name}" for name in ("sockwatch", "tests/root/gen",
                                                   "tests/vm/insns"))],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            said = done.stdout.decode("utf-8", "replace").splitlines()
            wrong = [line for line in said if "rror" in line] or said[-5:]
            raise BuildFailed(f"the build for {CROSS_ARCH} failed: " + "; ".join(wrong[:5]))

    def tree(self):
        tree = guest.Tree()
        tree.file("bin/busybox", f"{self.busybox}/busybox")
        tree.link("bin/sh", "busybox")
        tree.file("init", f"{HERE}/init.sh")
        tree.text("etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
        tree.file("t/cases.sh", f"{HERE}/cases.sh")
        for path in ("sockwatch", "tests/root/gen", "tests/vm/insns"):
            tree.program(f"t/{os.path.basename(path)}", f"{self.build}/{path}", self.libraries)
        for name in ("sockwatch.bpf.o", "who.bpf.o"):
            tree.file(f"t/{name}", f"{self.build}/{name}")
        return tree


def made(thing, *arguments):
    """The thing, or why it cannot be had, which is then the same for all who want it."""
    try:
        return thing(*arguments)
    except (debs.Unavailable, BuildFailed) as reason:
        return reason


def cross_packages():
    """The libraries that tests/deps.sh lists to build with, and what a linker needs."""
    with open(os.path.join(ROOT, "tests", "deps.sh"), encoding="utf-8") as file:
        return ["libgcc-12-dev"] + re.findall(r"^\s+build\s+(\S+-dev)\s", file.read(), re.M)


def commands():
    """Those of `check` and `selftest` that the program has."""
    said = debs.run([os.environ["SOCKWATCH"], "--help"])
    return [c for c in ("check", "selftest") if re.search(rf"^ +{c}\s", said, re.M)]


# files: what came out of the guest by its path, None when nothing did.
Outcome = collections.namedtuple("Outcome", "files log console seconds")


class Row:
    """One kernel of the matrix."""

    def __init__(self, kernel, wanted, both=False):
        self.kernel, self.name, self.both = kernel, f"vm-{kernel.name}", both
        self.counts = kernel.expect != REFUSED
        self.known = judge.DEGRADED if kernel.expect == DEGRADED else ()
        self.release = self.refusal = None  # what the guest said
        self.ways = set()  # alternatives of hooks that its runs have used
        self.runs = [run for run in RUNS if kernel.name in (run.kernels or [kernel.name])
                     and (self.counts or run.kernels is None)]
        self.moved = {run.label: [case for case in self._cases(run)
                                  if wanted(f"{self._prefix(run)}/{case.name}-{case.family}")]
                      for run in self.runs}

    def _cases(self, run):
        if not self.counts:
            return []
        return judge.cases() if self.both or run.turn is BOTH else judge.half(run.turn)

    def _prefix(self, run):
        return self.name + ("" if run.label == "default" else f"+{run.label}")

    def names(self):
        own = ["boot", "vmlinux.h", "vmlinux.h-doctored", "kernel-log", *commands()]
        own += ["programs"] if self.counts else ["refused"]
        names = [f"{self.name}/{n}" for n in own]
        for run in self.runs if self.counts else []:
            cases = [f"{case.name}-{case.family}" for case in self._cases(run)]
            names += [f"{self._prefix(run)}/{n}" for n in cases + WHOLE]
        return names + [f"{self._prefix(run)}/README" for run in self._in_table()]

    def _in_table(self):
        return [run for run in self.runs if run.label == "default" or self.kernel.name == TABLE]

    def prepare(self, programs):
        """Kernel and root file system: (vmlinuz, folder in the cache, tree)."""
        guest.need(self.kernel.arch)
        world = debs.World(self.kernel.suites, self.kernel.arch)
        folder, note = debs.kept(world, self.kernel.package, VMLINUZ, MODULES)
        if note:
            print(f"# {self.name}: {note}")
        if self.kernel.arch not in programs:
            programs[self.kernel.arch] = made(Programs, self.kernel.arch)
        if isinstance(programs[self.kernel.arch], Exception):
            raise programs[self.kernel.arch]
        tree = programs[self.kernel.arch].tree()
        self._modules(world, folder, tree)
        return folder, tree

    def _modules(self, world, folder, tree):
        """Newer releases have them in another package."""
        try:
            if not os.path.isdir(f"{folder}/modules"):
                package = self.kernel.package.replace("-image-", "-modules-")
                folder, _ = debs.kept(world, package, MODULES[-1:], MODULES)
            for name in sorted(os.listdir(f"{folder}/modules")):
                tree.file(f"t/modules/{name}", f"{folder}/modules/{name}")
        except debs.Unavailable as reason:
            print(f"# {self.name}: without modules: {reason}")

    def boot(self, programs):
        """Make the guest and run it to its end. Returns what came out, an Outcome."""
        with debs.locked():
            folder, tree = self.prepare(programs)
        for run in self.runs:
            cases = self.moved[run.label]
            tree.text(f"t/cases/{run.label}", "".join(
                f"{case.name} {case.family} {case.count}\n" for case in cases
                if case.name not in judge.HELD))
            tree.text(f"t/held/{run.label}", "".join(
                f"{case.name} {case.family}\n" for case in cases if case.name in judge.HELD))
        tree.text("t/runs", "".join(f"{run.label} {run.options}\n" for run in self.runs
                                    if self.moved[run.label] or not self.counts))
        if self.counts:
            tree.text("t/programs", "")
        tree.text("t/commands", "\n".join(commands()))
        command, disk = self.command(folder, tree)
        began = time.monotonic()
        console = guest.boot(command, BOOT_S)
        seconds = time.monotonic() - began
        files = guest.results(disk)
        os.unlink(disk)
        log = write(f"{BUILD}/vm/{self.kernel.name}.log", console)
        return Outcome(files, log, console, seconds)

    def command(self, folder, tree):
        """The guest's command line, and the file that is its disk."""
        base = f"{BUILD}/vm/{self.kernel.name}"
        initrd = write(f"{base}.initrd", tree.packed())
        return guest.command(self.kernel.arch, f"{folder}/vmlinuz", initrd, f"{base}.disk",
                             self.kernel.boot), f"{base}.disk"

    def tell(self, outcome, report):
        """Print what came out of the guest."""
        if outcome.files is None:
            report.failed(f"{self.name}/boot", "no results", outcome.log)
            print("".join(f"    {line}\n" for line in
                          outcome.console.decode("utf-8", "replace").splitlines()[-20:]), end="")
            return
        results = f"{BUILD}/vm/{self.kernel.name}"
        shutil.rmtree(results, ignore_errors=True)
        for path, data in outcome.files.items():
            write(f"{results}/{path}", data)
        phases = ", ".join(judge.text(outcome.files, "phases").splitlines())
        self.release = judge.text(outcome.files, "release").strip()
        print(f"# {self.name}: {self.release} up {phases}; {outcome.seconds:.0f} s in all")
        report.result(f"{self.name}/boot", [])
        self.judge(outcome.files, report, results)

    def judge(self, files, report, results):
        def show(name, verdict):
            problems, lines = verdict
            print("".join(f"#   {line}\n" for line in lines), end="")
            report.result(f"{self.name}/{name}", problems, results)

        show("vmlinux.h", judge.vmlinux(f"{results}/btf"))
        show("vmlinux.h-doctored", judge.vmlinux(f"{results}/btf", "--self-check"))
        if self.counts:
            show("programs", judge.programs(files))
        show("kernel-log", judge.kernel_log(files))
        for command in commands():
            status = STATUS[self.kernel.expect]
            if command == "check" and self.kernel.check is not None:
                status = self.kernel.check
            show(command, judge.command(files, command, status))
        for run in self.runs:
            if not self.counts:
                show("refused", judge.refused(files, run.label))
                self.refusal = judge.text(files, f"{run.label}/said")
                self._table(files, run, False, report)
                continue
            moved = self.moved[run.label]
            if not moved:
                continue
            judged = judge.Judged(files, run.label, moved, run.missing + self.known)
            print("".join(f"#   {self._prefix(run)}: {note}\n" for note in judged.notes), end="")
            for name, kind, what in judged.verdicts:
                full = f"{self._prefix(run)}/{name}"
                if kind == "skipped":
                    report.skipped(full, what)
                else:
                    report.result(full, what, f"{results}/{run.label}/log.jsonl")
            if len(moved) == len(self._cases(run)):
                self._table(files, run, judged.exact, report)
                self.ways |= judge.ways(judge.check(files, run.label))

    def _table(self, files, run, exact, report):
        """README's line for a kernel, or for another way to run on it."""
        if run not in self._in_table():
            return
        found = readme.Found(self.release, self.kernel.arch, run.options or self.kernel.boot,
                             judge.check(files, run.label), exact)
        problems, lines = readme.problems(found, readme.lines(), self.kernel.name == MOVES)
        print("".join(f"#   {line}\n" for line in lines), end="")
        report.result(f"{self._prefix(run)}/README", problems)


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def shell(name):
    """A shell in the guest of a kernel, on this terminal; poweroff with its end."""
    kernel = next((k for k in KERNELS if k.name == name), None)
    if kernel is None:
        sys.exit(f"run.py: no such kernel: {name} ({' '.join(k.name for k in KERNELS)})")
    row = Row(kernel, lambda name: False)
    with debs.locked():
        folder, tree = row.prepare({})
    tree.text("t/shell", "")
    command, _ = row.command(folder, tree)
    os.execvp(command[0], command)


def parse_args():
    parser = argparse.ArgumentParser(description="sockwatch on other kernels, in qemu")
    parser.add_argument("-k", metavar="SUBSTRING", default="", help="only tests so named")
    parser.add_argument("--all", action="store_true", help="each case for IPv4 and for IPv6")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count(), 4),
                        metavar="N", help="so many guests at a time")
    parser.add_argument("--list", action="store_true", help="names of the tests")
    parser.add_argument("--self-check", action="store_true",
                        help="only the tests of the judges: no qemu, no packages")
    parser.add_argument("--shell", metavar="KERNEL", help="a shell in the guest of a kernel")
    return parser.parse_args()


def main():
    args = parse_args()
    report = Report(False)
    if args.self_check:
        test_judge.run(lambda name: args.k in name, report)
        return report.close()
    rows = [Row(kernel, lambda name: args.k in name, args.all) for kernel in KERNELS]
    if args.list:
        for row in rows:
            print(*(n for n in row.names() if args.k in n), sep="\n")
        print(*(n for n in ALL if args.k in n), sep="\n")
        return 0
    if args.shell:
        return shell(args.shell)
    rows = [row for row in rows if any(args.k in name for name in row.names())]
    boot_all(rows, args.jobs, report)
    told = [(row.release, row.kernel.arch, row.refusal) for row in rows if row.release]
    if any(said for _, _, said in told) and args.k in "vm/oldest":
        report.result("vm/oldest", readme.oldest(told, readme.lines()))
    if args.k in "vm/alternatives" and len(told) == len(KERNELS):
        report.result("vm/alternatives", judge.unused(set().union(*(row.ways for row in rows))))
    elif args.k in "vm/alternatives":
        report.skipped("vm/alternatives", "not all kernels were there to use them")
    return report.close()


def boot_all(rows, jobs, report):
    """So many at a time; told in order."""
    programs = {}
    with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
        booted = [pool.submit(row.boot, programs) for row in rows]
        for row, boot in zip(rows, booted):
            try:
                row.tell(boot.result(), report)
            except debs.Unavailable as reason:
                report.skipped(row.name, str(reason))
            except BuildFailed as error:
                report.failed(row.name, str(error))


if __name__ == "__main__":
    sys.exit(main())
