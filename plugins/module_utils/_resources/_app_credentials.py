# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application's own credentials: client secrets and certificates. Pure but for reading certificate files."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._plan import Refused, Step

if TYPE_CHECKING:
    from ._readers import Object

HOUR = 3600  # seconds
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

    Its end is chosen once per run, and marks it twice. The millisecond is random: a secret with this very end that this run
    holds no text of was made by a request whose answer was lost. The second within the hour follows from what the caller
    holds: a secret of that second that is younger than the held one was made by another run of the same caller, which did
    not live to hand over its text. Neither is of use to anybody.

    Args:
        options: present, display_name, lifetime and renew_before in days, held, renew, overlap in days, prove.
        now: seconds since the epoch.
        known: the ids of the secrets that there were when the run began, once that was read.
        refusal: why no token came for the held secret, empty when one came; asked before former ones are removed.
    """

    options: Mapping[str, Any]
    now: float
    known: frozenset[str] | None = None
    refusal: str | None = None
    end: datetime = field(init=False)

    def __post_init__(self) -> None:
        if self.options["present"] and self.options["lifetime"] <= self.options["renew_before"]:
            raise Refused("it must be longer than renew_before, or every run makes a new secret.", "secret.lifetime")
        if self.options["overlap"] is not None and not self.options["held"]:
            raise Refused("without held no secret can be called a former one.", "secret.overlap", "Give secret.held.")
        if self.options["prove"] and self.options["held"] == "" and self.options["renew"] == "never":
            raise Refused("there is none to prove.", "secret.held")
        if self.options["overlap"] is not None and self.options["overlap"] < 0:
            raise Refused(f"{self.options['overlap']} is no number of days.", "secret.overlap")
        start = datetime.fromtimestamp(self.now, timezone.utc).replace(microsecond=0)
        latest = start + timedelta(days=self.options["lifetime"])
        early = (_second(latest) - self._mark) % HOUR if self.options["held"] else 0
        fraction = timedelta(milliseconds=random.randrange(1, 1000))  # noqa: S311 - a mark, not a secret
        self.end = latest - timedelta(seconds=early) + fraction

    @property
    def _mark(self) -> int:
        """The second within the hour in which secrets end that this caller asks for."""
        return int.from_bytes(hashlib.sha256(self.options["held"].encode()).digest()[:8], "big") % HOUR

    def plan(self, application: Any, credentials: Sequence[Object], made: Object | None, settling: bool) -> list[Step]:
        """The steps to one valid secret of the wanted name, or to none.

        Args:
            application: the application's object id (or a reference to it).
            credentials: its passwordCredentials.
            made: the answer to this run's addPassword, None before that, {} once its secret was given up.

        Raises:
            Refused: another run of the same caller is making a secret at this moment; or former secrets are due to go, and
                the one that is held does not take their place.
        """
        name = self.options["display_name"]
        named = [one for one in credentials if one.get("displayName") == name]
        if not self.options["present"]:
            return [self._remove(application, one) for one in named]
        made_id = made["keyId"] if made else None
        strangers = [one for one in named if one["keyId"] != made_id]
        lost = [one for one in strangers if parse_time(one["endDateTime"]) == self.end]
        stray = [one for one in strangers if one not in lost and self._is_stray(one, named)]
        if made == {} or (self.known is not None and any(one["keyId"] not in self.known for one in stray)):
            return self._give_up(application, made)
        lost += stray
        steps = [self._remove(application, one, settling=True) for one in lost]
        shown = any(one["keyId"] == made_id for one in named)
        if (made and not shown) or (not made and self._is_due([one for one in named if one not in lost])):
            body = {"passwordCredential": {"displayName": name, "endDateTime": graph_time(self.end)}}
            summary, target = f"add the client secret {name}", {"application": application}
            steps.append(Step(summary, "graph", "add_password", target, body, saves="secret", settling=settling))
        elif not made:
            steps += [self._remove(application, one) for one in self._removable(named)]
        return steps

    def _is_due(self, named: Sequence[Object]) -> bool:
        """Whether a secret has to be made."""
        if self.options["renew"] == "when_due":
            return not any(self._serves(one) for one in named)
        return bool(self.options["renew"] == "now")

    def former(self, credentials: Sequence[Object]) -> list[Object]:
        """The secrets of this name that are older than the held one, once that one has been there for the overlap."""
        named = [one for one in credentials if one.get("displayName") == self.options["display_name"]]
        held = [_start(one) for one in named if self._is_held(one)]
        if not self.options["present"] or self.options["overlap"] is None or not held:
            return []
        age = datetime.fromtimestamp(self.now, timezone.utc) - max(held)
        if self.options["overlap"] and age < timedelta(days=self.options["overlap"]):
            return []
        return [one for one in named if not self._is_held(one) and _start(one) < max(held)]

    def _removable(self, named: Sequence[Object]) -> list[Object]:
        """The former secrets, which only a token for the held one makes removable."""
        former = self.former(named)
        if self.options["overlap"] is not None and not any(self._is_held(one) for one in named):
            raise Refused(
                f"it is none of the client secrets called {self.options['display_name']}.",
                "secret.held",
                "So no other one can be called a former one. It may be too new to be shown; then run again.",
            )
        if former and self.refusal:
            kept = ", ".join(one["keyId"] for one in former)
            raise Refused(
                f"no token came for it: {self.refusal}.",
                "secret.held",
                f"Former secrets stay until one comes: {kept}.",
            )
        return former

    def _is_stray(self, credential: Object, named: Sequence[Object]) -> bool:
        """Whether another run made it for this caller, who does not hold it."""
        held = [one for one in named if self._is_held(one)]
        if (
            not self.options["held"]
            or credential in held
            or _second(parse_time(credential["endDateTime"])) != self._mark
        ):
            return False
        return all(_start(credential) > _start(one) for one in held)

    def _give_up(self, application: Any, made: Object | None) -> list[Step]:
        """Take this run's secret away again, and end: two runs would each hold one, and hand over the later one only."""
        if not made:
            raise Refused(
                f"another run is making the client secret {self.options['display_name']} at this moment.",
                "secret",
                "Run again when it has ended.",
            )
        own = {"displayName": self.options["display_name"], "keyId": made["keyId"]}
        return [self._remove(application, own)._replace(saves="secret")]

    def _is_held(self, credential: Object) -> bool:
        held = self.options["held"]
        return bool(held and held.startswith(credential.get("hint") or "\0"))

    def _serves(self, credential: Object) -> bool:
        """Whether a secret is valid for long enough, and is the one that the caller holds where that is said."""
        left = parse_time(credential["endDateTime"]) - datetime.fromtimestamp(self.now, timezone.utc)
        fits = self.options["held"] is None or self._is_held(credential)
        return left > timedelta(days=self.options["renew_before"]) and fits

    def _remove(self, application: Any, credential: Object, settling: bool = False) -> Step:
        summary = f"remove the client secret {credential.get('displayName')} ({credential['keyId']})"
        target, body = {"application": application}, {"keyId": credential["keyId"]}
        return Step(summary, "graph", "remove_password", target, body, settling=settling)


def _start(credential: Object) -> datetime:
    return parse_time(credential["startDateTime"])


def _second(moment: datetime) -> int:
    return moment.minute * 60 + moment.second


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
