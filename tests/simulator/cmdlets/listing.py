# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Get cmdlets that list objects share: OPATH filters, ambiguous name resolution, ResultSize."""

from __future__ import annotations

from .. import opath
from ..store import Document
from .base import BindingError, Call

DEFAULT_RESULT_SIZE = 1000
# Text: live capture.
MORE_RESULTS = (
    "There are more results available than are currently displayed. To view them, increase the value for the "
    "ResultSize parameter."
)


def condition(call: Call, parameter: str) -> opath.Condition:
    """The parsed filter in ``parameter``; a malformed one is the service's binding error."""
    text = call.get(parameter) or ""
    try:
        return opath.parse(text)
    except opath.FilterError as error:
        # The two-line text is what administrators quote; that REST wraps it like this is inferred.
        raise BindingError(
            "ParameterTransformationException",
            f"Cannot process argument transformation on parameter '{parameter}'. Cannot convert value \"{text}\" to "
            f'type "System.String". Error: "{error}"',
        ) from error


def anr(text: str, box: Document) -> bool:
    """Whether ambiguous name resolution finds the object: one of its names starts with the text (Microsoft docs)."""
    names = [str(box.get(key) or "") for key in ("Name", "DisplayName", "Alias", "FirstName", "LastName")]
    names += [entry.partition(":")[2] for entry in box.get("EmailAddresses", [])]
    return any(name.lower().startswith(text.lower()) for name in names)


def truncated(call: Call, rows: list[Document]) -> list[Document]:
    """The rows that ResultSize leaves, with the service's warning when it leaves some out."""
    size = call.get("ResultSize") or str(DEFAULT_RESULT_SIZE)
    if size == "Unlimited" or len(rows) <= int(size):
        return rows
    call.warnings.append(MORE_RESULTS)
    call.cut_short = True
    return rows[: int(size)]
