#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Check the hand-kept vmlinux.h against the BTF of a kernel.

  vmlinux/check_btf.py [HEADER...] [--btf FILE]   FILE: raw BTF, or an ELF file with .BTF
  vmlinux/check_btf.py --self-check [--btf FILE]  prove that doctored headers are caught

CO-RE finds a field by the names on the way to it, passing through anonymous members, and refuses
one of another kind. So each struct, union, enum and typedef of the header must exist in the kernel
with each of its fields, of the same kind, size, array length and named type. A field or type with a
comment `optional: why` beside it, and what only a `___flavor` knows, may be missing: that is said.
"""
import os
import re
import struct
import sys

RUNNING = "/sys/kernel/btf/vmlinux"
HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vmlinux.h")


class Type:
    """One type, of the header or of the kernel; `kind` is one of BTF's words in KINDS."""

    def __init__(self, kind, name="", size=0, **more):
        self.kind, self.name, self.size = kind, name, size
        self.to = None  # what a pointer, array, typedef or qualifier is of
        self.fields = []  # (name, Type, bit-field width or 0, optional) of a struct or union
        self.values = {}  # of an enum
        self.count = 0  # of an array
        self.signed = False
        self.optional = ""
        self.__dict__.update(more)

    def plain(self):
        """The type behind typedefs, const and volatile."""
        at = self
        while at is not None and at.kind in ("typedef", "const", "volatile", "restrict", "tag"):
            at = at.to
        return at

    def find(self, name):
        """The field of that name, also inside anonymous members, or None."""
        for field in self.fields:
            if field[0] == name:
                return field
            inner = field[1].plain()
            if not field[0] and inner is not None:
                found = inner.find(name)
                if found:
                    return found
        return None

    def says(self):
        at = self.plain()
        if at is None:
            return "void"
        if at.kind == "ptr":
            return (at.to.says() if at.to else "void") + " *"
        if at.kind == "array":
            return f"{at.to.says()}[{at.count}]"
        if at.kind == "int":
            return f"{'int' if at.signed else 'unsigned'} of {at.size} bytes"
        return f"{at.kind} {at.name or '{...}'}"


# ---- BTF ----

KINDS = ["void", "int", "ptr", "array", "struct", "union", "enum", "fwd", "typedef", "volatile",
         "const", "restrict", "func", "func_proto", "var", "datasec", "float", "decl_tag", "tag",
         "enum64"]


def btf_bytes(path):
    """The BTF in a file that is raw BTF or an ELF object with a .BTF section."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] != b"\x7fELF":
        return data
    shoff, = struct.unpack_from("<Q", data, 40)
    size, count, strings = struct.unpack_from("<HHH", data, 58)
    heads = [struct.unpack_from("<IIQQQQ", data, shoff + i * size) for i in range(count)]
    for head in heads:
        at = heads[strings][4] + head[0]
        if data[at:data.index(b"\0", at)] == b".BTF":
            return data[head[4]:head[4] + head[5]]
    raise ValueError(f"{path} has no .BTF section")


class Kernel:
    """The types of a kernel by (kind, name); a type is unpacked when it is first asked for."""

    def __init__(self, path):
        data = self.data = btf_bytes(path)
        self.order = "<" if data[:2] == b"\x9f\xeb" else ">"
        magic, _, _, hdr, toff, tlen, soff, _ = struct.unpack_from(self.order + "HBBIIIII", data)
        if magic != 0xEB9F:
            raise ValueError(f"{path} is not BTF")
        self.strings = hdr + soff
        self.places, self.made, self.names = [0], {}, {}
        self.enumerators = None
        unit = {"int": 4, "array": 12, "var": 4, "decl_tag": 4}
        each = {"struct": 12, "union": 12, "enum": 8, "func_proto": 8, "datasec": 12, "enum64": 12}
        at, end, head = hdr + toff, hdr + toff + tlen, struct.Struct(self.order + "III")
        while at < end:
            name, info, _ = head.unpack_from(data, at)
            kind = KINDS[info >> 24 & 31]
            if name and kind in ("struct", "union", "enum", "enum64", "typedef"):
                self.names.setdefault((kind.replace("64", ""), self.text(name)), len(self.places))
            self.places.append(at)
            at += 12 + unit.get(kind, 0) + each.get(kind, 0) * (info & 0xFFFF)

    def text(self, offset):
        at = self.strings + offset
        return self.data[at:self.data.index(b"\0", at)].decode()

    def get(self, kind, name):
        return self.at(self.names.get((kind, name), 0))

    def at(self, number):
        if number == 0:
            return None
        if number in self.made:
            return self.made[number]
        def read(layout, offset):
            return struct.unpack_from(self.order + layout, self.data, offset)
        place = self.places[number]
        name, info, size = read("III", place)
        kind, count, rest = KINDS[info >> 24 & 31], info & 0xFFFF, place + 12
        made = self.made[number] = Type(kind, self.text(name), size)
        if kind in ("struct", "union"):
            for i in range(count):
                fname, ftype, offset = read("III", rest + 12 * i)
                width = offset >> 24 if info >> 31 else 0
                made.fields.append((self.text(fname), self.at(ftype), width, ""))
        elif kind in ("enum", "enum64"):
            made.kind = "enum"
            sign = "i" if info >> 31 else "I"
            for i in range(count):
                if kind == "enum":
                    key, value = read("I" + sign, rest + 8 * i)
                else:
                    key, low, high = read("III", rest + 12 * i)
                    value = low | high << 32
                    value -= (1 << 64) if info >> 31 and value >> 63 else 0
                made.values[self.text(key)] = value
        elif kind == "int":
            made.signed = bool(read("I", rest)[0] >> 24 & 1)
        elif kind == "array":
            element, _, made.count = read("III", rest)
            made.to, made.size = self.at(element), 0
        elif kind in ("ptr", "typedef", "volatile", "const", "restrict", "tag"):
            made.to, made.size = self.at(size), 8 if kind == "ptr" else 0
        return made

    def enumerator(self, name):
        """The value of an enumerator of any enum, or None."""
        if self.enumerators is None:
            self.enumerators = {}
            for number, place in enumerate(self.places[1:], 1):
                info, = struct.unpack_from(self.order + "I", self.data, place + 4)
                if KINDS[info >> 24 & 31] in ("enum", "enum64"):
                    self.enumerators.update(self.at(number).values)
        return self.enumerators.get(name)


# ---- the header ----

BASE = {"_Bool": (1, False), "bool": (1, False), "char": (1, True), "short": (2, True),
        "int": (4, True), "long": (8, True), "long long": (8, True), "__int128": (16, True)}
BASE.update({f"{sign}{bits}": (bits // 8, sign[-1] == "s") for sign in ("__s", "__u", "s", "u")
             for bits in (8, 16, 32, 64)})
BASE.update({f"__{order}{bits}": (bits // 8, False) for order in ("be", "le") for bits in (16, 32, 64)})

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:\\\n|[^\n])*|\"[^\"]*\"|[A-Za-z_]\w*"
                   r"|\d\w*|<<|>>|\s+|.", re.S | re.M)


class Header:
    """The types that a header declares: a reader of plain C declarations, no more."""

    def __init__(self, path, text):
        self.path, self.types, self.typedefs, self.constants = path, {}, {}, {}
        self.tokens, self.at, self.notes = [], 0, {}
        line = 1
        for match in TOKEN.finditer(text):
            word = match.group()
            if word.startswith(("/*", "//")):
                note = re.search(r"\boptional:\s*(.*?)\s*(\*/)?$", word, re.S)
                alone = not text[text.rfind("\n", 0, match.start()) + 1:match.start()].strip()
                if note:  # beside what it is about, or alone on the line above
                    self.notes[line + word.count("\n") + alone] = note.group(1) or "yes"
            elif not word.isspace() and not word.lstrip().startswith("#"):
                self.tokens.append((word, line))
            line += word.count("\n")
        self.tokens.append(("", line))
        while self.peek():
            self.declaration(None)

    def peek(self):
        return self.tokens[self.at][0]

    def line(self):
        return self.tokens[self.at][1]

    def take(self, *wanted):
        word = self.peek()
        if wanted and word not in wanted:
            self.fail(f"expected {' or '.join(wanted)}, found {word or 'the end'!r}")
        self.at += 1
        return word

    def fail(self, why):
        raise ValueError(f"{self.path}:{self.line()}: {why}")

    def note(self, first, last):
        return self.notes.get(first) or self.notes.get(last) or ""

    def skip(self, opening, closing):
        depth = 0
        while True:
            word = self.take()
            depth += (word == opening) - (word == closing)
            if depth == 0 or not word:
                return

    def attributes(self):
        while self.peek() in ("__attribute__", "__attribute"):
            self.take()
            self.skip("(", ")")

    def declaration(self, owner):
        """One declaration up to its `;`: fields of `owner`, or types when that is None."""
        first, is_typedef, is_extern = self.line(), False, False
        while self.peek() in ("typedef", "extern", "static"):
            word = self.take()
            is_typedef, is_extern = is_typedef or word == "typedef", is_extern or word != "typedef"
        if is_extern:  # kfuncs and ksyms: no layout of theirs matters
            while self.take() not in (";", ""):
                pass
            return
        base = self.specifier(first)
        found = []
        while self.peek() != ";":
            found.append(self.declarator(base))
            self.attributes()
            if self.peek() == ",":
                self.take()
        note = self.note(first, self.line())
        self.take(";")
        if owner is not None:
            for name, kind, width in found or [("", base, 0)]:
                owner.fields.append((name, kind, width, note))
        elif is_typedef:
            for name, kind, _ in found:
                self.typedefs[name] = Type("typedef", name, to=kind, optional=note)

    def specifier(self, first):
        words, made = [], None
        while True:
            word = self.peek()
            if word in ("const", "volatile", "restrict"):
                self.take()
            elif word in ("__attribute__", "__attribute"):
                self.attributes()
            elif word in ("struct", "union", "enum"):
                made = self.composite(self.take(), first)
            elif made is None and not words and word in self.typedefs:
                made = self.typedefs[self.take()]
            elif made is None and (word in ("signed", "unsigned", "void") or word in BASE
                                   and (not words or word in ("long", "int", "char", "short"))):
                words.append(self.take())
            else:
                break
        if made:
            return made
        if not words:
            self.fail(f"unknown type {self.peek()!r}")
        if words == ["void"]:
            return None
        longs = " ".join(w for w in words if w == "long")
        rest = [w for w in words if w not in ("signed", "unsigned", "long")]
        name = longs or ([w for w in rest if w != "int"] or ["int"])[0]
        size, signed = BASE[name]
        return Type("int", " ".join(words), size, signed=signed and "unsigned" not in words)

    def composite(self, kind, first):
        self.attributes()
        name = self.take() if re.match(r"[A-Za-z_]", self.peek()) else ""
        if self.peek() != "{":
            return self.types.get((kind, name)) or Type(kind, name)
        made = Type(kind, name, optional=self.note(first, self.line()))
        if name or kind == "enum":
            self.types[(kind, name or f"at line {first}")] = made
        self.take("{")
        if kind == "enum":
            self.enumerators(made)
        else:
            while self.peek() != "}":
                self.declaration(made)
        self.take("}")
        self.attributes()
        return made

    def enumerators(self, made):
        value = -1
        while self.peek() != "}":
            name, line, words = self.take(), self.line(), []
            if self.peek() == "=":
                self.take()
                while self.peek() not in (",", "}"):
                    words.append(str(self.constants.get(self.peek(), self.peek())))
                    self.take()
                value = self.value(words)
            else:
                value += 1
            self.constants[name] = made.values[name] = value
            if self.notes.get(line):
                made.fields.append((name, None, 0, self.notes[line]))
            if self.peek() == ",":
                self.take()

    def value(self, words):
        text = " ".join(re.sub(r"(?<=[\da-fA-F])[uUlL]+$", "", w) for w in words)
        if not re.fullmatch(r"(0[xX][\da-fA-F]+|\d+|[-+~|&()* ]|<<|>>)+", text):
            self.fail(f"cannot work out {text!r}")
        return eval(text, {"__builtins__": {}})  # digits and operators only, as just checked

    def declarator(self, base):
        """(name, type, width): pointers, names, arrays, bit-fields, pointers to functions."""
        kind = base
        while self.peek() in ("*", "const", "volatile", "restrict"):
            kind = Type("ptr", "", 8, to=kind) if self.take() == "*" else kind
        if self.peek() == "(":
            self.take()
            self.take("*")
            name = self.take()
            self.take(")")
            self.skip("(", ")")
            return name, Type("ptr", "", 8, to=Type("func_proto")), 0
        name = self.take() if re.match(r"[A-Za-z_]", self.peek()) else ""
        counts, width = [], 0
        while self.peek() == "[":
            self.take()
            words = []
            while self.peek() != "]":
                words.append(str(self.constants.get(self.peek(), self.peek())))
                self.take()
            counts.append(self.value(words) if words else 0)
            self.take("]")
        for count in reversed(counts):
            kind = Type("array", "", 0, to=kind, count=count)
        if self.peek() == ":":
            self.take()
            width = self.value([self.take()])
        return name, kind, width


# ---- the comparison ----

def bare(name):
    """A name without the ___flavor that tells variants of it apart."""
    return name.split("___")[0]


def differs(ours, theirs):
    """Why a field of type `ours` cannot stand for one of type `theirs`, or None."""
    given, real = ours, theirs
    ours, theirs = ours and ours.plain(), theirs and theirs.plain()
    if ours is None or theirs is None:
        return None if ours is theirs else "void on one side only"
    if ours.kind != theirs.kind:
        return f"{ours.says()} here, {theirs.says()} in the kernel"
    if ours.kind in ("struct", "union", "enum") and ours.name and bare(ours.name) != theirs.name:
        return f"{ours.says()} here, {theirs.says()} in the kernel"
    if ours.kind in ("struct", "union") and not ours.name and given.name != real.name:
        return f"{given.says()} {given.name} here, {real.name} in the kernel"
    if ours.kind == "int" and (ours.size != theirs.size or
                               ours.size > 1 and ours.signed != theirs.signed):
        return f"{ours.says()} here, {theirs.says()} in the kernel"
    if ours.kind == "array":
        if ours.count not in (0, theirs.count):
            return f"array of {ours.count} here, of {theirs.count} in the kernel"
        return differs(ours.to, theirs.to)
    if ours.kind == "ptr":  # CO-RE does not look behind a pointer, but the next access does
        mine, other = ours.to and ours.to.plain(), theirs.to and theirs.to.plain()
        if mine and other and mine.name and other.name and mine.kind != "int" \
                and bare(mine.name) != other.name:
            return f"{ours.says()} here, {theirs.says()} in the kernel"
    return None


class Check:
    """Counts and prints what comparing headers with a kernel finds."""

    def __init__(self, kernel, say=print):
        self.kernel, self.say = kernel, say
        self.types = self.fields = self.passed = self.failed = self.skipped = 0

    def header(self, header):
        for (kind, name), ours in header.types.items():
            self.type(header, kind, name, ours, self.kernel.get(kind, bare(name)))
        for name, ours in header.typedefs.items():
            self.type(header, "typedef", name, ours, self.kernel.get("typedef", bare(name)))

    def type(self, header, kind, name, ours, theirs):
        self.types += 1
        problems, absent = [], []
        may_miss = ours.optional or ("a flavor" if "___" in name else "")
        if kind == "enum":
            self.enum(ours, theirs, may_miss, problems, absent)
        elif theirs is None:
            (absent if may_miss else problems).append((name, "not in the kernel", may_miss))
        elif kind == "typedef":
            inner, other = ours.to and ours.to.plain(), theirs.plain()
            self.fields += 1
            why = differs(ours.to, theirs.to)
            if why:
                problems.append((name, why, ""))
            elif inner is not None:
                self.members(inner, other, name, may_miss, problems, absent)
        else:
            self.members(ours, theirs, name, may_miss, problems, absent)
        for where, why, _ in problems:
            self.say(f"FAIL {header.path}: {kind} {where}: {why}")
        for where, why, note in absent:
            self.say(f"skip {header.path}: {kind} {where}: {why} (optional: {note})")
        self.failed += bool(problems)
        self.skipped += bool(absent and not problems)
        self.passed += not (problems or absent)
        if not (problems or absent):
            self.say(f"ok   {kind} {name}")

    def members(self, ours, theirs, path, may_miss, problems, absent):
        for name, kind, width, note in ours.fields:
            inner = kind and kind.plain()
            if not name:  # an anonymous member is only a way to what is in it
                self.members(inner, theirs, path, note or may_miss, problems, absent)
                continue
            self.fields += 1
            where, found = f"{path}.{name}", theirs.find(name)
            if found is None:
                excuse = note or may_miss
                (absent if excuse else problems).append((where, "not in the kernel", excuse))
                continue
            # What is read as a bit-field may be a whole integer: bpf_core_read.h copes with both.
            if found[2] and width != found[2]:
                problems.append((where, f"{width or 'no'} bits here, {found[2] or 'no'} in the kernel", ""))
                continue
            why = None if width else differs(kind, found[1])
            if why:
                problems.append((where, why, ""))
            elif kind is inner and inner and inner.kind in ("struct", "union") and not inner.name:
                self.members(inner, found[1].plain(), where, note or may_miss, problems, absent)

    def enum(self, ours, theirs, may_miss, problems, absent):
        if theirs is None and ours.name:
            (absent if may_miss else problems).append((ours.name, "not in the kernel", may_miss))
            return
        notes = {name: note for name, _, _, note in ours.fields}
        for name, value in ours.values.items():
            self.fields += 1
            excuse = notes.get(name) or may_miss
            real = theirs.values.get(name) if theirs else self.kernel.enumerator(name)
            if real is None:
                (absent if excuse else problems).append((name, "not in the kernel", excuse))
            elif real != value:
                problems.append((name, f"{value} here, {real} in the kernel", ""))

    def close(self):
        self.say(f"{self.types} types, {self.fields} fields checked")
        self.say(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed else 0


# ---- the proof that it can fail ----

SAMPLE = """
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef __u16 __be16;
typedef struct { struct net *net; } possible_net_t;
typedef struct { _Bool is_kernel : 1; } sockptr_t;
enum tcp_something { TCP_ESTABLISHED = 1, TCP_SYN_SENT };
struct in6_addr { union { __u8 u6_addr8[16]; __be32 u6_addr32[4]; } in6_u; };
struct sock_common {
	union { struct { __be32 skc_daddr; __be32 skc_rcv_saddr; }; };
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
};
struct sock { struct sock_common __sk_common; __u16 sk_type; struct socket *sk_socket; __u8 sk_kern_sock : 1; };
struct sock___gone { int no_such_field; };
struct task_struct {
	char comm[16];
	struct task_struct *group_leader;
	int new_thing; /* optional: since 99.0 */
};
extern int bpf_some_kfunc(struct sock *sk) __ksym;
""".replace("enum tcp_something", "enum")

DOCTORED = [  # what is changed, into what, and what the check must say about it
    ("skc_family;", "skc_famly;", "sock_common.skc_famly: not in the kernel"),
    ("struct task_struct {", "struct task_strict {", "task_strict: not in the kernel"),
    ("__u16 sk_type", "__u32 sk_type", "sock.sk_type: unsigned of 4 bytes here"),
    ("unsigned short skc_family", "short skc_family", "sock_common.skc_family: int of 2 bytes"),
    ("__be32 skc_daddr", "void *skc_daddr", "sock_common.skc_daddr: void * here"),
    ("comm[16]", "comm[20]", "task_struct.comm: array of 20 here, of 16"),
    ("__be32 u6_addr32[4]", "__u16 u6_addr32[4]", "in6_addr.in6_u.u6_addr32: unsigned of 2 bytes"),
    ("sk_kern_sock : 1", "sk_kern_sock", "sock.sk_kern_sock: no bits here, 1 in the kernel"),
    ("sk_kern_sock : 1", "sk_kern_sock : 2", "sock.sk_kern_sock: 2 bits here, 1 in the kernel"),
    ("struct socket *sk_socket", "struct sock *sk_socket", "sock.sk_socket: struct sock * here"),
    ("struct in6_addr skc_v6", "struct sock skc_v6", "sock_common.skc_v6_daddr: struct sock here"),
    ("possible_net_t skc_net", "sockptr_t skc_net", "sock_common.skc_net: struct {...} sockptr_t here"),
    ("struct net *net", "struct net *ned", "possible_net_t.ned: not in the kernel"),
    ("TCP_SYN_SENT", "TCP_SYN_SENT = 3", "TCP_SYN_SENT: 3 here, 2 in the kernel"),
    ("TCP_SYN_SENT", "TCP_NEVER", "TCP_NEVER: not in the kernel"),
    ("typedef __u16 __be16", "typedef __u32 __be16", "__be16: unsigned of 4 bytes here"),
    ("/* optional: since 99.0 */", "", "task_struct.new_thing: not in the kernel"),
]


def self_check(kernel):
    passed = failed = 0
    cases = [("", "", "")] + DOCTORED
    for old, new, expected in cases:
        if old and old not in SAMPLE:
            raise ValueError(f"{old!r} is not in the sample")
        said = []
        check = Check(kernel, said.append)
        check.header(Header("sample", SAMPLE.replace(old, new, 1) if old else SAMPLE))
        fails = [line for line in said if line.startswith("FAIL")]
        if old:
            good = len(fails) == 1 and expected in fails[0]
        else:
            good = not fails and check.skipped == 2
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} self-check: {old or 'the sample'} -> {new or 'passes'}")
        if not good:
            print("\n".join("     " + line for line in fails or said))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def main(arguments):
    path, headers, doctored = RUNNING, [], False
    while arguments:
        word = arguments.pop(0)
        if word == "--btf" and arguments:
            path = arguments.pop(0)
        elif word == "--self-check":
            doctored = True
        elif word.startswith("-"):
            print(__doc__.strip())
            return 0 if word in ("-h", "--help") else 2
        else:
            headers.append(word)
    if path == RUNNING and not os.path.exists(path):
        print(f"skip this kernel has no BTF ({path})\n0 passed, 0 failed, 1 skipped")
        return 0
    kernel = Kernel(path)
    if doctored:
        return self_check(kernel)
    check = Check(kernel)
    for name in headers or [HEADER]:
        with open(name, encoding="utf-8") as file:
            check.header(Header(name, file.read()))
    return check.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError) as why:
        sys.exit(f"check_btf.py: {why}")
