# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application's own credentials: client secrets and certificates. Pure but for reading certificate files."""

from __future__ import annotations

import base64
import contextlib
import random
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from .._plan import Refused, Step
from ._readers import Object

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?")


def parse_time(text: str) -> datetime:
    """Graph's timestamp, with any number of fraction digits, to the millisecond."""
    match = _MOMENT.match(text)
    if match is None:
        raise ValueError(f"{text} is no timestamp")
    whole = datetime.fromisoformat(match.group(1)).replace(tzinfo=timezone.utc)
    return whole + timedelta(milliseconds=int((match.group(2) or "0").ljust(3, "0")[:3]))


@dataclass
class ClientSecret:
    """The client secret that the options ask for.

    Its end is chosen once per run, to a random millisecond. That makes it recognisable: a secret with this very end that this
    run holds no text of was made by a request whose answer was lost, and is of no use to anybody.

    Args:
        options: present, display_name, lifetime and renew_before in days, held.
        now: seconds since the epoch.
    """

    options: Mapping[str, Any]
    now: float
    end: datetime = field(init=False)

    def __post_init__(self) -> None:
        if self.options["present"] and self.options["lifetime"] <= self.options["renew_before"]:
            raise Refused("it must be longer than renew_before, or every run makes a new secret.", "secret.lifetime")
        start = datetime.fromtimestamp(self.now, timezone.utc).replace(microsecond=0)
        fraction = timedelta(milliseconds=random.randrange(1, 1000))  # noqa: S311 - a mark, not a secret
        self.end = start + timedelta(days=self.options["lifetime"]) + fraction

    def plan(self, application: Any, credentials: Sequence[Object], made: Object | None, settling: bool) -> list[Step]:
        """The steps to one valid secret of the wanted name, or to none.

        Args:
            application: the application's object id (or a reference to it).
            credentials: its passwordCredentials.
            made: the answer to this run's addPassword, None before that.
        """
        name = self.options["display_name"]
        named = [one for one in credentials if one.get("displayName") == name]
        if not self.options["present"]:
            return [self._remove(application, one) for one in named]
        made_id = made["keyId"] if made else None
        lost = [one for one in named if parse_time(one["endDateTime"]) == self.end and one["keyId"] != made_id]
        steps = [self._remove(application, one, settling=True) for one in lost]
        shown = any(one["keyId"] == made_id for one in named)
        if (made and not shown) or (not made and not any(self._serves(one) for one in named if one not in lost)):
            body = {"passwordCredential": {"displayName": name, "endDateTime": graph_time(self.end)}}
            summary, target = f"add the client secret {name}", {"application": application}
            steps.append(Step(summary, "graph", "add_password", target, body, saves="secret", settling=settling))
        return steps

    def _serves(self, credential: Object) -> bool:
        """Whether a secret is valid for long enough, and is the one that the caller holds where that is said."""
        left = parse_time(credential["endDateTime"]) - datetime.fromtimestamp(self.now, timezone.utc)
        held = self.options["held"]
        fits = held is None or bool(held and held.startswith(credential.get("hint") or "\0"))
        return left > timedelta(days=self.options["renew_before"]) and fits

    def _remove(self, application: Any, credential: Object, settling: bool = False) -> Step:
        summary = f"remove the client secret {credential.get('displayName')} ({credential['keyId']})"
        target, body = {"application": application}, {"keyId": credential["keyId"]}
        return Step(summary, "graph", "remove_password", target, body, settling=settling)


def graph_time(moment: datetime) -> str:
    """A timestamp as Graph takes it, to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def certificates(paths: Sequence[str]) -> dict[str, str]:
    """The certificates of files (PEM or DER) as base64 DER, by path. Raises Refused for a file that holds none."""
    found = {}
    for name in paths:
        path = Path(name).expanduser()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Refused(f"{path} cannot be read: {error.strerror}.", "certificates") from error
        begin = content.find(b"-----BEGIN CERTIFICATE-----")
        der = content if content[:1] == b"\x30" else b""
        if begin >= 0:
            end = content.find(b"-----END CERTIFICATE-----", begin) + len(b"-----END CERTIFICATE-----")
            with contextlib.suppress(ValueError):
                der = ssl.PEM_cert_to_DER_cert(content[begin:end].decode("ascii", "replace"))
        if not der:
            raise Refused(
                f"{path} holds no certificate.", "certificates", "Give a PEM or DER file with the public part."
            )
        found[name] = base64.b64encode(der).decode()
    return found


def key_credentials(wanted: Mapping[str, str], current: Sequence[Object]) -> list[Object] | None:
    """The application's keyCredentials with the wanted certificates added; None when they are all there.

    A write replaces the list, so the present ones go along, with the keys that the read returned.
    """
    present = {one.get("key") for one in current}
    missing = {name: key for name, key in wanted.items() if key not in present}
    if not missing:
        return None
    added = [
        {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key, "displayName": Path(name).stem}
        for name, key in missing.items()
    ]
    return [*current, *added]
