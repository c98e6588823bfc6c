# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS that does not come about: which of the possible reasons it was, and what to do about it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from .errors import Untrusted

_AUTHORITY_ADVICE = (
    "Give the certificate of the authority that signed it with ca_path, e.g. that of a proxy that inspects TLS."
)
_TIME_ADVICE = "Check this machine's clock, and what answers in the service's place."
_NAME_ADVICE = "Check the endpoint's host name, name resolution, and what answers in the service's place."
_VERSION_ADVICE = "Check the proxy, or whatever answers in the service's place: it must speak TLS 1.2 or newer."
_BUNDLE_ADVICE = "Check ca_path, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE."

# X509_V_ERR_* of OpenSSL, which the ssl module has no names for.
_CERTIFICATE: dict[int, tuple[str, str]] = {
    9: ("its certificate is not valid yet", _TIME_ADVICE),
    10: ("its certificate has expired", _TIME_ADVICE),
    18: ("its certificate is self-signed", _AUTHORITY_ADVICE),
    19: ("its certificate is signed by an unknown authority", _AUTHORITY_ADVICE),
    20: ("its certificate is signed by an unknown authority", _AUTHORITY_ADVICE),
    21: ("its certificate is signed by an unknown authority", _AUTHORITY_ADVICE),
    62: ("its certificate is for another host name", _NAME_ADVICE),
    64: ("its certificate is for another address", _NAME_ADVICE),
}
# Reasons that OpenSSL gives before anything was sent.
_HANDSHAKE: tuple[tuple[str, str, str], ...] = (
    ("PROTOCOL_VERSION", "it does not speak TLS 1.2 or newer", _VERSION_ADVICE),
    ("UNSUPPORTED_PROTOCOL", "it does not speak TLS 1.2 or newer", _VERSION_ADVICE),
    ("WRONG_VERSION_NUMBER", "it does not speak TLS at that port", "Check the endpoint's port."),
    ("HTTP_REQUEST", "it does not speak TLS at that port", "Check the endpoint's port."),
    ("HANDSHAKE_FAILURE", "it has no cipher in common with this machine", _VERSION_ADVICE),
    ("NO_CERTIFICATE_OR_CRL", "the file of certificates to trust holds none", _BUNDLE_ADVICE),
    ("PEM lib", "the file of certificates to trust cannot be read", _BUNDLE_ADVICE),
)


def untrusted(error: BaseException, host: str) -> Untrusted | None:
    """What a failure of TLS means; None for a connection that merely broke.

    Args:
        error: as requests raised it, with OpenSSL's words somewhere within.
        host: whose certificate was looked at.
    """
    tried = f"use {host}"
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            text, advice = _CERTIFICATE.get(
                cause.verify_code, (f"its certificate is refused: {cause.verify_message}", _AUTHORITY_ADVICE)
            )
            return Untrusted(tried, text=f"TLS with {host} failed: {text} ({cause.verify_message})", advice=advice)
        if isinstance(cause, ssl.SSLError):
            for mark, text, advice in _HANDSHAKE:
                if mark in f"{cause.reason} {cause}":
                    return Untrusted(tried, text=f"TLS with {host} failed: {text}", advice=advice)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that it wraps: urllib3 puts them into ``reason`` and ``args``."""
    seen: list[BaseException] = []
    rest = [error]
    while rest:
        one = rest.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            rest += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
