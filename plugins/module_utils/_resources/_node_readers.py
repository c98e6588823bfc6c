# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the managed objects of a Management Node read through: the clients' reads, as interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ._readers import Object


class NodeReads(Protocol):
    """Reads of the management API."""

    def fields(self, resource: str) -> dict[str, Object]:
        """The fields of a resource, as this node's version has them, by name."""

    def connectors(self) -> list[Object]:
        """Every integration, without its secrets."""

    def domains(self) -> list[Object]:
        """Every Exchange metadata domain, of any integration."""

    def scheduler(self, connector: int) -> Object | None:
        """The status of an integration's scheduler."""

    def last_failure(self) -> Object | None:
        """The newest operation of any scheduler that failed."""


class FileReads(Protocol):
    """Reads of the file with fingerprints."""

    def read(self, path: str) -> Object:
        """What is kept, {} when there is no file."""


class Readers(Protocol):
    """Both, and where the node is."""

    @property
    def node_url(self) -> str:
        """The node's address."""

    @property
    def infinity(self) -> NodeReads:
        """Reads of the management API."""

    @property
    def fingerprints(self) -> FileReads:
        """Reads of the file with fingerprints."""
