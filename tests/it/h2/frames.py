"""Sequences of HTTP/2 frames for the gateway, one connection each.

Reads, for each sequence, one line with a good command (its target, fields and body); plays the sequence and writes one
line with its name, the fate that it should meet and the fate that it met. After the last it writes `{}`.

A fate is one of
    200, 400 ..     stream 1 was answered so, with the fields that every answer of the gateway carries
    bare 431        .. by the codec alone, without them
    reset CODE      stream 1 was reset
    ends CODE       the connection ended, by a GOAWAY with that code or, where a reset swallowed it, without a word
    lives           nothing of that happened, and a ping was answered
"""
import json
import socket
import ssl
import struct
import sys

from hpack import Encoder, Decoder
from hyperframe.frame import (
    ContinuationFrame, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, PriorityFrame, PushPromiseFrame,
    RstStreamFrame, SettingsFrame, WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
         "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]
EVERY_ANSWER = {"receipt-id", "cache-control", "x-content-type-options", "date"}

address, authority, folder = sys.argv[1:]
host, port = address.split(":")
context = ssl.create_default_context(cafile=folder + "/gateway-authority.pem")
context.load_cert_chain(folder + "/backend.pem", folder + "/backend.key")
context.set_alpn_protocols(["h2"])


def code(number):
    return CODES[number] if number < len(CODES) else str(number)


def raw(kind, flags, stream, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Command:
    """A good command, whose fields a sequence may change."""

    def __init__(self, order):
        self.pseudo = [(":method", "POST"), (":scheme", "https"), (":authority", authority), (":path", order["target"])]
        self.fields = [tuple(field) for field in order["fields"]]
        self.body = order["body"].encode()
        self.encoder = Encoder()

    def block(self, fields=None):
        # Without the table, so that any part of a sequence can be left out.
        return self.encoder.encode([(n, v, True) for n, v in (self.all() if fields is None else fields)], huffman=False)

    def all(self):
        return self.pseudo + self.fields

    def changed(self, name, value):
        return [(n, value if n == name else v) for n, v in self.all()]

    def without(self, name):
        return [(n, v) for n, v in self.all() if n != name]

    def head(self, stream=1, fields=None, end=False):
        flags = {"END_HEADERS", "END_STREAM"} if end else {"END_HEADERS"}
        return HeadersFrame(stream, self.block(fields), flags=flags).serialize()

    def data(self, stream=1, body=None, end=True):
        body = self.body if body is None else body
        return DataFrame(stream, body, flags={"END_STREAM"} if end else set()).serialize()

    def whole(self, stream=1, fields=None):
        return self.head(stream, fields) + self.data(stream)


def pad(data):
    frame = DataFrame(1, data, pad_length=7, flags={"PADDED", "END_STREAM"})
    return frame.serialize()


def split(c, count, more=b""):
    """The head in a HEADERS frame and `count` continuations."""
    block = c.block()
    parts = [block[i * len(block) // (count + 1):(i + 1) * len(block) // (count + 1)] for i in range(count + 1)]
    frames = [HeadersFrame(1, parts[0], flags=set()).serialize()]
    for number, part in enumerate(parts[1:], 1):
        flags = {"END_HEADERS"} if number == count else set()
        frames.append(more + ContinuationFrame(1, part, flags=flags).serialize())
    return b"".join(frames)


SETTINGS = SettingsFrame(0).serialize()
PING = PingFrame(0, b"12345678").serialize()

# Name, fate, and the frames behind preface and SETTINGS.
TABLE = [
    # What is good.
    ("a command", "200", lambda c: c.whole()),
    ("a command in two frames of data", "200", lambda c: c.head() + c.data(body=c.body[:9], end=False) + c.data(body=c.body[9:])),
    ("an empty frame of data at the end", "200", lambda c: c.head() + c.data(end=False) + c.data(body=b"")),
    ("padding", "200", lambda c: c.head() + pad(c.body)),
    ("a head in three continuations", "200", lambda c: split(c, 3) + c.data()),
    ("the length of the body", "200", lambda c: c.whole(fields=c.all() + [("content-length", str(len(c.body)))])),
    ("an unknown frame before", "200", lambda c: raw(0xee, 0, 0, b"?") + c.whole()),
    ("an unknown setting", "200", lambda c: SettingsFrame(0, {0x99: 1}).serialize() + c.whole()),
    ("priorities", "200", lambda c: PriorityFrame(1, depends_on=0, stream_weight=3).serialize() + c.whole()),
    ("a stream number that leaps", "lives", lambda c: c.head(stream=101, end=True) + PING),
    ("a host that agrees", "200", lambda c: c.whole(fields=c.all() + [("host", authority)])),
    ("te: trailers", "200", lambda c: c.whole(fields=c.all() + [("te", "trailers")])),
    # Pseudo-fields and fields of connections (RFC 9113 §8.2, §8.3).
    ("no method", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.without(":method"))),
    ("no scheme", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.without(":scheme"))),
    ("no path", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.without(":path"))),
    ("no authority", "400", lambda c: c.whole(fields=c.without(":authority"))),
    ("a host instead of the authority", "400", lambda c: c.whole(fields=c.without(":authority") + [("host", authority)])),
    ("an empty path", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":path", ""))),
    ("a path without a slash", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":path", "v1"))),
    ("an asterisk", "400", lambda c: c.whole(fields=c.changed(":path", "*"))),
    ("an absolute path", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":path", "https://a.example/"))),
    ("a space in the path", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":path", "/a b"))),
    ("a line feed in the path", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":path", "/a\nb"))),
    ("the scheme http", "400", lambda c: c.whole(fields=c.changed(":scheme", "http"))),
    ("the scheme of files", "400", lambda c: c.whole(fields=c.changed(":scheme", "file"))),
    ("a method in lower case", "400", lambda c: c.whole(fields=c.changed(":method", "post"))),
    ("a method that is no token", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":method", "PO ST"))),
    ("CONNECT with a path", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":method", "CONNECT"))),
    ("CONNECT", "400", lambda c: c.head(fields=[(":method", "CONNECT"), (":authority", "a.example:443")])),
    ("TRACE", "405", lambda c: c.whole(fields=c.changed(":method", "TRACE"))),
    ("another authority", "421", lambda c: c.whole(fields=c.changed(":authority", "other.example"))),
    ("an empty authority", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.changed(":authority", ""))),
    ("a user in the authority", "400", lambda c: c.whole(fields=c.changed(":authority", "user@" + authority))),
    ("a host that contradicts", "400", lambda c: c.whole(fields=c.all() + [("host", "other.example")])),
    ("two hosts", "400", lambda c: c.whole(fields=c.all() + [("host", authority)] * 2)),
    ("two methods", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=[(":method", "GET")] + c.all())),
    ("two paths", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=[(":path", "/")] + c.all())),
    ("two authorities", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=[(":authority", authority)] + c.all())),
    ("a pseudo-field behind a field", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.pseudo[:3] + c.fields + c.pseudo[3:])),
    ("an unknown pseudo-field", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=[(":door", "1")] + c.all())),
    ("a pseudo-field of answers", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=[(":status", "200")] + c.all())),
    ("an extended CONNECT", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=[(":protocol", "websocket")] + c.changed(":method", "CONNECT"))),
    ("a name in upper case", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("X-Y", "1")])),
    ("a name with a space", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("x y", "1")])),
    ("a name with a colon", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("x:y", "1")])),
    ("an empty name", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("", "1")])),
    ("a line feed in a value", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("x-y", "a\nhost: b")])),
    ("a carriage return in a value", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("x-y", "a\rb")])),
    ("a NUL in a value", "ends PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("x-y", "a\0b")])),
    ("connection", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("connection", "close")])),
    ("keep-alive", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("keep-alive", "1")])),
    ("proxy-connection", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("proxy-connection", "close")])),
    ("transfer-encoding", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("transfer-encoding", "chunked")])),
    ("upgrade", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("upgrade", "websocket")])),
    ("te: gzip", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("te", "gzip")])),
    ("expect", "400", lambda c: c.whole(fields=c.all() + [("expect", "100-continue")])),
    ("a refused field", "400", lambda c: c.whole(fields=c.all() + [("x-forwarded-for", "10.0.0.1")])),
    ("content-encoding", "415", lambda c: c.whole(fields=c.all() + [("content-encoding", "gzip")])),
    # Lengths and trailers.
    ("a length too small", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("content-length", "3")])),
    ("a length too large", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("content-length", "900")])),
    ("a length that is none", "reset PROTOCOL_ERROR", lambda c: c.whole(fields=c.all() + [("content-length", "+57")])),
    ("two lengths", "400", lambda c: c.whole(fields=c.all() + [("content-length", "57")] * 2)),
    ("a length and no body", "reset PROTOCOL_ERROR", lambda c: c.head(fields=c.all() + [("content-length", "57")], end=True)),
    ("no body at all", "400", lambda c: c.head(end=True)),
    ("trailers", "400", lambda c: c.head() + c.data(end=False) + c.head(fields=[("x-late", "1")], end=True)),
    ("trailers that do not end", "reset PROTOCOL_ERROR", lambda c: c.head() + c.data(end=False) + c.head(fields=[("x-late", "1")])),
    ("pseudo-fields in trailers", "400", lambda c: c.head() + c.data(end=False) + c.head(fields=[(":path", "/")], end=True)),
    ("a body that does not end", "408", lambda c: c.head() + c.data(end=False)),
    # Measure.
    ("65 fields", "400", lambda c: c.whole(fields=c.all() + [("x-%d" % n, "1") for n in range(62)])),
    ("a target of 3 KiB", "400", lambda c: c.whole(fields=c.changed(":path", "/" + "a" * 3000))),
    ("20 KB of fields", "400", lambda c: HeadersFrame(1, c.block()[:9], flags=set()).serialize() + b"".join(
        ContinuationFrame(1, part, flags=flags).serialize() for part, flags in [
            (c.block(c.all() + [("x-long", "a" * 20000)])[9:12000], set()),
            (c.block(c.all() + [("x-long", "a" * 20000)])[12000:], {"END_HEADERS"})]) + c.data()),
    ("40 KB of fields", "bare 431", lambda c: big(c, 40000)),
    ("300 KB of fields", "ends COMPRESSION_ERROR|PROTOCOL_ERROR|ENHANCE_YOUR_CALM", lambda c: big(c, 300000)),
    ("a flood of empty continuations", "ends ENHANCE_YOUR_CALM", lambda c: HeadersFrame(1, c.block(), flags=set()).serialize()
     + ContinuationFrame(1, b"", flags=set()).serialize() * 3000),
    ("a flood of small continuations", "ends ENHANCE_YOUR_CALM|COMPRESSION_ERROR|PROTOCOL_ERROR", lambda c: HeadersFrame(1, c.block(), flags=set()).serialize()
     + ContinuationFrame(1, c.block([("x", "y")]), flags=set()).serialize() * 3000),
    ("a fifth stream of four", "lives", lambda c: b"".join(c.head(stream=n) for n in (3, 5, 7, 9, 11)) + PING),
    ("a flood of resets", "ends ENHANCE_YOUR_CALM", lambda c: b"".join(
        c.head(stream=n) + RstStreamFrame(n, 8).serialize() for n in range(1, 4001, 2))),
    ("a flood of streams that break rules", "ends ENHANCE_YOUR_CALM", lambda c: b"".join(
        c.head(stream=n, fields=c.without(":method")) for n in range(3, 801, 2))),
    ("a flood of settings", "lives", lambda c: SETTINGS * 500 + PING),
    ("a flood of empty data", "ends ENHANCE_YOUR_CALM|PROTOCOL_ERROR|STREAM_CLOSED", lambda c: c.head() + DataFrame(1, b"").serialize() * 60000),
    # Frames where they do not belong, and of a wrong form.
    ("data before a head", "ends PROTOCOL_ERROR", lambda c: c.data()),
    ("data on stream 0", "ends PROTOCOL_ERROR", lambda c: raw(0, 1, 0, b"x")),
    ("a head on stream 0", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 0, c.block())),
    ("a head on an even stream", "ends PROTOCOL_ERROR", lambda c: c.whole(stream=2)),
    ("a stream number that goes back", "ends PROTOCOL_ERROR|STREAM_CLOSED", lambda c: c.head(stream=5, end=True) + c.head(stream=3)),
    ("data behind the end of a stream", "ends STREAM_CLOSED|PROTOCOL_ERROR", lambda c: c.head(stream=3, end=True) + c.data(stream=3)),
    ("a continuation alone", "ends PROTOCOL_ERROR", lambda c: ContinuationFrame(1, c.block(), flags={"END_HEADERS"}).serialize()),
    ("a ping between continuations", "ends PROTOCOL_ERROR", lambda c: split(c, 1, more=PING)),
    ("a continuation of another stream", "ends PROTOCOL_ERROR", lambda c: HeadersFrame(1, c.block(), flags=set()).serialize()
     + ContinuationFrame(3, b"", flags={"END_HEADERS"}).serialize()),
    ("a push promise", "ends PROTOCOL_ERROR", lambda c: PushPromiseFrame(1, promised_stream_id=2, data=c.block(), flags={"END_HEADERS"}).serialize()),
    ("a reset of an idle stream", "ends PROTOCOL_ERROR", lambda c: RstStreamFrame(1, 8).serialize()),
    ("a reset on stream 0", "ends PROTOCOL_ERROR", lambda c: raw(3, 0, 0, b"\0\0\0\x08")),
    ("a reset of three bytes", "ends PROTOCOL_ERROR", lambda c: raw(3, 0, 1, b"\0\0\0")),
    ("settings on a stream", "ends PROTOCOL_ERROR", lambda c: raw(4, 0, 1)),
    ("settings of five bytes", "ends PROTOCOL_ERROR", lambda c: raw(4, 0, 0, b"\0" * 5)),
    ("an acknowledgement with settings", "ends PROTOCOL_ERROR", lambda c: raw(4, 1, 0, b"\0" * 6)),
    ("a window beyond 31 bits by settings", "ends FLOW_CONTROL_ERROR|PROTOCOL_ERROR", lambda c: raw(4, 0, 0, struct.pack(">HI", 4, 0x80000000))),
    ("frames of a size that cannot be set", "ends PROTOCOL_ERROR", lambda c: raw(4, 0, 0, struct.pack(">HI", 5, 100))),
    ("a ping of seven bytes", "ends PROTOCOL_ERROR", lambda c: raw(6, 0, 0, b"1234567")),
    ("a ping on a stream", "ends PROTOCOL_ERROR", lambda c: raw(6, 0, 1, b"12345678")),
    ("a GOAWAY on a stream", "ends PROTOCOL_ERROR", lambda c: raw(7, 0, 1, b"\0" * 8)),
    ("a window that grows by nothing", "ends PROTOCOL_ERROR", lambda c: WindowUpdateFrame(0, window_increment=1).serialize()[:-4] + b"\0" * 4),
    ("a window that overflows", "ends FLOW_CONTROL_ERROR", lambda c: WindowUpdateFrame(0, window_increment=2**31 - 1).serialize()),
    ("a stream's window that overflows", "reset FLOW_CONTROL_ERROR", lambda c: c.head() + WindowUpdateFrame(1, window_increment=2**31 - 1).serialize()),
    ("more data than the window", "ends FLOW_CONTROL_ERROR", lambda c: c.head() + c.data(body=b"x" * 16000, end=False) * 5),
    ("a frame that is too large", "ends FRAME_SIZE_ERROR", lambda c: c.head() + raw(0, 1, 1, b"x" * 16385)),
    ("more padding than frame", "ends PROTOCOL_ERROR", lambda c: c.head() + raw(0, 9, 1, b"\x09abc")),
    ("a head that depends on itself", "reset PROTOCOL_ERROR", lambda c: raw(1, 0x24, 1, b"\0\0\0\x01\x10" + c.block())),
    ("an index that is not in the table", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 1, b"\xff\x80\x01")),
    ("the index zero", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 1, b"\x80")),
    ("a number without end", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 1, b"\xff" * 20)),
    ("Huffman padding that is too long", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 1, b"\x00\x82\xff\xff\x01a")),
    ("a table larger than was agreed", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 1, b"\x3f\xff\xff\x03" + c.block())),
    ("a block that breaks off", "ends PROTOCOL_ERROR", lambda c: raw(1, 4, 1, c.block()[:-3])),
]


def big(c, size):
    block = c.block(c.all() + [("x-%d" % n, "a" * 1000) for n in range(size // 1000)])
    parts = [block[at:at + 16000] for at in range(0, len(block), 16000)]
    frames = HeadersFrame(1, parts[0], flags=set()).serialize()
    for number, part in enumerate(parts[1:], 1):
        frames += ContinuationFrame(1, part, flags={"END_HEADERS"} if number == len(parts) - 1 else set()).serialize()
    return frames + c.data()


class Connection:
    def __init__(self):
        tcp = socket.create_connection((host, int(port)), timeout=20)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(tcp, server_hostname=authority)
        self.buffer = b""
        self.decoder = Decoder()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # It has ended the connection: what it said stands there to be read.

    def frame(self):
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            try:
                more = self.socket.recv(65536)
            except OSError:
                more = b""
            if not more:
                return None
            self.buffer += more
        length = int.from_bytes(self.buffer[:3], "big")
        kind, flags = self.buffer[3], self.buffer[4]
        stream = int.from_bytes(self.buffer[5:9], "big") & 0x7fffffff
        payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
        return kind, flags, stream, payload

    def fate(self):
        """What became of stream 1, or of the connection."""
        answered = None
        while True:
            frame = self.frame()
            if frame is None:
                return "ends"
            kind, flags, stream, payload = frame
            if kind == 1:
                fields = self.decoder.decode(payload)
                if stream != 1:
                    continue
                names = {name for name, _ in fields}
                status = dict(fields)[":status"]
                answered = status if EVERY_ANSWER <= names else "bare " + status
                if not EVERY_ANSWER <= names and names != {":status"}:
                    answered = "half of an answer"
            if kind in (0, 1) and stream == 1 and flags & 1:
                return answered
            if kind == 3 and stream == 1 and answered is None:
                return "reset " + code(int.from_bytes(payload, "big"))
            if kind == 7:
                return "ends " + code(int.from_bytes(payload[4:8], "big"))
            if kind == 6 and flags & 1:
                return "lives"


def meets(expected, met):
    """Whether `met` is the fate; a connection may have ended without a word where a word was expected."""
    kinds, _, codes = expected.partition(" ")
    if kinds == "ends":
        return met == "ends" or met.startswith("ends ") and met[5:] in codes.split("|")
    return met == expected


for name, expected, frames in TABLE:
    command = Command(json.loads(sys.stdin.readline()))
    connection = Connection()
    connection.send(PREFACE + SETTINGS + frames(command))
    met = connection.fate()
    connection.socket.close()
    print(json.dumps({"name": name, "expected": expected, "met": expected if meets(expected, met) else met}), flush=True)
sys.stdin.readline()
print(json.dumps({}), flush=True)
