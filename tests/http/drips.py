"""Answers that never end: how each begins, and what follows now and then."""

from __future__ import annotations

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_GZIP = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"  # with the flag for a file's name, which may be of any length

DRIPS: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "status line": (b"HTTP/1.1 2", b"0"),
    "100-continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header line": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
    "header lines": (b"HTTP/1.1 200 OK\r\n", b"X-Many: a\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"a"),
    "chunk size": (_CHUNKED, b"0"),
    "chunk extension": (_CHUNKED + b"5;x=", b"a"),
    "chunks": (_CHUNKED, b"1\r\n \r\n"),
    "trailer": (_CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: ", b"a"),
    "trailers": (_CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: a\r\n"),
    "gzip header": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99999\r\n\r\n" + _GZIP,
        b"a",
    ),
}
