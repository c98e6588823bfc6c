# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong between here and a service, as types."""

from __future__ import annotations

from .._text import one_line


class ServiceError(Exception):
    """A request failed. The text says what was tried, what the service answered, the request id, and what to do.

    Args:
        tried: what was tried, as in "read the user x".
        status: the HTTP status, 0 when there was no answer.
        code: the service's own error code.
        text: the service's own words, or the network's.
        request_id: the service's id of the request.
        advice: what to do.
    """

    def __init__(
        self,
        tried: str,
        status: int = 0,
        code: str = "",
        text: str = "",
        request_id: str = "",
        advice: str = "",
    ) -> None:
        self.tried, self.status, self.code, self.text = tried, status, code, text
        self.request_id, self.advice = request_id, advice
        super().__init__(tried, status, code, text, request_id, advice)

    def __str__(self) -> str:
        answer = " ".join(part for part in (str(self.status or ""), one_line(self.code, 100)) if part)
        tried, words = one_line(self.tried), one_line(self.text)
        text = " ".join(part for part in (f"Could not {tried}:", f"{answer}:" if answer else "", words) if part)
        text = text.rstrip(". ") + "."
        identity = f" (request id {one_line(self.request_id, 100)})" if self.request_id else ""
        return f"{text}{identity}{' ' + self.advice if self.advice else ''}"

    def while_trying(self, tried: str) -> ServiceError:
        """The same failure, of a lower floor, in the words of what was to be done."""
        return type(self)(tried, self.status, self.code, self.text, self.request_id, self.advice)


class NotFound(ServiceError):
    """The service says that the object is not there."""


class Unsettled(ServiceError):
    """The service does not know, everywhere, an object that was made a moment ago."""


class Busy(ServiceError):
    """The service refused the request for now, because of another one at the same time. Nothing was written."""


class Conflict(ServiceError):
    """The service says that there is such an object already."""


class Denied(ServiceError):
    """The caller lacks a permission or a role."""


class SignInFailed(ServiceError):
    """No token was issued for the credentials."""


class Unreachable(ServiceError):
    """No answer within the deadline, or the service is overloaded. Nothing was written by this request."""


class Untrusted(ServiceError):
    """The other side did not prove who it is, or what it says is not for it to say. Nothing was sent there."""


class BadAnswer(ServiceError):
    """An answer that no service would give; asking again does not help. What was asked for may have been done."""


class MayHaveHappened(ServiceError):
    """The connection broke, or the service failed, on a write that must not be repeated blindly."""


class TimedOut(ServiceError):
    """The writes were accepted, and reads did not show them before the deadline."""


class MissingLibrary(Exception):
    """A Python library is not installed.

    Args:
        name: the library's name on the package index.
        trace: the traceback of the failed import.
    """

    def __init__(self, name: str, trace: str) -> None:
        super().__init__(name)
        self.name, self.trace = name, trace
