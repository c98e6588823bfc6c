# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a credential: which sign-in method is meant, and whether what it needs is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._private_files import UnsafeFile, check_private
from .confidential import Confidential

if TYPE_CHECKING:
    from .auth import Credential

METHODS = ("auto", "client_secret", "certificate", "managed_identity", "workload_identity", "device_code")


class BadCredentials(Exception):
    """The sign-in options do not fit together; the text names them."""


def credential_from(options: Mapping[str, Any], login_url: str, show: Callable[[str], None]) -> Credential:
    """The credential that the options describe.

    Args:
        options: auth_method, tenant_id, client_id, client_secret, certificate_path, certificate_passphrase,
            federated_token_file, token_cache_path.
        login_url: base address of the sign-in service.
        show: prints a device code message.

    Raises:
        BadCredentials: something is missing, or two credentials are given.
    """
    method = options["auth_method"]
    if method == "auto":
        method = _guess(options)
    if method == "managed_identity":
        from .managed_identity import ManagedIdentity

        return ManagedIdentity(options["client_id"])
    for name in ("tenant_id", "client_id"):
        if not options[name]:
            raise BadCredentials(f"{name} is missing; give it, or set AZURE_{name.upper()}.")
    authority, client_id = f"{login_url}/{options['tenant_id']}", options["client_id"]
    if method == "device_code":
        from .device_code import DeviceCode

        return DeviceCode(authority, client_id, show, _cache(options["token_cache_path"]))
    make, hint = _MAKERS[method](options)
    return Confidential(authority, client_id, make, hint)


def _guess(options: Mapping[str, Any]) -> str:
    if options["client_secret"] and options["certificate_path"]:
        raise BadCredentials(
            "client_secret and certificate_path are both given (options, or AZURE_CLIENT_SECRET and "
            "AZURE_CLIENT_CERTIFICATE_PATH); leave one out, or choose with auth_method."
        )
    if options["certificate_path"]:
        return "certificate"
    if options["client_secret"]:
        return "client_secret"
    if options["federated_token_file"]:
        return "workload_identity"
    raise BadCredentials(
        "no credential is given: set client_secret, certificate_path or federated_token_file (or their AZURE_* variables), "
        "or auth_method to managed_identity or device_code."
    )


def _secret(options: Mapping[str, Any]) -> tuple[Callable[[], Any], str]:
    if not options["client_secret"]:
        raise BadCredentials("client_secret is missing; give it, or set AZURE_CLIENT_SECRET.")
    return lambda: options["client_secret"], "client_secret"


def _certificate(options: Mapping[str, Any]) -> tuple[Callable[[], Any], str]:
    path, passphrase = Path(str(options["certificate_path"] or "")).expanduser(), options["certificate_passphrase"]
    content = _content(path, "certificate_path")
    if b"-----BEGIN" not in content:
        return lambda: {"private_key_pfx_path": str(path), "passphrase": passphrase, "public_certificate": True}, (
            "certificate_path and certificate_passphrase"
        )
    pem = content.decode("ascii", "replace")
    if "PRIVATE KEY-----" not in pem:
        raise BadCredentials(
            f"certificate_path: {path} holds no private key; a PEM file must hold the certificate and its key."
        )
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise BadCredentials(
            f"certificate_path: {path} holds no certificate; a PEM file must hold the certificate and its key."
        )
    if "ENCRYPTED" in pem and not passphrase:
        raise BadCredentials(f"certificate_passphrase is missing; the key in {path} is encrypted.")
    start = pem.index("-----BEGIN CERTIFICATE-----")
    end = pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
    credential = {"private_key": pem, "public_certificate": pem[start:end], "passphrase": passphrase or None}
    return lambda: credential, "certificate_path and certificate_passphrase"


def _federated(options: Mapping[str, Any]) -> tuple[Callable[[], Any], str]:
    path = Path(str(options["federated_token_file"] or "")).expanduser()
    _content(path, "federated_token_file")
    return lambda: {"client_assertion": path.read_text().strip()}, "federated_token_file"


def _cache(name: str | None) -> Path | None:
    """Where the refresh token is kept; a place that is not safe is refused before anybody is asked to sign in."""
    if not name:
        return None
    path = Path(name).expanduser()
    try:
        check_private(path)
    except UnsafeFile as error:
        raise BadCredentials(f"token_cache_path: {error}") from error
    return path


def _content(path: Path, option: str) -> bytes:
    if path == Path():
        raise BadCredentials(f"{option} is missing.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCredentials(f"{option}: {path} cannot be read: {error.strerror}.") from error


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[Callable[[], Any], str]]] = {
    "client_secret": _secret,
    "certificate": _certificate,
    "workload_identity": _federated,
}
