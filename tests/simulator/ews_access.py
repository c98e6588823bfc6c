# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls EWS, as which mailbox, and what that mailbox's owner may open and do."""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import ews_rights
from .ews_policy import refuses_application, refuses_mailbox
from .ews_store import FOLDERS, EwsError, Reference, decode
from .ews_xml import Element, child, elements, local, number, text
from .store import Document
from .tenant import EWS_APPLICATION_ROLE, Tenant
from .tokens import OUTLOOK_AUDIENCES, Principal, TokenRefused

_CHALLENGE = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
    'trusted_issuers="00000001-0000-0000-c000-000000000000@*", '
    'token_types="app_asserted_user_v1 service_asserted_app_v1", '
    'authorization_uri="https://login.windows.net/common/oauth2/authorize", error="invalid_token"'
)
# x-ms-diagnostics by tokens.TokenRefused.reason. The text of "audience" and the other reasons' numbers are inferred.
_REASONS = {
    "missing": '2000001;reason="The request has no token.";error_category="invalid_token"',
    "malformed": '2000001;reason="The token is malformed.";error_category="invalid_token"',
    "expired": '2000002;reason="The token has expired.";error_category="invalid_token"',
    "signature": '2000004;reason="The token has an invalid signature.";error_category="invalid_token"',
    "audience": '2000003;reason="The audience claim value is invalid.";error_category="invalid_resource"',
}
_SCOPE = '2000008;reason="The token contains not enough scope to make this call.";error_category="invalid_grant"'
_NO_MAILBOX = "The SMTP address has no mailbox associated with it."  # wording unverified
_NO_FOLDER = "The specified folder could not be found in the store."


class Refusal(Exception):
    """The request fails before SOAP is looked at: an empty answer with a status and headers."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(str(status))
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class Caller:
    """As whom a request runs. ``mailbox`` is None for a signed-in user without one."""

    tenant: Tenant
    user_id: str
    mailbox: Document | None
    time_zone: str | None = None

    def box(self, guid: str) -> Document:
        """The mailbox with that Guid. Raises EwsError when it is gone."""
        found = self.tenant.fresh.get("mailbox", guid)
        if found is None or found["WhenSoftDeleted"] or found["_ready"] > time.time():
            raise EwsError("ErrorNonExistentMailbox", _NO_MAILBOX)
        return found

    def rights(self, mailbox: Document, folder: str) -> frozenset[str]:
        """What the caller may do in a folder."""
        return ews_rights.rights(self.tenant, mailbox, folder, self.user_id)

    def demand(self, mailbox: Document, folder: str, right: str) -> None:
        """Raises EwsError when the caller lacks a right in a folder."""
        if right not in self.rights(mailbox, folder):
            raise _denied()

    def permit(self, item: Document, right: str) -> Document:
        """The item. Raises EwsError when the caller may not do this to it: see it, or change or delete it.

        A right over all items is also had over an item of one's own making by who has it over those. Private items are
        kept from changes by who may not see them (inferred).
        """
        mailbox = self.box(item["_mailbox"])
        held = self.rights(mailbox, item["_folder"])
        own = right.replace("All", "Owned") in held and item.get("_maker") == self.user_id
        hidden = item.get("Sensitivity") == "Private" and ews_rights.PRIVATE not in held and right != "ReadItems"
        if hidden or not (right in held or own):
            raise _denied()
        return item

    def reference(self, element: Element | None) -> Reference:
        """What an ItemId, OccurrenceItemId or RecurringMasterItemId says."""
        kinds = ("ItemId", "ReferenceItemId", "ParentItemId", "OccurrenceItemId", "RecurringMasterItemId")
        if element is None or local(element) not in kinds:
            raise EwsError("ErrorInvalidIdEmpty", "Id must be non-empty.")
        kind = local(element)
        name = {"OccurrenceItemId": "RecurringMasterId", "RecurringMasterItemId": "OccurrenceId"}.get(kind, "Id")
        said = decode(element.get(name, ""))
        if said.kind == "F":
            raise EwsError("ErrorCannotUseFolderIdForItemId", "Id must be that of an item.")
        if said.kind == "A":
            raise EwsError("ErrorInvalidIdNotAnItemAttachmentId", "Id must be that of an item.")
        self.box(said.mailbox)
        if kind == "OccurrenceItemId":
            return Reference(said.mailbox, "O", said.item_id, number(element.get("InstanceIndex", "0")))
        return Reference(said.mailbox, "I", said.item_id) if kind == "RecurringMasterItemId" else said

    def folder(self, element: Element, right: str = "FolderVisible") -> tuple[Document, str]:
        """The mailbox and distinguished name that a FolderId or DistinguishedFolderId means.

        Raises EwsError for one that is not there, or in which the caller lacks that right.
        """
        mailbox, name = self._named(element)
        self.demand(mailbox, name, right)
        return mailbox, name

    def _named(self, element: Element) -> tuple[Document, str]:
        if local(element) == "FolderId":
            said = decode(element.get("Id", ""))
            if said.kind != "F":
                raise EwsError("ErrorCannotUseItemIdForFolderId", "Id must be that of a folder.")
            return self.box(said.mailbox), said.folder
        mailbox, address = self.mailbox, text(child(child(element, "Mailbox"), "EmailAddress"))
        if address:
            mailbox = self.tenant.mailbox_by_address(address)
            if mailbox is None:
                raise EwsError("ErrorNonExistentMailbox", _NO_MAILBOX)
        if mailbox is None:
            raise EwsError(
                "ErrorMissingEmailAddress",
                "When making a request as an account that does not have a mailbox, you must specify the mailbox "
                "primary SMTP address for any distinguished folder Ids.",
            )
        name = element.get("Id", "")
        if name not in FOLDERS:
            raise EwsError("ErrorFolderNotFound", _NO_FOLDER)
        return mailbox, name


def _denied() -> EwsError:
    return EwsError("ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def authenticate(tenant: Tenant, authorization: str | None, user_agent: str = "") -> Principal:
    """The principal of the Authorization header. Raises Refusal: 401, or 403 when it may not use EWS at all.

    A token without any permission is said to get 401 instead (unverified); the simulator answers 403 there too, which
    was captured.
    """
    try:
        principal = tenant.tokens.verify(authorization, OUTLOOK_AUDIENCES)
    except TokenRefused as error:
        raise Refusal(401, WWW_Authenticate=_CHALLENGE, x_ms_diagnostics=_REASONS[error.reason]) from error
    if principal.app_only:
        service_principal = tenant.service_principal(principal.app_id)
        scoped = service_principal and tenant.role_assignments(service_principal["id"], EWS_APPLICATION_ROLE)
        enough = bool("full_access_as_app" in principal.roles or scoped)
    else:
        enough = "EWS.AccessAsUser.All" in principal.scopes
    if not enough:
        raise Refusal(403, x_ms_diagnostics=_SCOPE)
    _heed(refuses_application(tenant, principal.app_id, user_agent))
    return principal


def _heed(reason: str) -> None:
    """403 with the reason in a header and nothing else to rely on (Microsoft docs)."""
    if reason:
        raise Refusal(403, X_EWS_Policy_Reason=reason)


def caller(tenant: Tenant, principal: Principal, header: Element | None, user_agent: str = "") -> Caller:
    """As whom the request runs, from its SOAP header.

    Raises EwsError for an impersonation that is refused, Refusal for a mailbox that is closed to EWS.

    Microsoft's documentation demands X-AnchorMailbox with impersonation but names no error for its absence (requests
    get slow or fail), and exchangelib's ConvertId works without it. So it is not looked at.
    """
    context = child(child(header, "TimeZoneContext"), "TimeZoneDefinition")
    time_zone = context.get("Id") if context is not None else None
    impersonation = child(header, "ExchangeImpersonation")
    if impersonation is None:
        if principal.app_only:
            # Code and text: issues 245 of ews-managed-api and 735 of exchangelib (live captures).
            raise EwsError(
                "ErrorInvalidExchangeImpersonationHeaderData",
                "ExchangeImpersonation SOAP header must be present for this type of OAuth token.",
            )
        boxes = tenant.mailboxes(tenant.fresh)
        own = next((box for box in boxes if box["ExternalDirectoryObjectId"] == principal.user_id), None)
        if own:
            _heed(refuses_mailbox(tenant, own, user_agent))
        return Caller(tenant, principal.user_id, own, time_zone)
    mailbox = _impersonated(tenant, impersonation)
    if principal.app_only:
        allowed = tenant.application_reaches(principal, mailbox)
    else:
        allowed = tenant.user_impersonates(principal.user_id, mailbox)
    if not allowed:
        raise EwsError(
            "ErrorImpersonateUserDenied", "The account does not have permission to impersonate the requested user."
        )
    _heed(refuses_mailbox(tenant, mailbox, user_agent))
    return Caller(tenant, mailbox["ExternalDirectoryObjectId"], mailbox, time_zone)


def _impersonated(tenant: Tenant, impersonation: Element) -> Document:
    said = elements(child(impersonation, "ConnectingSID"))
    if len(said) != 1 or local(said[0]) not in ("PrimarySmtpAddress", "SmtpAddress", "PrincipalName"):
        # Exchange Online has no SIDs of its own to offer, so SID ends here too (inferred).
        raise EwsError(
            "ErrorInvalidExchangeImpersonationHeaderData", "ExchangeImpersonation SOAP header contains invalid data."
        )
    kind, value = local(said[0]), text(said[0])
    if kind == "PrincipalName":
        boxes = tenant.mailboxes(tenant.fresh)
        mailbox = next((box for box in boxes if box["UserPrincipalName"].lower() == value.lower()), None)
    else:
        mailbox = tenant.mailbox_by_address(value)
    if mailbox is None:
        raise EwsError("ErrorNonExistentMailbox", _NO_MAILBOX)
    if kind == "PrimarySmtpAddress" and mailbox["PrimarySmtpAddress"].lower() != value.lower():
        raise EwsError(
            "ErrorNonPrimarySmtpAddress",
            "The primary SMTP address must be specified when referencing a mailbox.",
            Primary=mailbox["PrimarySmtpAddress"],
        )
    return mailbox
