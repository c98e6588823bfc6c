# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is somebody's goes out of a transcript, and what is nobody's stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from live.calls import Call, Exchange, exchanges
from live.cleaner import Cleaner
from simulator.seed import DIRECTORY_ROLES, GRAPH_APP_ID

TENANT = "8c1f0d4e-6a0b-4b1e-9f55-2f6f3a1d7c20"
RUN = "0a1b2c3d"


def exchange(request: Any = None, response: Any = None, target: str = "/v1.0/users") -> Exchange:
    kind = {"content-type": "application/json"}
    bodies = [b"" if one is None else json.dumps(one).encode() for one in (request, response)]
    [found] = exchanges(Call("configure", 0.0, "graph", "POST", target, kind, bodies[0], 200, kind, bodies[1]))
    return found


def cleaner(*seen: Exchange, words: set[str] | None = None) -> Cleaner:
    made = Cleaner(RUN, (TENANT, "fabrikam.com"), {"127.0.0.1:4711": "graph.microsoft.com"})
    made.learn(seen)
    made.allow(words or set(), seen)
    return made


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (TENANT, "<tenant>"),
        ("5f0e4a55-9f31-4c2d-a4be-0aa6f9d3c3a0", "<id-1>"),
        ("5F0E4A55-9F31-4C2D-A4BE-0AA6F9D3C3A0", "<id-1>"),
        ("ann.smith@fabrikam.com", "<address-1>"),
        ("o'hara+x@mail.fabrikam.example", "<address-1>"),
        ("Fabrikam.com", "<tenant>"),
        ("2026-11-26T15:09:40.123Z", "<time-1>"),
        ("EURPR01A001.prod.outlook.com", "<host-1>"),
        ("10.20.30.40", "<host-1>"),
        ("Ann Smith", "<text-1>"),
        ("Pa55-word.with~marks", "<text-1>"),
        (f"vmr-live-{RUN}", "<text-1>"),
        # Published: permissions, types, values, ids that are the same everywhere.
        ("Application.ReadWrite.OwnedBy", "Application.ReadWrite.OwnedBy"),
        ("microsoft.graph.application", "microsoft.graph.application"),
        ("AutoAccept", "AutoAccept"),
        ("False", "False"),
        (GRAPH_APP_ID, GRAPH_APP_ID),
        (DIRECTORY_ROLES["Exchange Administrator"], DIRECTORY_ROLES["Exchange Administrator"]),
    ],
)
def test_a_value(text: str, clean: str) -> None:
    assert cleaner().value({"x": text}) == {"x": clean}


def test_what_the_other_side_says_too_stays() -> None:
    words = cleaner().words([exchange({"Name": f"vmr-live-{RUN}", "Address": f"vmr-live-{RUN}@fabrikam.com"})])
    clean = cleaner(words=words)
    assert clean.value(f"vmr-live-{RUN}") == "vmr-live-<run>"
    assert clean.value(f"vmr-live-{RUN}@fabrikam.com") == "vmr-live-<run>@<domain-1>"
    assert clean.value("Ann Smith") == "<text-1>"


def test_the_same_is_called_the_same_everywhere() -> None:
    clean = cleaner()
    assert clean.value(["a@x.com", "Ann", "b@x.com", "Zed", "A@x.com", "Ann"]) == [
        *("<address-1>", "<text-1>", "<address-2>", "<text-2>", "<address-1>", "<text-1>"),
    ]


def test_an_error_keeps_its_words_and_nobody_elses() -> None:
    seen = exchange({"client_secret": "Ab8Q~_.xyz-1234"}, {"displayName": "Ann Smith", "mail": "ann@fabrikam.com"})
    clean = cleaner(seen)
    text = (
        f"User Ann Smith (ann@fabrikam.com) of {TENANT} cannot be found in 'Deep sea', 'Get-Mailbox' said at "
        "2026-11-26 15:09:40Z on AM0PR01DC01.EURPR01A001.PROD.OUTLOOK.COM. Secret Ab8Q~_.xyz-1234, file /home/ann/x.pem."
    )
    assert clean.value({"error": {"code": "NotFound", "message": text}}) == {
        "error": {
            "code": "NotFound",
            "message": "User <text-1> (<address-1>) of <id-1> cannot be found in '<text-3>', 'Get-Mailbox' said at "
            "<time-1> on <host-1>. Secret <text-2>, file <path-1>",
        }
    }
    # Anywhere else the same text would be somebody's.
    assert clean.value({"description": text}) == {"description": "<text-4>"}


def test_a_token_is_shown_as_what_it_says() -> None:
    # {"alg":"RS256"} and {"roles":["Exchange.ManageAsApp"],"sub":"secret subject"}
    token = "eyJhbGciOiJSUzI1NiJ9.eyJyb2xlcyI6WyJFeGNoYW5nZS5NYW5hZ2VBc0FwcCJdLCJzdWIiOiJzZWNyZXQgc3ViamVjdCJ9.c2ln"
    seen = exchange(None, {"access_token": token})
    assert cleaner(seen, words={"RS256"}).value(seen.response) == {
        "access_token": {
            "token header": {"alg": "RS256"},
            "token claims": {"roles": ["Exchange.ManageAsApp"], "sub": "<text-1>"},
        }
    }
    assert cleaner().speech(f"Bearer {token}") == "Bearer <token-1>"


def test_of_headers_only_some_are_shown() -> None:
    sent = {
        "authorization": "Bearer abc",
        "content-type": "application/json",
        "location": "https://127.0.0.1:4711/v1.0/x",
    }
    assert cleaner().headers(sent) == {
        "authorization": "<not shown>",
        "content-type": "application/json",
        "location": "https://graph.microsoft.com/v1.0/x",
    }
