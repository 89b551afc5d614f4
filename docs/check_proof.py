#!/usr/bin/env python3
"""A stranger's check of what a Portcullis gateway says about its audit log.

    check_proof.py proof FILE VKEY        a .tlog-proof file: is this record in the log that VKEY signs?
    check_proof.py log DIRECTORY VKEY     a log's folder, or a copy of its static files: do all checkpoints fit the tiles,
                                          and the records that are there the leaves?

VKEY is the log's public key as `<origin>+<8 hex>+<base64>`, or a file that holds it. Get it from somebody whom you trust, not
from beside the proof. Ends with 0 if all is so, 1 if something is not, 2 if it could not be looked at.

Nothing but Python 3.8 and its standard library is needed, and no line of the gateway is used. Sources: RFC 6962 section 2.1
(tree), RFC 8032 section 5.1.7 (Ed25519), and C2SP's signed-note, tlog-checkpoint, tlog-tiles and tlog-proof. This is slow and
not made for secrets: it only verifies.
"""

import base64
import glob
import hashlib
import os
import re
import sys


class Wrong(Exception):
    """Something is not as it must be."""


# --- Ed25519, verification only -----------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points in extended coordinates (X, Y, Z, T)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar, point):
    """The point so many times."""
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def point(encoded):
    """The point that 32 bytes stand for."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        raise Wrong("a point has no such coordinate")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Wrong("a point is not on the curve")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    """Whether the 64 bytes are the key's signature of the message."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    try:
        a, b = point(key), point(r)
    except Wrong:
        return False
    h = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ORDER
    left, right = times(s, BASE), add(b, times(h, a))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- Notes and checkpoints ----------------------------------------------------------------------------------------------


def unbase64(text, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Wrong("`%s` is no base64" % text[:60]) from error
    if base64.b64encode(data).decode() != text or (length is not None and len(data) != length):
        raise Wrong("`%s` is not what stands here" % text[:60])
    return data


def number(text):
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text):
        raise Wrong("`%s` is no number" % text[:60])
    return int(text)


class Key:
    """The public key of a log, out of its vkey."""

    def __init__(self, text):
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise Wrong("a key is `<origin>+<8 hex>+<base64>`")
        self.origin, told, data = parts[0], parts[1], unbase64(parts[2], 33)
        if data[0] != 1:
            raise Wrong("the key is not one of Ed25519")
        self.key = data[1:]
        self.hash = hashlib.sha256(self.origin.encode() + b"\n" + data).digest()[:4]
        if told != self.hash.hex():
            raise Wrong("the key does not fit its own hash")

    def checkpoint(self, note):
        """Size and root of a checkpoint that this key has signed."""
        text, blank, signatures = note.partition("\n\n")
        lines = text.split("\n")
        if not blank or len(lines) != 3 or not signatures.endswith("\n"):
            raise Wrong("this is no checkpoint")
        if lines[0] != self.origin:
            raise Wrong("the checkpoint is of `%s`, not of `%s`" % (lines[0][:80], self.origin))
        for line in signatures[:-1].split("\n"):
            dash, name, signature = (line.split(" ") + ["", "", ""])[:3]
            if dash != "\u2014" or name != self.origin:
                continue  # Somebody else's: a witness, perhaps.
            data = unbase64(signature)
            if data[:4] == self.hash and is_signed(self.key, (text + "\n").encode(), data[4:]):
                return number(lines[1]), unbase64(lines[2], 32)
        raise Wrong("the checkpoint is not signed by this key")


# --- The tree -----------------------------------------------------------------------------------------------------------


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_by_path(index, size, hashed, path):
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2, which proves the trees of RFC 6962)."""
    if index >= size:
        raise Wrong("the record would stand behind the end of the log")
    at, last = index, size - 1
    for step in path:
        if last == 0:
            raise Wrong("the proof is too long")
        if at & 1 or at == last:
            hashed = node(step, hashed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = node(hashed, step)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("the proof is too short")
    return hashed


class Tiles:
    """The hashes of a log's tiles, for a tree of `size`."""

    def __init__(self, directory, size):
        self.directory, self.size, self.kept = directory, size, {}

    def tile(self, level, which):
        if (level, which) not in self.kept:
            digits = "%03d" % which
            digits = digits.zfill(-(-len(digits) // 3) * 3)
            groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
            path = os.path.join(self.directory, "tile", str(level), *["x" + group for group in groups[:-1]], groups[-1])
            width = min(256, (self.size >> 8 * level) - 256 * which)
            if not os.path.isfile(path) and width < 256:
                path = os.path.join(path + ".p", str(width))
            with open(path, "rb") as file:
                data = file.read()
            if len(data) < 32 * width:
                raise Wrong("`%s` is too short" % path)
            self.kept[level, which] = [data[at : at + 32] for at in range(0, 32 * width, 32)]
        return self.kept[level, which]

    def entry(self, level, index):
        return self.tile(level, index >> 8)[index & 255]

    def fold(self, hashes):
        while len(hashes) > 1:
            hashes = [node(*hashes[at : at + 2]) for at in range(0, len(hashes), 2)]
        return hashes[0]

    def root(self, size):
        """The root of the first `size` leaves."""
        if size == 0:
            return hashlib.sha256(b"").digest()
        begin, parts = 0, []
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                level, first = height // 8, begin >> 8 * (height // 8)
                parts.append(self.fold([self.entry(level, first + at) for at in range(1 << height % 8)]))
                begin += 1 << height
        while len(parts) > 1:
            parts[-2:] = [node(parts[-2], parts[-1])]
        return parts[0]

    def check(self):
        """Each full tile is what the tile above says that it is."""
        level = 0
        while self.size >> 8 * (level + 1):
            for which in range(self.size >> 8 * (level + 1)):
                if self.fold(self.tile(level, which)) != self.entry(level + 1, which):
                    raise Wrong("tile %d of level %d does not fit the one above" % (which, level))
            level += 1


# --- What is asked ------------------------------------------------------------------------------------------------------


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def check_proof(path, key):
    head, blank, note = read(path).partition("\n\n")
    lines = head.split("\n")
    extra = lines[1].startswith("extra ") if len(lines) > 2 else False
    if not blank or lines[0] != "c2sp.org/tlog-proof@v1" or not extra or not lines[2].startswith("index "):
        raise Wrong("this is no proof with its record")
    record, index = unbase64(lines[1][6:]), number(lines[2][6:])
    size, root = key.checkpoint(note)
    if root_by_path(index, size, leaf(record), [unbase64(line, 32) for line in lines[3:]]) != root:
        raise Wrong("the record is not in this log")
    shown = record.decode("utf-8", "backslashreplace")
    print(re.sub("[^ -~]", lambda found: ascii(found.group())[1:-1], shown))
    print("record %d of %d in the log of %s: proved" % (index, size, key.origin))


def records(path):
    """The lines of a segment; zeros follow in the one that is in use."""
    with open(path, "rb") as file:
        return file.read().rstrip(b"\0").split(b"\n")[:-1]


def check_log(directory, key):
    size, root = key.checkpoint(read(os.path.join(directory, "checkpoint")))
    tiles = Tiles(directory, size)
    if tiles.root(size) != root:
        raise Wrong("the newest checkpoint does not fit the tiles")
    tiles.check()
    notes = leaves = 0
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "segment-*.checkpoints"))):
        for note in re.findall("[^\n]*\n[^\n]*\n[^\n]*\n\n(?:\u2014[^\n]*\n)+", read(path)):
            earlier, told = key.checkpoint(note)
            # One that was written since the newest was read is for the next time.
            if earlier <= size and tiles.root(earlier) != told:
                raise Wrong("a checkpoint of size %d in `%s` does not fit the tiles" % (earlier, path))
            notes += 1
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "segment-*.jsonl"))):
        lines = records(path)
        first = re.match(rb'\{"v":2,"kind":"segment",.*?"size":([0-9]+)', lines[0]) if lines else None
        for index, line in enumerate(lines, int(first.group(1)) if first else size):
            if index < size and leaf(line) != tiles.entry(0, index):
                raise Wrong("record %d in `%s` is not the leaf" % (index, path))
            leaves += index < size
    print("%d records of %s, %d earlier checkpoints and %d records at hand: all fit" % (size, key.origin, notes, leaves))


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in ("proof", "log"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        key = Key(read(arguments[2]) if os.path.isfile(arguments[2]) else arguments[2])
        (check_proof if arguments[0] == "proof" else check_log)(arguments[1], key)
    except Wrong as wrong:
        print("NOT PROVED: %s" % ascii(str(wrong))[1:-1], file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print("could not look: %s" % ascii(str(error))[1:-1], file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
