# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of one parameter's JSON value to its documented type, and the errors of values that do not fit."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .base import BindingError

_ADDRESS = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_TIME_SPAN = re.compile(r"-?(\d+\.)?\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?|\d+")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?|\d{1,2}/\d{1,2}/\d{4}.*")

# Null is a value of these (nullable types: Microsoft docs for EwsEnabled; inferred for the others).
_NULLABLE = re.compile(r"Ews(Enabled|Allow\w+)|ResourceCapacity|\w*Date|StsRefreshTokensValidFrom")

# The pages list value formats, not enumerators, for these types.
_NO_ENUM = {"MultiValuedProperty", "Unlimited", "ByteQuantifiedSize", "MimeTextFormat"}
# Types whose values combine; they come as an array or joined by commas.
_FLAGS = {"DaysOfWeek", "MailboxFolderPermissionFlags"}
_MORE_VALUES = {"ActiveDirectorySecurityInheritance": ("Descendents",)}
_LISTS = {"MultiValuedProperty", "ProxyAddressCollection"}

# .NET names as error texts print them. SmtpAddress and Unlimited: known names; the others are unverified.
_DOTNET = {
    "Boolean": "System.Boolean",
    "SwitchParameter": "System.Management.Automation.SwitchParameter",
    "Int32": "System.Int32",
    "Int16": "System.Int16",
    "UInt32": "System.UInt32",
    "String": "System.String",
    "DateTime": "System.DateTime",
    "TimeSpan": "System.TimeSpan",
    "SecureString": "System.Security.SecureString",
    "SmtpAddress": "Microsoft.Exchange.Data.SmtpAddress",
    "Unlimited": "Microsoft.Exchange.Data.Unlimited`1[System.UInt32]",
    "CalendarProcessingFlags": "Microsoft.Exchange.Data.Storage.CalendarProcessingFlags",
    "RecipientTypeDetails": "Microsoft.Exchange.Data.Directory.Recipient.RecipientTypeDetails",
    "RecipientType": "Microsoft.Exchange.Data.Directory.Recipient.RecipientType",
    "MailboxRights": "Microsoft.Exchange.Management.RecipientTasks.MailboxRights",
}


@dataclass(frozen=True)
class Change:
    """A multivalued parameter: the whole new list, or values to add and remove."""

    replace: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def apply(self, current: list[str]) -> list[str]:
        """The list after the change; values compare without case."""
        if self.replace is not None:
            return list(self.replace)
        gone = {value.lower() for value in self.remove}
        kept = [value for value in current if value.lower() not in gone]
        present = {value.lower() for value in kept}
        return kept + [value for value in self.add if value.lower() not in present]

    def map(self, convert_one: Callable[[str], str]) -> Change:
        """The same change with every value passed through ``convert_one``."""
        replace = None if self.replace is None else tuple(map(convert_one, self.replace))
        return Change(replace, tuple(map(convert_one, self.add)), tuple(map(convert_one, self.remove)))


class _Refused(Exception):
    """The value does not fit; the text is the inner error of the service's message."""


def convert(cmdlet: str, name: str, kind: str, values: tuple[str, ...], value: Any) -> Any:
    """One converted value: bool, int, str, list of str, Change, or None for null. Raises BindingError.

    Args:
        cmdlet: the documented cmdlet name.
        name: the documented parameter name.
        kind: the documented type.
        values: the documented enumerators, if any.
        value: from the request's JSON.
    """
    kind = kind.removeprefix("System.").removeprefix("Microsoft.Exchange.Data.")
    names = (*values, *_MORE_VALUES.get(kind, ())) if values and kind not in _NO_ENUM else ()
    try:
        if kind in _LISTS:
            return _change(value)
        if kind.endswith("[]") and kind != "Byte[]":
            return _array(kind.removesuffix("[]"), names, value)
        if kind in _FLAGS and isinstance(value, list):
            return ", ".join(_enumerator(names, one) for one in value)
        if value is None:
            return _null(name, kind)
        return _scalar(kind, names, value)
    except _Refused as refused:
        shown = _DOTNET.get(kind.removesuffix("[]"), f"Microsoft.Exchange.Data.{kind.removesuffix('[]')}")
        shown += "[]" if kind.endswith("[]") else ""
        # The sentence is a live capture's; for types that are no enumeration it is analogous (inferred).
        raise BindingError(
            "ParameterTransformationException",
            f"Cannot process argument transformation on parameter '{name}'. "
            f'Cannot convert value "{_shown(value)}" to type "{shown}". Error: "{refused}"',
        ) from refused


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "System.Collections.Hashtable"
    return " ".join(map(_shown, value)) if isinstance(value, list) else str(value)


def _null(name: str, kind: str) -> None:
    if kind in ("Boolean", "SwitchParameter", "Int32", "Int16", "UInt32") and not _NULLABLE.fullmatch(name):
        raise _Refused(f"Cannot convert null to type '{_DOTNET[kind]}'.")


def _scalar(kind: str, names: tuple[str, ...], value: Any) -> Any:
    if kind in ("Boolean", "SwitchParameter"):
        return _boolean(kind, value)
    if kind in ("Int32", "Int16", "UInt32"):
        return _integer(kind, value)
    if kind == "Byte[]":
        return _bytes(value)
    if isinstance(value, (list, dict)) and kind not in ("Stream", "GeoCoordinates"):
        raise _Refused(f'Cannot convert the value to type "{_DOTNET.get(kind, kind)}".')
    if names:
        parts = str(value).split(",") if kind in _FLAGS else [value]
        return ", ".join(_enumerator(names, part) for part in parts)
    if kind == "Unlimited":
        return _unlimited(value)
    if kind == "SmtpAddress" and not _ADDRESS.fullmatch(str(value)):
        raise _Refused(f"\"{value}\" isn't a valid SMTP address. The domain name can't contain spaces.")
    if kind in ("TimeSpan", "EnhancedTimeSpan") and not _TIME_SPAN.fullmatch(str(value)):
        raise _Refused("String was not recognized as a valid TimeSpan.")
    if kind == "DateTime" and not _DATE_TIME.fullmatch(str(value)):
        raise _Refused("String was not recognized as a valid DateTime.")
    if kind.endswith(("IdParameter", "Id")) and str(value).strip() == "":
        raise _Refused("Parameter values of type identity can't be empty. Specify a value, and try again.")
    return str(value) if not isinstance(value, (list, dict)) else value


def _bytes(value: Any) -> bytes:
    """Bytes come as an object with base64 text (working client); that nothing else is taken is inferred."""
    if not isinstance(value, dict) or value.get("@odata.type") != "#Exchange.ByteArrayType":
        raise _Refused("The value isn't an Exchange.ByteArrayType.")
    try:
        return base64.b64decode(value.get("Data", ""), validate=True)
    except (ValueError, TypeError) as error:
        raise _Refused("The input is not a valid Base-64 string.") from error


def _boolean(kind: str, value: Any) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    # PowerShell's own words.
    raise _Refused(
        f'Cannot convert value "{_shown(value)}" to type "{_DOTNET[kind]}". Boolean parameters accept only Boolean '
        "values and numbers, such as $True, $False, 1 or 0 instead."
    )


def _integer(kind: str, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"-?\d+", value.strip()):
        number = int(value)
    else:
        raise _Refused("Input string was not in a correct format.")
    limit = {"Int16": 2**15, "Int32": 2**31, "UInt32": 2**32}[kind]
    if not (0 if kind == "UInt32" else -limit) <= number < limit:
        raise _Refused(f"Value was either too large or too small for an {kind}.")
    return number


def _unlimited(value: Any) -> str:
    text = str(value).strip()
    if text.lower() == "unlimited" or re.fullmatch(r"\d+", text) or re.match(r"\d+(\.\d+)?\s?[KMGT]?B\b", text, re.I):
        return "Unlimited" if text.lower() == "unlimited" else text
    raise _Refused(f'The value "{text}" is neither a number nor Unlimited.')


def _enumerator(names: tuple[str, ...], value: Any) -> str:
    text = _shown(value).strip()
    found = next((name for name in names if name.lower() == text.lower()), None)
    if found is None:
        raise _Refused(
            f"Unable to match the identifier name {text} to a valid enumerator name. Specify one of the following "
            f"enumerator names and try again: {', '.join(names)}"
        )
    return found


def _array(kind: str, names: tuple[str, ...], value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, dict):
        raise _Refused(f'Cannot convert the hashtable to an array of type "{kind}".')  # inferred from PowerShell
    items = value if isinstance(value, list) else str(value).split(",") if names else [value]
    return [str(_scalar(kind, names, one)) for one in items]


def _change(value: Any) -> Change:
    if value is None:
        return Change(replace=())
    if not isinstance(value, dict):
        return Change(replace=_strings(value))
    parts = {key.lower(): item for key, item in value.items() if key != "@odata.type"}
    wrong = set(parts) - {"add", "remove"}
    if wrong or value.get("@odata.type") != "#Exchange.GenericHashTable":
        raise _Refused("The hashtable must have only the keys Add and Remove.")
    if not parts:
        return Change(replace=())
    return Change(add=_strings(parts.get("add", ())), remove=_strings(parts.get("remove", ())))


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        raise _Refused("A hashtable can't be an element of a multivalued property.")
    items = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(one, (list, dict)) or one is None for one in items):
        raise _Refused("The value isn't a list of strings.")
    return tuple(str(one) for one in items)
