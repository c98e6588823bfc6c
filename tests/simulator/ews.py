# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Web Services: one address, SOAP in and out, and the autodiscover answer that leads to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from lxml import etree
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from . import ews_attachments, ews_availability, ews_folders, ews_items, ews_names, ews_read, ews_update
from .breaches import Breach, refuse
from .ews_access import Refusal, authenticate, caller
from .ews_contract import breaches
from .ews_store import EwsError
from .ews_xml import ERRORS, MESSAGES, SOAP, TYPES, Element, elements, invalid, local, make
from .tenant import Tenant
from .tokens import Principal

OPERATIONS = {
    "ConvertId": ews_names.convert_id,
    "CreateAttachment": ews_attachments.create_attachment,
    "CreateItem": ews_items.create_item,
    "DeleteAttachment": ews_attachments.delete_attachment,
    "DeleteItem": ews_items.delete_item,
    "FindFolder": ews_folders.find_folder,
    "FindItem": ews_read.find_item,
    "GetAttachment": ews_attachments.get_attachment,
    "GetFolder": ews_folders.get_folder,
    "GetItem": ews_read.get_item,
    "GetServerTimeZones": ews_names.get_server_time_zones,
    "MoveItem": ews_items.move_item,
    "ResolveNames": ews_names.resolve_names,
    "SendItem": ews_items.send_item,
    "UpdateItem": ews_update.update_item,
}
_LIMIT = 4 * 1024 * 1024
_VERSION = {
    "MajorVersion": "15",
    "MinorVersion": "20",
    "MajorBuildNumber": "9115",
    "MinorBuildNumber": "20",
    "Version": "V2018_01_08",
}


class _AnyCase(Route):
    """A route whose path is compared without case, as IIS does."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches({**scope, "path": scope["path"].lower()})


def routes(tenant: Tenant, urls: Mapping[str, str], breach: Breach = refuse) -> list[BaseRoute]:
    """The paths that EWS answers on the Exchange Online host name.

    ``breach`` is told of each answer that is not as the published schema describes it.
    """

    async def soap(request: Request) -> Response:
        try:
            agent = request.headers.get("user-agent", "")
            principal = authenticate(tenant, request.headers.get("authorization"), agent)
            answer = _answer(tenant, principal, agent, await request.body())
            for text in breaches(answer):
                breach(f"EWS: {text}")
            return _envelope(answer, 200, versioned=True)
        except Refusal as refusal:
            return Response(status_code=refusal.status, headers={**refusal.headers, "request-id": str(uuid.uuid4())})
        except EwsError as error:
            return _fault(error)

    async def autodiscover(request: Request) -> Response:
        """Autodiscover v2 needs no sign-in and answers for any address (live capture)."""
        if request.query_params.get("Protocol", "").lower() != "ews":
            return JSONResponse({"ErrorCode": "ProtocolNotSupported", "ErrorMessage": "Protocol not supported."}, 400)
        return JSONResponse({"Protocol": "EWS", "Url": f"{urls['outlook']}/EWS/Exchange.asmx"})

    return [
        _AnyCase("/ews/exchange.asmx", soap, methods=["POST"]),
        _AnyCase("/autodiscover/autodiscover.json", autodiscover, methods=["GET"]),
        _AnyCase("/autodiscover/autodiscover.json/v1.0/{address}", autodiscover, methods=["GET"]),
    ]


def _answer(tenant: Tenant, principal: Principal, agent: str, body: bytes) -> Element:
    envelope = _parse(body)
    calls = elements(envelope.find(f"{{{SOAP}}}Body"))
    header = envelope.find(f"{{{SOAP}}}Header")
    if len(calls) != 1 or etree.QName(calls[0]).namespace != MESSAGES:
        raise invalid("The SOAP body has no single operation of the messages namespace.")
    call, name = calls[0], local(calls[0])
    who = caller(tenant, principal, header, agent)
    if name == "GetUserAvailabilityRequest":  # the one operation whose answer is not made of response messages
        return ews_availability.get_user_availability(who, call)
    if name not in OPERATIONS:
        raise EwsError("ErrorInternalServerError", f"The simulator does not implement {name}.")
    messages = []
    for outcome in OPERATIONS[name](who, call):
        if isinstance(outcome, EwsError) and outcome.code == "ErrorSchemaValidation":
            raise outcome  # the service looks at the schema before anything else
        messages.append(_message(name, outcome))
    return make(f"{name}Response", make("ResponseMessages", *messages, namespace=MESSAGES), namespace=MESSAGES)


def _parse(body: bytes) -> Element:
    """The envelope. Raises EwsError for what is too large, no XML, no SOAP, or has a document type."""
    if len(body) > _LIMIT:
        raise invalid("The request is too large.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise invalid(str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise invalid("For security reasons DTD is prohibited in this XML document.")
    if root.tag != f"{{{SOAP}}}Envelope":
        raise invalid("The root element is no SOAP envelope.")
    return root


def _message(operation: str, outcome: list[Element] | EwsError) -> Element:
    """One response message; an EwsError whose code is a warning's comes with what it carries."""
    message = make(f"{operation}ResponseMessage", namespace=MESSAGES, ResponseClass="Success")
    if isinstance(outcome, EwsError):
        message.set("ResponseClass", "Error")
        message.append(make("MessageText", outcome.text, namespace=MESSAGES))
        message.append(make("ResponseCode", outcome.code, namespace=MESSAGES))
        message.append(make("DescriptiveLinkKey", "0", namespace=MESSAGES))
        if outcome.values:
            values = (make("Value", value, Name=name) for name, value in outcome.values.items())
            message.append(make("MessageXml", *values, namespace=MESSAGES))
        # Operations that answer items or folders answer an empty list of them with an error (Microsoft docs).
        empty = dict.fromkeys(("CreateItem", "GetItem", "UpdateItem", "MoveItem"), "Items")
        empty |= {"GetFolder": "Folders", "CreateAttachment": "Attachments", "GetAttachment": "Attachments"}
        if operation in empty:
            message.append(make(empty[operation], namespace=MESSAGES))
        return message
    parts = list(outcome)
    if parts and local(parts[0]) == "MessageText":  # a warning brings its own text and code
        message.set("ResponseClass", "Warning")
    else:
        message.append(make("ResponseCode", "NoError", namespace=MESSAGES))
    for part in parts:
        message.append(part)
    return message


def _fault(error: EwsError) -> Response:
    """A SOAP fault. It has no SOAP header, so no server version (live captures: issues 212, 223 of ews-managed-api)."""
    fault = etree.Element(f"{{{SOAP}}}Fault")
    code = etree.SubElement(fault, "faultcode", nsmap={"a": TYPES})
    code.text = f"a:{error.code}"
    etree.SubElement(fault, "faultstring", {"{http://www.w3.org/XML/1998/namespace}lang": "en-US"}).text = error.text
    detail = etree.SubElement(fault, "detail")
    for name, value in (("ResponseCode", error.code), ("Message", error.text)):
        etree.SubElement(detail, f"{{{ERRORS}}}{name}", nsmap={"e": ERRORS}).text = value
    if error.code == "ErrorSchemaValidation":
        detail.append(make("MessageXml", *(make(name, value) for name, value in error.values.items())))
    elif error.values:
        detail.append(make("MessageXml", *(make("Value", value, Name=name) for name, value in error.values.items())))
    return _envelope(fault, 500, versioned=False)


def _envelope(content: Element, status: int, *, versioned: bool) -> Response:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
    if versioned:
        header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
        etree.SubElement(header, f"{{{TYPES}}}ServerVersionInfo", _VERSION, nsmap={"h": TYPES})
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(content)
    body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    headers = {"request-id": str(uuid.uuid4()), "x-feserver": "AM0PR01CA0001"}
    return Response(body, status, headers, "text/xml; charset=utf-8")
