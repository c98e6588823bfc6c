# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every Graph operation shares: the call, the answer, the error, and the table of operations."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from .store import Document, View
from .tenant import Tenant
from .tokens import Principal

NOT_FOUND = "Resource '{}' does not exist or one of its queried reference-property objects are not present."
OWNED = "Application.ReadWrite.OwnedBy"
# The query options of OData that the service knows.
OPTIONS = (
    "select",
    "filter",
    "expand",
    "orderby",
    "top",
    "skip",
    "count",
    "search",
    "skiptoken",
    "deltatoken",
    "format",
)
DENIED = "Insufficient privileges to complete the operation."


class GraphError(Exception):
    """An answer in Graph's error envelope. ``details`` is the envelope's list of {code, target, message}."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: list[Document] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = details, dict(headers or {})


def bad_request(message: str, details: list[Document] | None = None) -> GraphError:
    """The directory's usual refusal."""
    return GraphError(400, "Request_BadRequest", message, details)


def not_found(key: str) -> GraphError:
    """No such object, or not on this replica yet."""
    return GraphError(404, "Request_ResourceNotFound", NOT_FOUND.format(key))


def denied(message: str = DENIED) -> GraphError:
    """The caller lacks a permission or a directory role."""
    return GraphError(403, "Authorization_RequestDenied", message)


def taken(name: str, details: list[Document] | None = None) -> GraphError:
    """A unique value is in use (recorded response: 400 with ObjectConflict, not 409)."""
    message = f"Another object with the same value for property {name} already exists."
    return bad_request(message, [{"code": "ObjectConflict", "message": message, "target": name}, *(details or [])])


class Key(str):
    """A key from a path. ``name`` is ``id``, or the alternate key's name as in ``applications(appId='...')``."""

    name: str

    def __new__(cls, value: str, name: str = "id") -> Key:
        key = super().__new__(cls, value)
        key.name = name
        return key


@dataclass
class Answer:
    """A status, a JSON body (or text) and headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


NO_CONTENT = Answer(204)


@dataclass
class Call:
    """One request, or one item of a batch.

    Attributes:
        base: the service root that links and contexts start with, e.g. ``https://graph.microsoft.com/v1.0``.
        path: the path after the version, tidied: ``/users/alice@contoso.com``.
        query: the query options, names in lower case without ``$``.
        headers: the request's headers, names in lower case.
        body: the parsed JSON body; None when there is none.
        permissions: the caller's permissions that allow this operation.
        counting: whether the path ends in ``/$count``.
        cast: the type that the path ends in, as ``microsoft.graph.user``; "" when in none.
    """

    tenant: Tenant
    base: str
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any
    principal: Principal
    permissions: frozenset[str]
    counting: bool = False
    cast: str = ""
    _many: bool = False

    @property
    def owned_only(self) -> bool:
        """Whether the call is limited to applications that the caller owns."""
        return self.permissions == {OWNED}

    def mailbox_of(self, user_id: str) -> Document | None:
        """The mailbox of a user, if it exists now: ready and not soft-deleted."""
        if self._many:
            return self._mailboxes.get(user_id)
        boxes = self.fresh.having("mailbox", "ExternalDirectoryObjectId", user_id)
        return next((box for box in boxes if not box["WhenSoftDeleted"] and box["_ready"] <= time.time()), None)

    def expect_many(self) -> None:
        """Read every mailbox at once: a list of users follows."""
        self._many = True

    @cached_property
    def _mailboxes(self) -> dict[str, Document]:
        return {box["ExternalDirectoryObjectId"]: box for box in self.tenant.mailboxes(self.fresh)}

    @cached_property
    def view(self) -> View:
        """The replica that answers this request."""
        return self.tenant.store.view_for(f"{self.method} {self.path}")

    @property
    def lists(self) -> View:
        """The replica that answers lists: always the one behind."""
        return self.tenant.store.stale

    @property
    def fresh(self) -> View:
        """The newest state, for rules and writes."""
        return self.tenant.fresh

    def lagging_twice(self, what: str) -> int:
        """How a write that refers to a new object fails: 1 one way, 2 another way, 0 not; in the order 1, 2, 1, 0."""
        if self.tenant.store.view_for(f"first {what}").stale:
            return 1
        return 2 if self.tenant.store.view_for(f"second {what}").stale else 0

    @property
    def eventual(self) -> bool:
        """Whether the advanced query capabilities are asked for."""
        return self.headers.get("consistencylevel", "").lower() == "eventual"

    @property
    def beta(self) -> bool:
        """Whether the path began with ``/beta``."""
        return self.base.endswith("/beta")

    def prefers(self, word: str) -> str | None:
        """The value of a ``Prefer`` token ("" when it has none), or None."""
        for part in re.split(r"[,;]", self.headers.get("prefer", "")):
            name, _rest, value = part.strip().partition("=")
            if name.lower() == word:
                return value.strip('"')
        return None


Handler = Callable[..., Answer]
AnyHandler = TypeVar("AnyHandler", bound=Handler)
OPERATIONS: dict[str, Handler] = {}


def operation(*names: str) -> Callable[[AnyHandler], AnyHandler]:
    """Register a handler under the contract's operation names, e.g. ``GET /users/{user-id}``."""

    def register(handler: AnyHandler) -> AnyHandler:
        for name in names:
            OPERATIONS[name] = handler
        return handler

    return register
