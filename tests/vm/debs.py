# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Debian packages of other releases and architectures, without a trace on the host: apt works with
a configuration, lists and a cache of our own below CACHE. Only where the archives are is learnt
from the host's apt.
"""

import contextlib
import fcntl
import fnmatch
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import time

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "sockwatch-vm")
LISTS_AGE_S = 24 * 3600  # how old package lists may be before they are fetched again
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Unavailable(Exception):
    """Why something cannot be had here."""


@contextlib.contextmanager
def locked():
    """One runner at a time fills the cache."""
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command, **more):
    """Run a command. Returns its stdout; Unavailable with its last words when it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, **more)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
        raise Unavailable(f"{command[0]} ended with {done.returncode}: {said[-1]}")
    return done.stdout.decode("utf-8", "replace")


def _known(*options):
    text = run(["apt-get", *options, "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
                "Created-By: Packages", "Component: main"])
    rows = [line.split("|") for line in text.splitlines()]
    return {label: uri for origin, label, uri in rows if origin == "Debian"}


def _archives():
    """
    {label: URI} of the Debian archives that the host's apt knows. Where it has no lists, as in a
    fresh container, ours are filled from its sources.
    """
    found = _known()
    if not found:
        state = os.path.join(CACHE, "apt", "host")
        os.makedirs(os.path.join(state, "lists", "partial"), exist_ok=True)
        options = [f"-oDir::State={state}", "-oAPT::Sandbox::User="]
        run(["apt-get", *options, "-qq", "-oAcquire::Retries=3", "update"])
        found = _known(*options)
    return found


class World:
    """What apt offers for some suites and an architecture."""

    def __init__(self, suites, arch):
        self.suites, self.arch = suites, arch
        self.dir = os.path.join(CACHE, "apt", "+".join(suites) + "-" + arch)
        self.fetched = False

    def _options(self):
        options = {
            "Dir::Etc::sourcelist": os.path.join(self.dir, "sources.list"),
            "Dir::Etc::sourceparts": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::State": self.dir,
            "Dir::State::status": "/dev/null", "Dir::Cache": os.path.join(self.dir, "cache"),
            "APT::Architecture": self.arch, "APT::Architectures::": self.arch,
            "APT::Default-Release": "", "APT::Sandbox::User": "", "Acquire::Languages": "none",
            "Acquire::Retries": "3", "APT::Update::Error-Mode": "any",
        }
        return [f"-o{key}={value}" for key, value in options.items()]

    def apt(self, tool, *arguments, **more):
        return run([tool, *self._options(), "-qq", *arguments], **more)

    def fetch(self):
        """Bring the lists up to date, once a run and not oftener than once in LISTS_AGE_S."""
        stamp = os.path.join(self.dir, "stamp")
        if self.fetched or os.path.exists(stamp) and \
                time.time() - os.path.getmtime(stamp) < LISTS_AGE_S:
            return
        archives = _archives()
        lines = []
        for suite in self.suites:
            label = "Debian-Security" if suite.endswith("-security") else "Debian"
            if label not in archives:
                raise Unavailable(f"apt here knows no archive labelled {label} (other distribution)")
            signed = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
            lines.append(f"deb {signed}{archives[label]} {suite} main\n")
        for folder in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(self.dir, folder), exist_ok=True)
        with open(os.path.join(self.dir, "sources.list"), "w", encoding="utf-8") as file:
            file.writelines(lines)
        self.apt("apt-get", "update")
        with open(stamp, "w", encoding="ascii"):
            self.fetched = True

    def _newest(self, pattern):
        """Of the packages with such a name, as `linux-image-6.18.*-cloud-amd64`, the newest."""
        known = self.apt("apt-cache", "pkgnames", pattern.split("*")[0]).split()
        names = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise Unavailable(f"there is no {pattern} in {' or '.join(self.suites)}")
        return max(names, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])

    def resolve(self, package):
        """
        (name, version) of a package, or of what holds the kernel that a metapackage stands for:
        linux-image-VERSION, in newer releases the linux-binary-VERSION that it depends on. Where no
        metapackage stands for a kernel, a pattern does.
        """
        kinds = "modules" if package.startswith("linux-modules-") else "image|binary"
        name, deeper = self._newest(package) if "*" in package else package, True
        while deeper:
            text = self.apt("apt-cache", "depends", name)
            deeper = re.search(rf"^ *Depends: (linux-(?:{kinds})-[0-9]\S+)$", text, re.M)
            name = deeper.group(1) if deeper else name
        shown = self.apt("apt-cache", "show", "--no-all-versions", name)
        return name, re.search(r"^Version: (\S+)$", shown, re.M).group(1)

    def download(self, name, version, to):
        """The package file, in folder `to`."""
        os.makedirs(to, exist_ok=True)
        self.apt("apt-get", "download", f"{name}={version}", cwd=to)
        return os.path.join(to, next(f for f in os.listdir(to) if f.endswith(".deb")))

    def download_closure(self, packages):
        """The files of packages and of all that they depend on."""
        archives = os.path.join(self.dir, "cache", "archives")
        self.apt("apt-get", "install", "--yes", "--download-only", "--no-install-recommends",
                 *packages)
        return [os.path.join(archives, f) for f in sorted(os.listdir(archives))
                if f.endswith(".deb")]


def kept(world, package, needed, wanted=()):
    """
    The folder of a package's files in the cache, filled as unpack() says when the archive has a
    newer version than the cache. When the archive cannot be asked, what is there serves: returns
    (folder, note), the note being the reason or None.
    """
    rows = hashlib.sha256(repr((needed, wanted)).encode()).hexdigest()[:8]
    shelf = os.path.join(CACHE, "kept", f"{world.suites[0]}-{world.arch}-{package.replace('*', 'x')}-{rows}")
    old = sorted(os.listdir(shelf)) if os.path.isdir(shelf) else []
    old = [os.path.join(shelf, name) for name in old if not name.endswith(".new")]
    try:
        world.fetch()
        name, version = world.resolve(package)
        folder = os.path.join(shelf, f"{name}_{version}")
        if folder not in old:
            _fill(world, name, version, folder, needed, wanted)
            for path in old:
                shutil.rmtree(path)
        return folder, None
    except Unavailable as reason:
        if not old:
            raise
        return old[-1], f"{package}: cached {os.path.basename(old[-1])} ({reason})"


def _fill(world, name, version, folder, needed, wanted):
    new = folder + ".new"
    shutil.rmtree(new, ignore_errors=True)
    deb = world.download(name, version, os.path.join(new, "deb"))
    unpack(deb, new, needed, wanted)
    shutil.rmtree(os.path.join(new, "deb"))
    os.rename(new, folder)


def unpack(deb, folder, needed, wanted=()):
    """
    Keep files of a package: (pattern of the path, name to keep it under). Without those needed
    there is no use in the package. What is xz is unpacked.
    """
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                _keep(tar, member, folder, [*needed, *wanted])
    for pattern, name in needed:
        if not os.path.exists(os.path.join(folder, name)):
            raise Unavailable(f"{os.path.basename(deb)} holds no {pattern}")


def _keep(tar, member, folder, rows):
    for pattern, name in rows:
        if member.isfile() and re.fullmatch(pattern, member.name):
            data = tar.extractfile(member).read()
            data = lzma.decompress(data) if member.name.endswith(".xz") else data
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
            return


def sysroot(world, packages):
    """A folder with the files of packages and all they depend on, to build against."""
    folder = os.path.join(CACHE, "sysroot-" + world.arch)
    wanted = " ".join(sorted(packages)) + "\n"
    stamp = os.path.join(folder, "packages")
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return folder
    world.fetch()
    shutil.rmtree(folder, ignore_errors=True)
    for deb in world.download_closure(packages):
        run(["dpkg-deb", "-x", deb, folder])
    world.apt("apt-get", "clean")
    _relative_links(folder)
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
    return folder


def _relative_links(folder):
    """Absolute links would lead out of the folder."""
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            to = os.readlink(path) if os.path.islink(path) else ""
            if to.startswith("/"):
                os.unlink(path)
                os.symlink(os.path.relpath(folder + to, place), path)
