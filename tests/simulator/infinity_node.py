# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Management Node's own state, in a database of its own: it is another company's machine, not part of the tenant.

Its kinds are the resources of the API, keyed by id, and ``administrator``, ``oauth2_client`` and ``token``.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .infinity_fields import CONFIGURATION, NOTHING, STATUS, Field, Resource
from .store import Document, Store
from .tenant import Tenant, new_id

PREFIXES: Mapping[str, Mapping[str, Resource]] = {
    "/api/admin/configuration/v1": CONFIGURATION,
    "/api/admin/status/v1": STATUS,
}


class Invalid(Exception):
    """What is wrong with an object, by field."""

    def __init__(self, resource: str, errors: Mapping[str, list[str]]) -> None:
        super().__init__(resource)
        self.resource, self.errors = resource, errors


def now() -> str:
    """The time as the API writes it: UTC, without a zone."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")


class Node:
    """The state and its rules. The scheduler works beside the API, so both hold ``lock`` meanwhile.

    Args:
        tenant: for the directory and the switches; nothing else of it is known here.
    """

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.store = Store(tenant.directory / "management_node.sqlite")
        self.lock = threading.RLock()
        if self.store.empty():
            self._plant()

    def _plant(self) -> None:
        """A fresh node: its first administrator, a client for the API, and nothing configured."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.store.put("administrator", "admin", {"name": "admin", "password": secrets.token_urlsafe(18)})
        client_id = new_id()
        self.store.put(
            "oauth2_client", client_id, {"client_id": client_id, "public_key": public, "private_key": private}
        )
        self.store.put("authentication", "1", {"id": 1, **_defaults(CONFIGURATION["authentication"])})

    def credentials(self) -> dict[str, str]:
        """How to sign in, both ways."""
        administrator = self.store.fresh.all("administrator")[0]
        client = self.store.fresh.all("oauth2_client")[0]
        return {
            "infinity_username": administrator["name"],
            "infinity_password": administrator["password"],
            "infinity_client_id": client["client_id"],
            "infinity_private_key": client["private_key"],
        }

    def resource(self, name: str) -> Resource:
        """A resource as this node's version has it. Raises KeyError."""
        found = CONFIGURATION[name] if name in CONFIGURATION else STATUS[name]
        lacking = self.tenant.switch("infinity_fields_lacking")
        return Resource(
            tuple(field for field in found.fields if field.name not in lacking), found.methods, found.singular
        )

    def all(self, name: str) -> list[Document]:
        """Every object of a resource, oldest first."""
        return self.store.fresh.all(name)

    def get(self, name: str, key: str) -> Document | None:
        """One object by its id."""
        return self.store.fresh.get(name, key)

    def by_uri(self, uri: str) -> Document | None:
        """The object that a resource URI names."""
        parts = urlsplit(uri).path.strip("/").split("/")
        known = len(parts) == 6 and f"/{'/'.join(parts[:4])}" in PREFIXES
        return self.get(parts[4], parts[5]) if known else None

    def create(self, name: str, values: Mapping[str, Any]) -> Document:
        """Make an object from what was sent, the rest being defaults. Raises Invalid."""
        document = {**_defaults(self.resource(name)), **self._checked(name, values, creating=True)}
        key = 1 + int((self.store.fresh.get("sequence", name) or {"last": 0})["last"])
        self.store.put("sequence", name, {"last": key})
        document["id"] = key
        if "uuid" in document:
            document["uuid"] = document["uuid"] or new_id()
        if "creation_time" in document:
            document["creation_time"] = now()
        self.store.put(name, str(key), document)
        if name == "ms_exchange_connector":
            self._accompany(document)
        return document

    def _accompany(self, connector: Document) -> None:
        """What a new connector brings along: its keys, and a scheduler."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.store.update("ms_exchange_connector", str(connector["id"]), private_key=private, public_key=public)
        self.create("exchange_scheduler", {"exchange_connector_id": connector["id"], "last_modified_time": None})

    def change(self, name: str, document: Document, values: Mapping[str, Any]) -> Document:
        """Change what was sent of an object. Raises Invalid."""
        return self.store.update(name, str(document["id"]), **self._checked(name, values, document["id"]))

    def remove(self, name: str, document: Document) -> None:
        """Remove an object and what belongs to it."""
        self.store.remove(name, str(document["id"]))
        if name != "ms_exchange_connector":
            return
        for other in ("exchange_domain", "scheduled_alias"):
            for one in self.all(other):
                if self.by_uri(one["exchange_connector"]) is None:
                    self.store.remove(other, str(one["id"]))
        for one in self.all("exchange_scheduler"):
            if one["exchange_connector_id"] == document["id"]:
                self.store.remove("exchange_scheduler", str(one["id"]))

    def uri(self, name: str, document: Mapping[str, Any]) -> str:
        """The resource URI of an object."""
        prefix = next(prefix for prefix, resources in PREFIXES.items() if name in resources)
        return f"{prefix}/{name}/{document['id']}/"

    def shown(self, name: str, document: Document) -> Document:
        """An object as a GET returns it: without what is write-only, with what refers to it."""
        resource = self.resource(name)
        shown = {field.name: document.get(field.name) for field in resource.fields if not field.secret}
        shown["resource_uri"] = self.uri(name, document)
        if name == "ms_exchange_connector":
            domains = [one for one in self.all("exchange_domain") if self.by_uri(one["exchange_connector"]) == document]
            shown["domains"] = [{"id": one["id"], "domain": one["domain"]} for one in domains]
        return shown

    # --- validation ---------------------------------------------------------------------------------------------------

    def _checked(
        self, name: str, values: Mapping[str, Any], key: int | None = None, creating: bool = False
    ) -> dict[str, Any]:
        """The values as they are kept. What is no field, or read-only, is ignored, as tastypie does. Raises Invalid."""
        errors: dict[str, list[str]] = {}
        kept: dict[str, Any] = {}
        for field in self.resource(name).fields:
            if field.read_only or field.name == "domains":
                continue
            if field.name not in values:
                if creating and field.default is NOTHING:
                    errors[field.name] = ["This field is required."]
                continue
            value = values[field.name]
            problem = self._problem(field, value) or self._taken(name, field, value, key)
            if problem:
                errors[field.name] = [problem]
            kept[field.name] = _stored(value)
        if errors:
            raise Invalid(name, errors)
        return kept

    def _problem(self, field: Field, value: Any) -> str:
        """What is wrong with a value, in Django's words; empty when nothing is."""
        if value is None:
            return "" if field.null or field.default is None else "This field cannot be null."
        if field.type == "related":
            return "" if isinstance(value, str) and self.by_uri(value) else f"Could not find {value!r}."
        if field.type == "boolean":
            return "" if isinstance(value, bool) else f"\u201c{value}\u201d value must be either True or False."
        if field.type == "integer":
            if isinstance(value, bool) or not isinstance(value, int):
                return f"\u201c{value}\u201d value must be an integer."
            least, most = field.least or 0, field.most
            if most is not None and not least <= value <= most:
                side = "greater than or equal to" if value < least else "less than or equal to"
                return f"Ensure this value is {side} {least if value < least else most}."
            return ""
        return _text_problem(field, value)

    def _taken(self, name: str, field: Field, value: Any, key: int | None) -> str:
        """Names and unique ids are given once (inferred)."""
        if field.name not in ("name", "uuid") or not isinstance(value, str):
            return ""
        if any(one[field.name] == value and one["id"] != key for one in self.all(name)):
            return f"{self.resource(name).singular} with this {field.name.capitalize()} already exists."
        return ""


def _text_problem(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        return f"\u201c{value}\u201d value must be a string."
    if field.choices and value not in field.choices:
        return f"Value {value!r} is not a valid choice."
    if field.most is not None and len(value) > field.most:
        return f"Ensure this value has at most {field.most} characters (it has {len(value)})."
    if value == "" and (field.null or field.least or (field.default is NOTHING)):
        return "This field cannot be blank."
    return ""


def _stored(value: Any) -> Any:
    """Texts of several lines come back as a browser's form sends them: with CRLF."""
    return value.replace("\r\n", "\n").replace("\n", "\r\n") if isinstance(value, str) else value


def _defaults(resource: Resource) -> Document:
    return {field.name: field.default for field in resource.fields if field.default is not NOTHING}
