# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that no honest server gives, byte by byte: a clear error, in time, in bounded memory, and no token elsewhere."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._transport.answer import Response, is_same_service
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import (
    BadAnswer,
    MayHaveHappened,
    ServiceError,
    Unreachable,
)
from ansible_collections.vmrops.o365.plugins.module_utils._transport.http import Http, Request
from ansible_collections.vmrops.o365.plugins.module_utils._transport.session import LARGEST_ANSWER
from support import COLLECTIONS, TESTS
from support.hostile import HOST, Answer, Hostile, Received, forever, http, saying

TOKEN = "token.that.stays"
OK = b"HTTP/1.1 200 OK\r\n"


def send(server: Hostile, method: str = "GET", repeatable: bool = True) -> Response:
    request = Request(method, f"{server.url}/v1.0/users", "read the users", repeatable=repeatable)
    return Http(server.ca_path, 0.5, Deadline(0.4)).send(request, lambda renew: TOKEN)


def failure(server: Hostile) -> ServiceError:
    """The error that a read ends with, whose message must be fit to be printed."""
    with pytest.raises(ServiceError) as caught:
        send(server)
    assert_printable(str(caught.value))
    return caught.value


def assert_printable(message: str) -> None:
    assert message.startswith("Could not read the users: ")
    assert len(message) < 3000
    assert all(unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in message)
    assert TOKEN not in message


def never_ending(start: bytes, part: bytes) -> list[Any]:
    """The same drop by drop and as a flood."""
    return [forever(start, part, 0.05), forever(start, part * 1000)]


@pytest.mark.parametrize(
    "answer",
    [
        *never_ending(OK + b"Content-Length: 100000000000\r\n\r\n", b" "),
        *never_ending(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        *never_ending(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        *never_ending(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
        *never_ending(OK + b"Connection: close\r\n\r\n", b" "),
        *never_ending(OK, b"X-More: and more\r\n"),
        *never_ending(OK + b"X-Long: ", b"x"),
        *never_ending(b"", b"H"),
        *never_ending(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        *never_ending(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
        forever(b"", b"", 0.05),
    ],
)
def test_an_answer_without_end_ends(tmp_path: Path, answer: Answer) -> None:
    with Hostile(answer, tmp_path) as server:
        assert isinstance(failure(server), (Unreachable, BadAnswer))


def test_a_handshake_that_never_ends_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = Hostile(saying(), tmp_path)
        server.url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert isinstance(failure(server), Unreachable)


def test_a_server_that_never_reads_does_not_hold_a_large_request(tmp_path: Path) -> None:
    with Hostile(forever(b"", b"", 0.05), tmp_path, deaf=True) as server:
        request = Request("POST", f"{server.url}/", "write", body={"text": "x" * 20_000_000}, repeatable=False)
        with pytest.raises(MayHaveHappened):
            Http(server.ca_path, 0.5, Deadline(0.4)).send(request, lambda renew: TOKEN)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(200, b"{}", Content_Length="5"), "IncompleteRead"),
        (http(200, b"{}", Content_Length="2, 7"), ""),
        (http(200, gzip.compress(b"{}" * 99)[:-9], Content_Encoding="gzip"), "ends too early"),
        (http(200, b"\0" * 500, Content_Encoding="gzip"), "incorrect header"),
        (http(200, gzip.compress(b"\0" * (LARGEST_ANSWER + 1)), Content_Encoding="gzip"), "larger than 32 MiB"),
        (http(200, gzip.compress(gzip.compress(b"{}")), Content_Encoding="gzip, gzip"), "not asked for"),
        (http(200, b"{}", Content_Encoding="br"), "not asked for"),
        (http(101, b""), "no answer to what was asked"),
        (http(301, b"", Location="/v1.0/users"), "no answer to what was asked"),
        (http(304, b""), "no answer to what was asked"),
        (http(302, b"", Location="/v1.0/users"), "redirected more than three times"),
        (http(429, b"", Retry_After="1e99"), "wait_timeout"),
        (http(429, b"", Retry_After="nan"), "wait_timeout"),
        (http(429, b"", Retry_After="-5"), "wait_timeout"),
        (http(429, b"", Retry_After="Mon, 01 Jan 2480 00:00:00 GMT"), "wait_timeout"),
        (http(503, "\x1b]0;title\x07\u202e\x9b31m\nCould not".encode()), "\\x1b]0;title\\x07\\u202e\\x9b31m Could not"),
        (http(503, b"", **{"request-id": "a" * 60000}), "characters left out"),
        (b"HTTP/9.9 200 OK\r\n\r\n", ""),
        (b"HTTP/1.1 abc\r\n\r\n", ""),
        (b"\0" * 2000, ""),
        (b"SSH-2.0-OpenSSH_9.9\r\n", ""),
        (b"", ""),
    ],
)
def test_a_broken_answer_is_an_error_that_can_be_printed(tmp_path: Path, answer: bytes, words: str) -> None:
    with Hostile(saying(answer), tmp_path) as server:
        assert words in str(failure(server))


def test_an_answer_of_old_is_taken(tmp_path: Path) -> None:
    with Hostile(saying(b'HTTP/1.0 200 OK\r\n\r\n\xef\xbb\xbf{"value": []}'), tmp_path) as server:
        assert send(server).json() == {"value": []}


def test_a_refusal_with_nul_bytes_declared_gzip_keeps_its_status(tmp_path: Path) -> None:
    with Hostile(saying(http(403, b"\0" * 500, Content_Encoding="gzip")), tmp_path) as server:
        assert send(server).status == 403


@pytest.mark.parametrize("answer", [http(200, b"{}", Content_Length="5"), http(200, b"{}", Content_Encoding="br")])
def test_a_write_whose_answer_is_broken_may_have_happened(tmp_path: Path, answer: bytes) -> None:
    with Hostile(saying(answer), tmp_path) as server:
        with pytest.raises(MayHaveHappened):
            send(server, "POST", repeatable=False)
        assert len(server.received) == 1


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://{host}/",
        "https://{host}:444/",
        "https://user:secret@{host}/",
        "https://{host}@evil.example/",
        "https://{host}.evil.example/",
        "https://evil{host}/",
        "https://[::1",
        "https://{host}:99999999/",
        "ftp://{host}/",
        "\xff\xfe",
        "\x1b[31m",
    ],
)
def test_credentials_stay_with_the_service(tmp_path: Path, location: str) -> None:
    with Hostile(saying(http(307, b"", Location=location.format(host=HOST))), tmp_path) as server:
        error = failure(server)
        assert "secret" not in str(error)
        assert all(one.path.startswith("/v1.0/") for one in server.received)


@pytest.mark.parametrize(
    ("target", "trusted"),
    [
        ("https://outlook.office365.com/x", True),
        ("https://OUTLOOK.office365.com:443/x", True),
        ("https://eur.outlook.office365.com/x", True),
        ("https://office365.com/x", False),
        ("https://outlook.office365.com.evil.example/x", False),
        ("https://evil-outlook.office365.com/x", False),
        ("http://outlook.office365.com/x", False),
        ("https://outlook.office365.com:8443/x", False),
        ("https://a:b@outlook.office365.com/x", False),
        ("", False),
        ("/x", False),
    ],
)
def test_what_is_the_same_service(target: str, trusted: bool) -> None:
    assert is_same_service("https://outlook.office365.com/adminapi", target) is trusted


def test_nothing_is_below_an_address() -> None:
    assert not is_same_service("https://127.0.0.1/", "https://evil.127.0.0.1/")


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 100 + b"]" * 100,
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 100_000 + b"}",
        b'{"a": "\xff\xfe"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\uD800"}',
        b'{"\\udc00\\ud800": 1}',
        '{"a": "x"}'.encode("utf-16")[:-1],
        b"{'a': 1}",
        b"\0\0\0",
        b"",
        b"<html></html>",
    ],
)
def test_what_is_no_json_is_none(content: bytes) -> None:
    response = Response(200, {}, content)
    assert response.json() is None
    with pytest.raises(BadAnswer, match="the answer is"):
        response.document("read")


@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b'"text"', b"true"])
def test_what_is_no_object_is_no_document(content: bytes) -> None:
    with pytest.raises(BadAnswer, match="no JSON object"):
        Response(200, {}, content).document("read")


MEMORY = """
import json, resource, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[1])
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import BadAnswer
from ansible_collections.vmrops.o365.plugins.module_utils._transport.http import Http, Request
http = Http(sys.argv[3], 60, Deadline(60))
try:
    http.send(Request("GET", sys.argv[2] + "/ok", "warm up"), lambda renew: "x")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    http.send(Request("GET", sys.argv[2] + "/bomb", "read"), lambda renew: "x")
except BadAnswer as error:
    print(json.dumps([str(error), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024]))
"""


def bomb(request: Received) -> bytes:
    """A gigabyte in a megabyte."""
    if request.path == "/ok":
        return http(200, b"{}")
    return http(200, gzip.compress(b"\0" * 2**30, 1), Content_Encoding="gzip")


def exploding(connection: Any, request: Received) -> None:
    """A bomb for everything but the warm-up."""
    connection.sendall(bomb(request))


def flooding(connection: Any, request: Received) -> None:
    """Spaces without an end for everything but the warm-up."""
    answer = saying(bomb(request)) if request.path == "/ok" else forever(OK + b"\r\n", b" " * 2**20)
    answer(connection, request)


@pytest.mark.parametrize(
    "answer",
    [
        exploding,
        flooding,
    ],
    ids=["gzip bomb", "flood"],
)
def test_memory_is_bounded(tmp_path: Path, answer: Answer) -> None:
    with Hostile(answer, tmp_path) as server:
        command = [sys.executable, "-c", MEMORY, json.dumps([str(COLLECTIONS), str(TESTS)]), server.url, server.ca_path]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    message, grown = json.loads(done.stdout)
    assert "larger than 32 MiB" in message
    assert grown < 4 * LARGEST_ANSWER
