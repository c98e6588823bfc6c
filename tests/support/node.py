# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An administrator at a simulated Management Node: looks past the module under test, and sets the stage for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from .graph import Session
from .person import Person, browser, problem
from .simulator import Simulator

Data = dict[str, Any]
STATUS = {"exchange_scheduler", "scheduling_operation"}


class NodeAdministrator:
    """The node's API, and its pages in a browser."""

    def __init__(self, tenant: Simulator) -> None:
        self._tenant, ends = tenant, tenant.endpoints
        self._session = Session(ends["ca_path"])
        self._session.auth = (ends["infinity_username"], ends["infinity_password"])

    def _url(self, resource: str) -> str:
        kind = "status" if resource in STATUS else "configuration"
        return f"{self._tenant.endpoints['infinity_url']}/api/admin/{kind}/v1/{resource}/"

    def all(self, resource: str) -> list[Data]:
        """Every object of a resource."""
        answer = self._session.get(self._url(resource), params={"limit": "0"})
        assert answer.ok, answer.text
        found: list[Data] = answer.json()["objects"]
        return found

    def create(self, resource: str, **values: Any) -> str:
        """Make an object; its URI."""
        answer = self._session.post(self._url(resource), json=values)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def change(self, uri: str, **values: Any) -> None:
        """Change an object."""
        answer = self._session.patch(self._tenant.endpoints["infinity_url"] + uri, json=values)
        assert answer.ok, answer.text

    def scheduler(self) -> Data:
        """The status of the one scheduler."""
        (found,) = self.all("exchange_scheduler")
        return found

    def sign_in(self, connector: int, **answers: str) -> str:
        """Sign in at the connector as its service account, in a browser.

        Args:
            answers: what is typed on the pages, by the field's name.

        Returns:
            What the page says is wrong where it ends; empty when all is well.
        """
        page = f"/admin/platform/msexchangeconnector/{connector}/oauth_sign_in/"
        start = self._session.get(self._tenant.endpoints["infinity_url"] + page, allow_redirects=False)
        if not start.is_redirect:
            return problem(start)
        end = Person(browser(self._tenant.endpoints["ca_path"]), **answers).visit(start.headers["location"])
        return problem(self.follow(end.headers["location"]) if end.is_redirect else end)

    def follow(self, address: str) -> requests.Response:
        """Where the browser is sent back to; the node's name, whatever it is, resolves to the simulated one."""
        parts = urlsplit(address)
        return self._session.get(f"{self._tenant.endpoints['infinity_url']}{parts.path}?{parts.query}", auth=_nobody)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without the administrator's password."""
    return request
