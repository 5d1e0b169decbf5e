# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What came of each test: a line for each, and the sum. The terminal and other kernels use it too."""

import argparse
import contextlib

from capture import Failed, Skipped


class Report:
    def __init__(self, verbose=False):
        self.verbose = verbose
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def _count(self, kind, line):
        self.counts[kind] += 1
        print(line, flush=True)

    def progress(self, text):
        if self.verbose:
            print(f"# {text}", flush=True)

    def skipped(self, name, reason):
        self._count("skipped", f"skip {name}: {reason}")

    def failed(self, name, text, path=None):
        where = f" (log: {path})" if path else ""
        self._count("failed", f"FAIL {name}: {text}{where}")

    def result(self, name, problems, path=None):
        """True when there is no problem."""
        if problems:
            self.failed(name, "; ".join(problems), path)
        else:
            self._count("passed", f"ok {name}")
        return not problems

    @contextlib.contextmanager
    def verdict(self, name, path=lambda: None):
        """What is raised inside is the verdict on a test; path() is where its log is kept."""
        try:
            yield
        except Skipped as reason:
            self.skipped(name, str(reason))
        except Failed as error:
            self.failed(name, str(error), path())
        except Exception as error:  # one broken test must not hide what the others say
            self.failed(name, f"{type(error).__name__}: {error}", path())

    def close(self):
        """The closing line. Returns the exit status: not 0 if there was nothing to test."""
        print(", ".join(f"{n} {kind}" for kind, n in self.counts.items()), flush=True)
        return 1 if self.counts["failed"] or not any(self.counts.values()) else 0


def options(description):
    """A parser of the options that every runner has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("-k", metavar="SUBSTRING", default="", help="only tests with it in the name")
    parser.add_argument("--list", action="store_true", help="names of the tests")
    return parser
