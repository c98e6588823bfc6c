# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the managed objects read through: the clients' reads, as interfaces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

Object = dict[str, Any]
Event = dict[str, Any]
Value = TypeVar("Value")


class DirectoryReads(Protocol):
    """Reads of the directory; None means that the service says that the object is not there."""

    def user(self, name: str) -> Object | None:
        """A user by user principal name or object id, with what account management needs."""

    def users(self, names: Sequence[str]) -> list[Object | None]:
        """Several users as ``user`` reads them, in batches."""

    def memberships(self, user_id: str) -> list[Object]:
        """The groups, administrative units and directory roles of a user, through groups in groups."""

    def user_to_refer_to(self, name: str) -> Object | None:
        """The id of a user, by user principal name or object id, for another object to refer to."""

    def deleted_users(self, user_principal_name: str) -> list[Object]:
        """Users in the recycle bin that had this user principal name."""

    def holders_of_address(self, address: str) -> list[Object]:
        """Users that hold an SMTP address."""

    def domains(self) -> list[Object]:
        """The tenant's domains, verified or not."""

    def subscribed_skus(self) -> list[Object]:
        """The licences that the tenant has bought."""

    def organization(self) -> Object:
        """The tenant itself: its name and its verified domains."""

    def security_defaults(self) -> bool:
        """Whether the tenant's security defaults are on."""

    def conditional_access_policies(self) -> list[Object]:
        """Every conditional access policy, enforced or not."""

    def mailbox_provisioned(self, user_id: str) -> bool:
        """Whether Exchange has made the user's mailbox; until then Graph answers MailboxNotEnabledForRESTAPI."""

    def application_by_unique_name(self, unique_name: str) -> Object | None:
        """An application registration by its unique name."""

    def application_by_app_id(self, app_id: str) -> Object | None:
        """An application registration by its application (client) id."""

    def applications_named(self, display_name: str) -> list[Object]:
        """Application registrations of that display name, which need not be unique."""

    def deleted_applications(self, name: str) -> list[Object]:
        """Application registrations in the recycle bin that hold this unique name or application id."""

    def deleted_service_principals(self, app_id: str) -> list[Object]:
        """Service principals of an application in the recycle bin."""

    def key_credentials(self, application_id: str) -> list[Object]:
        """An application's certificates with their public keys, which only this read returns."""

    def owners(self, application_id: str) -> list[Object]:
        """The owners of an application."""

    def service_principal(self, app_id: str) -> Object | None:
        """Exchange's pointer to an Entra service principal, by application id or object id."""

    def service_principals_named(self, display_name: str) -> list[Object]:
        """Service principals of that display name."""

    def service_principals(self, ids: Sequence[str]) -> list[Object | None]:
        """Several service principals by object id, with the app roles that they offer, in batches."""

    def app_role_assignments(self, service_principal_id: str) -> list[Object]:
        """The app roles that a service principal was granted."""

    def delegated_grants(self, service_principal_id: str) -> list[Object]:
        """The delegated permission grants for everybody that a service principal has; those of single users are left out."""


class MailboxReads(Protocol):
    """Reads of Exchange Online; None means that the service says that the object is not there."""

    def mailbox(self, identity: str) -> Object | None:
        """A mailbox by any identity that Exchange takes."""

    def recipient(self, identity: str) -> Object | None:
        """A recipient of any kind."""

    def recipients(self, identities: Sequence[str]) -> list[Object | None]:
        """Several recipients, in batches."""

    def calendar_processing(self, identity: str) -> Object | None:
        """How a mailbox treats meeting requests."""

    def client_access(self, identities: Sequence[str]) -> list[Object | None]:
        """The protocols of several mailboxes, in batches."""

    def accepted_domains(self) -> list[str]:
        """The domains in which the tenant may have addresses."""

    def organization(self) -> Object:
        """The organization's configuration, with the list of applications that may use EWS."""

    def group(self, identity: str) -> Object | None:
        """A group that Exchange recognises, i.e. a mail-enabled one."""

    def group_members(self, identity: str) -> list[Object]:
        """The direct members of a group."""

    def administrative_unit(self, identity: str) -> Object | None:
        """An administrative unit by name or id."""

    def mailbox_permissions(self, mailbox: str, user: str) -> list[Object]:
        """The permission entries of one user or group on a mailbox."""

    def send_as(self, mailbox: str, trustee: str) -> list[Object]:
        """The entries that let a user or group send as a recipient."""

    def calendar_folder(self, mailbox: str) -> str:
        """The default calendar of a mailbox, as the folder cmdlets name it."""

    def folder_permission(self, folder: str, user: str) -> Object | None:
        """The entry of one user or group on a folder."""

    def organization_apps(self) -> list[Object]:
        """The Outlook add-ins of the organization."""

    def management_role(self, name: str) -> Object | None:
        """A management role by name."""

    def management_scope(self, name: str) -> Object | None:
        """A management scope by name."""

    def role_assignment(self, name: str) -> Object | None:
        """A role assignment by name."""

    def role_assignments_of(self, assignee: str) -> list[Object]:
        """The role assignments of a user or an application; none when Exchange does not know the assignee."""

    def application_role_assignments(self, app_id: str, object_id: str) -> list[Object]:
        """The role assignments of an application; ``role_assignments_of`` its application id is the guess at it."""

    def role_assignments_with(self, role: str) -> list[Object]:
        """Every assignment of a management role."""

    def role_assignments_to(self, assignee_type: str) -> list[Object]:
        """Every role assignment to that type of assignee: ServicePrincipal, User, ..."""

    def role_assignments_over(self, scope: str) -> list[Object]:
        """Every role assignment to users and groups over a management scope."""

    def service_principal(self, identity: str) -> Object | None:
        """Exchange's pointer to an Entra service principal, by application id or object id."""

    def application_service_principal(self, app_id: str, object_id: str) -> Object | None:
        """Exchange's pointer to this service principal; ``service_principal`` of the application id is the guess at it."""

    def authorization(self, app_id: str, mailbox: str) -> list[Object]:
        """What an application may do with a mailbox, role by role; asked past the permission cache."""


class CalendarReads(Protocol):
    """Reads of a mailbox's calendar, in the same words whichever service answers."""

    def view(self, mailbox: str, start: datetime, end: datetime, backend: str) -> tuple[str, list[Event], list[str]]:
        """The service that answered, the events that overlap with the time between start and end, and warnings.

        ``backend`` is ews or graph for that service alone, or auto.
        """


class Gathers(Protocol):
    """Reads that do not depend on each other, sent together."""

    def of(self, *reads: Callable[[], Any]) -> list[Any]:
        """What each of the reads gives. They are run again from their beginning when answers come, and so must only read."""

    def expecting(self, read: Callable[[], Value], *guesses: Callable[[], Any]) -> Value:
        """What a read gives; the guesses at what it may ask later go with its first request, and may fail."""


class Readers(Protocol):
    """All of them, as the module hands them over."""

    @property
    def together(self) -> Gathers:
        """Sends reads together."""

    @property
    def directory(self) -> DirectoryReads:
        """Reads of the directory."""

    @property
    def mailboxes(self) -> MailboxReads:
        """Reads of Exchange Online."""

    @property
    def calendars(self) -> CalendarReads:
        """Reads of calendars."""

    def claims(self, service: str) -> Object:
        """What the caller's token for GRAPH or EXCHANGE_ONLINE says of its bearer; {} when it cannot be read."""

    def refusal_of(self, client_id: str, client_secret: str) -> str:
        """Why an application gets no token for Exchange with this secret; empty when it gets one."""

    def attempt(self, read: Callable[[], Value]) -> tuple[Value | None, str]:
        """What a read gives, and why it failed; empty when it did not."""

    @property
    def tenant_id(self) -> str:
        """The tenant, as it was given."""

    @property
    def login_url(self) -> str:
        """Base address of the sign-in service."""

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
