# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A program in a pseudo-terminal, and what its screen shows: as much of xterm as ncurses uses."""

import codecs
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

TOKEN = re.compile(r"\x1b\[([?>=]?)([0-9;]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
                   r"|\x1b[()*+].|\x1b[^\[\]()*+]|[\x00-\x1a\x1c-\x1f\x7f]|[^\x00-\x1f\x7f]+")
UNFINISHED = re.compile(r"\x1b(?:\[[?>=]?[0-9;]*|\][^\x07\x1b]*|[()*+])?$")


class Screen:
    """A grid of characters."""

    def __init__(self, rows, cols):
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""
        self.resize(rows, cols)

    def resize(self, rows, cols):
        self.rows, self.cols = rows, cols
        self.grid = [[" "] * cols for _ in range(rows)]
        self.row = self.col = 0
        self.region = (0, rows - 1)
        self.last = " "

    def lines(self):
        return ["".join(line).rstrip() for line in self.grid]

    def feed(self, data):
        text = self.rest + self.decoder.decode(data)
        cut = UNFINISHED.search(text)
        self.rest = cut.group() if cut else ""
        for token in TOKEN.finditer(text[:cut.start()] if cut else text):
            if token.group(3):
                if not token.group(1):
                    numbers = [int(n) if n else 0 for n in token.group(2).split(";")]
                    self._control(token.group(3), numbers)
            elif token.group()[0] == "\x1b":
                self._escape(token.group())
            elif token.group() < " " or token.group() == "\x7f":
                self._format(token.group())
            else:
                self._put(token.group())

    def _put(self, text):
        for char in text:
            width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
            if unicodedata.combining(char):
                continue
            if self.col + width > self.cols:
                self.col = 0
                self._down()
            self.grid[self.row][self.col] = self.last = char
            if width == 2:
                self.grid[self.row][self.col + 1] = ""
            self.col += width

    def _down(self):
        if self.row == self.region[1]:
            self._scroll(1)
        elif self.row < self.rows - 1:
            self.row += 1

    def _scroll(self, count, top=None):
        first, last = self.region if top is None else (top, self.region[1])
        for _ in range(abs(count)):
            del self.grid[first if count > 0 else last]
            self.grid.insert(last if count > 0 else first, [" "] * self.cols)

    def _format(self, char):
        if char == "\r":
            self.col = 0
        elif char == "\n":
            self._down()
        elif char == "\b":
            self.col = max(0, self.col - 1)
        elif char == "\t":
            self.col = min(self.cols - 1, (self.col // 8 + 1) * 8)

    def _escape(self, token):
        if token == "\x1bM" and self.row == self.region[0]:
            self._scroll(-1)
        elif token == "\x1bM":
            self.row -= 1
        elif token == "\x1bD":
            self._down()

    def _blank(self, row, first, last):
        self.grid[row][first:last] = [" "] * (min(last, self.cols) - first)

    def _erase(self, kind, what):
        self.col = min(self.col, self.cols - 1)
        if kind == "J":
            for row in range(self.rows):
                if what == 2 or (row > self.row) == (what == 0) and row != self.row:
                    self._blank(row, 0, self.cols)
        self._blank(self.row, 0 if what else self.col, self.col + 1 if what == 1 else self.cols)

    def _move(self, kind, n):
        if kind in "ABCD":
            self.row += {"A": -n, "B": n}.get(kind, 0)
            self.col += {"C": n, "D": -n}.get(kind, 0)
        elif kind == "G":
            self.col = n - 1
        elif kind == "d":
            self.row = n - 1
        self.row = max(0, min(self.row, self.rows - 1))
        self.col = max(0, min(self.col, self.cols - 1))

    def _control(self, kind, numbers):
        n = numbers[0] or 1
        if kind in "ABCDGd":
            self._move(kind, n)
        elif kind in "Hf":
            self.row, self.col = n - 1, (numbers[1] or 1) - 1 if len(numbers) > 1 else 0
            self._move("", 0)
        elif kind in "JK":
            self._erase(kind, numbers[0])
        elif kind == "X":
            self._blank(self.row, self.col, self.col + n)
        elif kind == "b":
            self._put(self.last * n)
        elif kind == "P":
            line = self.grid[self.row]
            self.grid[self.row] = (line[:self.col] + line[self.col + n:] + [" "] * n)[:self.cols]
        elif kind == "@":
            line = self.grid[self.row]
            self.grid[self.row] = (line[:self.col] + [" "] * n + line[self.col:])[:self.cols]
        elif kind in "LM":
            self._scroll(n if kind == "M" else -n, self.row)
        elif kind in "ST":
            self._scroll(n if kind == "S" else -n)
        elif kind == "r":
            self.region = (n - 1, (numbers[1] if len(numbers) > 1 else self.rows) - 1)
            self.row = self.col = 0


class Terminal:
    """Runs a program; a thread reads what it writes. Times are of time.monotonic()."""

    def __init__(self, command, rows=24, cols=80, prepare=lambda: None):
        self.master, slave = pty.openpty()
        self.screen, self.changed = Screen(rows, cols), threading.Condition()
        self.bytes = 0
        self.ended = None
        self._set_size(rows, cols)
        env = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8")
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env,
                                        preexec_fn=lambda: (self._own_terminal(), prepare()))
        self.pid = self.process.pid
        os.close(slave)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @staticmethod
    def _own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _set_size(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                data = b""
            now = time.monotonic()
            with self.changed:
                if not data:
                    self.ended = now
                self.bytes += len(data)
                self.screen.feed(data)
                self.last_read = now
                self.changed.notify_all()
            if not data:
                return

    def wait_for(self, what, is_there, seconds=30):
        """Seconds from the start to the read after which is_there(lines of the screen)."""
        with self.changed:
            end = time.monotonic() + seconds
            while not is_there(self.screen.lines()):
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    raise RuntimeError(f"no {what} on the screen:\n"
                                       + "\n".join(self.screen.lines()))
                self.changed.wait(left)
            return self.last_read - self.began

    def resize(self, rows, cols):
        with self.changed:
            self.screen.resize(rows, cols)
            self._set_size(rows, cols)

    def type(self, keys):
        os.write(self.master, keys)

    def close(self):
        """Seconds that its end took, by `q`."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.type(b"q")
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        seconds = time.monotonic() - began
        self.reader.join(5)
        os.close(self.master)
        return seconds
