"""Valid samples for each target, and the words that mutations put into them."""

from __future__ import annotations

import base64
import gzip

__all__ = ["BASE_URL", "GZIP", "METER", "PAGE", "PROBLEM", "REDACTION", "RETRY_AFTER", "SSE", "WORDS"]

SSE = (
    b'\x03event: added\nid: 7\nretry: 50\ndata: {"a": 1}\n\n',
    b"\x01\xef\xbb\xbf: hello\r\n\r\ndata: one\rdata\rdata:  two\r\r",
    b"\xffid\ndata\n\nid: \0\ndata: x\n\n",
)
PROBLEM = (
    b'\x4b{"code": "not_found", "message": "no", "kind": "k", "correlation_id": "c", "details": {"a": [1]}}',
    b'\x64{"code": "x", "message": "m", "retryable": true, "retry_after_ms": 50, "reason": "r"}',
    b'\x5b{"ok": false, "corr_id": "w-1", "http": 409}',
    b"\x64<html>",
)
PAGE = (
    b'{"id": "a", "count": 1, "weight": 1.5, "price": "18446744073709551615", "made": "2026-01-02T03:04:05Z"}',
    b'[{"id": "\\ud83d\\ude00", "seen": 1767323045.5, "parts": [{"a": 1, "b": "c"}], "more": null}]',
    b'{"id": "a", "weight": 1e308, "more": [[[[1e-999]]]]}',
)
GZIP = tuple(
    head + gzip.compress(body, mtime=0)
    for head, body in ((b"\x01", b""), (b"\x05", b"hello" * 9), (b"\x40", bytes(9000)))
)
_HEAD = b"HTTP/1.1 200 OK\r\n"
METER = (
    b"\x02" + _HEAD + b"Content-Length: 2\r\n\r\n{}",
    b"\x07" + _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
    b"\x20HTTP/1.1 103 Hint\r\n\r\n" + _HEAD + b"Content-Length: 0\r\n\r\n",
    b"\x09HTTP/1.0 204 No\r\n\r\n",
    b"\x09HTTP/1.0 204 No\n\n" + _HEAD + b"X: y\r\n\r\n",
    b"\x0a" + _HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\n" + _HEAD + b"\r\n",
)
RETRY_AFTER = (
    b"120",
    b"Fri, 02 Jan 2026 03:04:35 GMT",
    b"Friday, 02-Jan-26 03:04:35 GMT",
    b"Fri Jan  2 03:04:35 2026",
)
BASE_URL = (
    b"https://node.example:8443/base/v1",
    b"http://[::1]:80/",
    b"https://127.0.0.1",
    b"https://xn--bcher-kva.example.",
)
_TOKEN = b'cap-0123456789/abcdef="\\~'
REDACTION = (
    b'{"message": "cap-0123456789\\/abcdef=\\"\\\\~"}',
    b"token=" + b"".join(b"%%%02X" % c for c in _TOKEN),
    base64.b64encode(b"Bearer " + _TOKEN),
    b'{"m": "\\u0063\\u0061\\u0070-0123456789"}',
)
#: what parsers take special notice of
WORDS = (
    b"\r\n", b"\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\r\n\r\n", b"-6", b"+5", b"0x10", b"1_0", b"9" * 25, b"f" * 17,
    b"NaN", b"Infinity", b"1e999", b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xff", b"[" * 300, b'{"a":' * 300,
    b"null", b"true", b'""', b"data:", b"id:", b"retry:", b"event:", b":", b": ", b"Content-Length: ", b"HTTP/2.0",
    b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"HTTP/1.1 100 C\r\n\r\n", b"GMT", b"-0000", b"99999",
    b"@", b"[", b"]", b"%2F", b"..", b"//", b"\\", b"#", b"?", b" ", b"\t", b"%25", b"\\\\", b"\\u005c",
)  # fmt: skip
