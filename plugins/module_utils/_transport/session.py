# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that everything goes through: our own requests, msal's and exchangelib's.

Whoever answers must prove who it is, and gets a bounded time and a bounded number of bytes for its answer. requests' own
timeout starts anew with every byte, and neither msal nor exchangelib bounds what it reads, so the bounds are set where all
bytes come by: at the socket. `requests` is imported when the first session is made, so that documentation and argument
checks do not need it.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
import traceback
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

from .clock import Deadline
from .errors import BadAnswer, MissingLibrary, Untrusted
from .tls import untrusted

if TYPE_CHECKING:
    import requests

LARGEST_ANSWER = 32 * 1024 * 1024
CHUNK = 64 * 1024
USER_AGENT = "vmrops.o365/0.1.0 (Ansible collection)"


def make_session(ca_path: str | None, timeout: float, verify: bool = True) -> requests.Session:
    """A session for every service.

    It follows no redirect, since what is sent holds credentials, and takes none from a .netrc file, which would replace them.
    The proxies of the environment are used, and REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE unless ``ca_path`` is given.

    Args:
        ca_path: a CA file that wins over the environment's; None for the environment's, or the system's.
        timeout: seconds for one request, from the connection to the last byte of the answer.
        verify: whether the other side must prove who it is.

    Raises:
        MissingLibrary: requests is not installed.
    """
    adapter = make_adapter(ca_path, timeout, verify)
    import requests

    known: dict[Any, Any] = {}

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """None: no redirect is followed."""

        def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            """The environment's settings for an address, which hold for all of its host; looking them up takes long."""
            if proxies:
                return super().merge_environment_settings(url, proxies, stream, verify, cert)
            mark = (*urlsplit(url)[:2], stream, verify, cert)
            if mark not in known:
                known[mark] = super().merge_environment_settings(url, proxies, stream, verify, cert)
            return dict(known[mark])

    session = Session()
    # Any authentication of the session's own keeps requests from looking for one in .netrc.
    session.auth = lambda request: request
    session.headers["User-Agent"] = USER_AGENT
    session.mount("https://", adapter())
    session.mount("http://", adapter())
    return session


def make_adapter(ca_path: str | None, seconds: float, verified: bool = True) -> type[requests.adapters.HTTPAdapter]:
    """A class of adapters, to be mounted on a session; arguments and errors as of make_session."""
    try:
        import requests
        import urllib3
    except ImportError as error:
        raise MissingLibrary("requests", traceback.format_exc()) from error

    class Adapter(requests.adapters.HTTPAdapter):
        """Raises Untrusted and BadAnswer beside what requests raises."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            self.allowance = _Allowance()
            super().init_poolmanager(*args, ssl_context=_tls_context(self.allowance, verified), **kwargs)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            return super().proxy_manager_for(proxy, ssl_context=_tls_context(self.allowance, verified), **kwargs)

        def send(
            self,
            request: requests.PreparedRequest,
            stream: bool = False,
            timeout: Any = None,
            verify: Any = True,
            cert: Any = None,
            proxies: Any = None,
        ) -> requests.Response:
            """One request and its answer, read whole. Verification stays as it was made, whatever the caller says."""
            host = str(urlsplit(str(request.url)).hostname)
            _check_scheme(str(request.url), host)
            request.headers["Accept-Encoding"] = "gzip"
            self.allowance.start(seconds)
            try:
                trusted = (ca_path or verify or True) if verified else False
                response = super().send(request, True, seconds, trusted, cert, proxies)
                response._content = _body(response, host)
                response._content_consumed = True  # type: ignore[attr-defined]
            except requests.exceptions.SSLError as error:
                raise untrusted(error, host) or requests.exceptions.ConnectionError(error, request=request) from error
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
                # Not with its own words, which may hold the proxy's password. To msal, these are a wrong tenant.
                raise Untrusted(
                    f"use {host}", text="the proxy's address cannot be used", advice=_PROXY_ADVICE
                ) from None
            except requests.exceptions.RequestException:
                raise
            except (urllib3.exceptions.HTTPError, zlib.error) as error:
                raise requests.exceptions.ChunkedEncodingError(error, request=request) from error
            except OSError as error:
                text = f"the certificates to trust cannot be read: {error}"
                raise Untrusted(f"use {host}", text=text, advice=_BUNDLE_ADVICE) from error
            response.encoding = "utf-8"
            return response

    return Adapter


def network_words(error: Exception) -> str:
    """What the network said, without the password of a proxy."""
    cause, text = error, str(error)
    while cause.args and isinstance(cause.args[0], Exception):
        reason = getattr(cause.args[0], "reason", None)  # a text, of an error of TLS
        cause = reason if isinstance(reason, Exception) else cause.args[0]
        text = str(cause) or text
    for proxy in getproxies().values():
        _user, _colon, password = proxy.partition("://")[2].rpartition("@")[0].partition(":")
        for secret in filter(None, (password, unquote(password))):
            text = text.replace(secret, "********")
    return text


_PROXY_ADVICE = "Check HTTPS_PROXY; characters that mean something in an address are percent-encoded in a password."
_BUNDLE_ADVICE = "Check ca_path, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE."


class _Allowance(threading.local):
    """What is left of the time and the bytes that one request and its answer may take; each thread sends its own."""

    def start(self, seconds: float) -> None:
        """Begin a request."""
        self._deadline, self._bytes = Deadline(seconds), LARGEST_ANSWER

    @property
    def seconds(self) -> float:
        """What is left. Raises TimeoutError when nothing is."""
        if not self._deadline.left:
            raise TimeoutError("timed out")
        return self._deadline.left

    def spend(self, number: int) -> None:
        """Count bytes that came. Raises BadAnswer when they are too many."""
        self._bytes -= number
        if self._bytes < 0:
            raise _too_large("the service")


def _tls_context(allowance: _Allowance, verified: bool) -> ssl.SSLContext:
    """Contexts that verify, unless told otherwise; requests adds the certificates to trust."""

    class Socket(ssl.SSLSocket):
        """A socket on an allowance."""

        def do_handshake(self, block: bool = False) -> None:
            self.settimeout(allowance.seconds)
            super().do_handshake(block)

        def send(self, *args: Any, **kwargs: Any) -> int:
            self.settimeout(allowance.seconds)
            return super().send(*args, **kwargs)

        def recv_into(self, *args: Any, **kwargs: Any) -> int:
            self.settimeout(allowance.seconds)
            number = super().recv_into(*args, **kwargs)
            allowance.spend(number)
            return number

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = Socket
    context.check_hostname = verified
    return context


def _check_scheme(url: str, host: str) -> None:
    """Raise Untrusted for plain HTTP, which only this machine's own identity endpoint speaks."""
    if urlsplit(url).scheme == "https":
        return
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = ipaddress.ip_address("0.0.0.0")  # noqa: S104 - nothing is bound to it
    if not (address.is_loopback or address.is_link_local):
        text = "its address does not begin with https://"
        raise Untrusted(f"use {host}", text=text, advice="Credentials are only sent over TLS.")


def _body(response: requests.Response, host: str) -> bytes:
    """The body, bounded before and after decompression.

    A refusal that cannot be decompressed counts as empty: Exchange sends some with a body of NUL bytes declared gzip.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise BadAnswer(f"use {host}", response.status_code, text=f"the answer's encoding {encoding} was not asked for")
    decoder = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    content = bytearray()
    try:
        while chunk := response.raw.read(CHUNK, decode_content=False):
            content += decoder.decompress(chunk, LARGEST_ANSWER + 1 - len(content)) if decoder else chunk
            if len(content) > LARGEST_ANSWER:
                raise _too_large(host)
        if decoder and content and not decoder.eof:
            raise zlib.error("the compressed answer ends too early")
    except zlib.error:
        response.close()
        if response.status_code < 400:
            raise
        return b""
    except BaseException:
        response.close()
        raise
    return bytes(content)


def _too_large(host: str) -> BadAnswer:
    return BadAnswer(f"use {host}", text=f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB")
