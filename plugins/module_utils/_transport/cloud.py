# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of each national cloud.

Hosts are those of Microsoft's deployment pages. For China two Exchange hosts are documented; the one that Microsoft's own
module uses stands here, and outlook_url overrides it. DoD's Exchange host is that of the admin API pages.
"""

from __future__ import annotations

from typing import NamedTuple


class Cloud(NamedTuple):
    """Base addresses, without a trailing slash.

    ``graph_resource`` and ``outlook_resource`` are what tokens are asked for; they stay the cloud's own when an address is
    overridden, since a token's audience names the service and not the way to it.
    """

    login_url: str
    graph_url: str
    outlook_url: str
    graph_resource: str
    outlook_resource: str

    def overridden(self, login_url: str | None, graph_url: str | None, outlook_url: str | None) -> Cloud:
        """The same cloud at other addresses; None keeps the cloud's own."""
        return self._replace(
            login_url=(login_url or self.login_url).rstrip("/"),
            graph_url=(graph_url or self.graph_url).rstrip("/"),
            outlook_url=(outlook_url or self.outlook_url).rstrip("/"),
        )


def _cloud(login: str, graph: str, outlook: str) -> Cloud:
    return Cloud(*(f"https://{host}" for host in (login, graph, outlook, graph, outlook)))


CLOUDS = {
    "global": _cloud("login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"),
    "usgov_gcc_high": _cloud("login.microsoftonline.us", "graph.microsoft.us", "outlook.office365.us"),
    "usgov_dod": _cloud("login.microsoftonline.us", "dod-graph.microsoft.us", "outlook-dod.office365.us"),
    "china": _cloud("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn", "partner.outlook.cn"),
}

# What Azure's own modules call them, in AZURE_CLOUD_ENVIRONMENT. They have one name for both parts of the US government's.
AZURE_CLOUDS = {
    "AzureCloud": "global",
    "AzureUSGovernment": "usgov_gcc_high",
    "AzureChinaCloud": "china",
}
