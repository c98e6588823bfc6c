# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API: lists that filter, objects, what belongs to them, surveys and approvals.

It keeps what it is sent. A body that the description does not allow is answered with 400, as the controller does, and noted.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .description import Data, breaches, described, survey_breaches

TOKEN = "a-token-of-the-controller"
ENCRYPTED = "$encrypted$"
_TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")
_NOTIFIED = {f"notification_templates_{when}" for when in ("started", "success", "error")}
# What AWX has under an object of these kinds, as far as it can be associated.
_RELATIONS = {
    "groups": {"hosts", "children"},
    "job_templates": {"credentials", "labels", "instance_groups", *_NOTIFIED},
    "workflow_job_templates": {"labels", "notification_templates_approvals", *_NOTIFIED},
    "workflow_job_template_nodes": {"success_nodes", "failure_nodes", "always_nodes", "credentials", "labels"},
    "schedules": {"credentials", "labels", "instance_groups"},
    "projects": _NOTIFIED,
}
_SINGULAR = {"inventories": "inventory"}


class Controller:
    """What is configured.

    Attributes:
        objects: by endpoint and id.
        related: ids by endpoint, id and relation.
        surveys: by endpoint and id.
        writes: every request that asked for a change: method, path, body.
        breaches: what of them the description does not allow.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, Data]] = {name: {} for name in described()}
        self.related: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[tuple[str, int], Data] = {}
        self.writes: list[tuple[str, str, Any]] = []
        self.breaches: list[str] = []
        self._ids = 0
        self.add("organizations", {"name": "Default"})

    def add(self, endpoint: str, body: Mapping[str, Any]) -> Data:
        """A new object."""
        self._ids += 1
        self.objects[endpoint][self._ids] = {"id": self._ids, **body}
        return self.objects[endpoint][self._ids]

    def named(self, endpoint: str, name: str) -> Data:
        """The one object of that name."""
        (found,) = [one for one in self.objects[endpoint].values() if name in (one.get("name"), one.get("identifier"))]
        return found

    def names(self, endpoint: str, one: Data, relation: str) -> list[str]:
        """The names of what belongs to an object."""
        every = {key: each for kind in self.objects.values() for key, each in kind.items()}
        found = [every[key] for key in self.related.get((endpoint, one["id"], relation), [])]
        return [each.get("name") or each["identifier"] for each in found]

    # --- requests -----------------------------------------------------------------------------------------------------

    async def respond(self, request: Request) -> Response:
        """One request."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"detail": "Authentication credentials were not provided."}, 401)
        parts = request.path_params["rest"].strip("/").split("/")
        body = await request.json() if request.method in ("POST", "PATCH") else None
        if body is not None:
            self.writes.append((request.method, "/".join(parts), body))
        answer = self._answer(request.method, parts, body, request.query_params)
        return answer or JSONResponse({"detail": "Not found."}, 404)

    def _answer(self, method: str, parts: list[str], body: Any, query: Mapping[str, str]) -> Response | None:
        endpoint, key = parts[0], int(parts[1]) if len(parts) > 1 else 0
        if endpoint == "project_updates":
            return JSONResponse({"id": key, "status": "successful"})
        if endpoint == "unified_job_templates":
            return self._list(
                [self.shown(kind, one) for kind in _TEMPLATES for one in self.objects[kind].values()], query
            )
        if endpoint not in self.objects:
            return None
        if not key:
            if method == "POST":
                return self._create(endpoint, body)
            return self._list([self.shown(endpoint, one) for one in self.objects[endpoint].values()], query)
        one = self.objects[endpoint].get(key)
        if one is None:
            return None
        if len(parts) > 2:
            return self._part(method, endpoint, one, parts[2], body)
        if method == "PATCH":
            if wrong := self._check(breaches(endpoint, body, whole=False)):
                return wrong
            one.update({name: value for name, value in body.items() if name in described()[endpoint]["write"]})
        return JSONResponse(self.shown(endpoint, one))

    def _create(self, endpoint: str, body: Any) -> Response:
        if wrong := self._check(breaches(endpoint, body, whole=True)):
            return wrong
        known = {name for part in ("write", "read") for name in described()[endpoint][part]}
        one = self.add(endpoint, {name: value for name, value in body.items() if name in known})
        answer = self.shown(endpoint, one)
        if endpoint == "projects":
            answer["summary_fields"] = {"current_update": {"id": one["id"]}}
        return JSONResponse(answer, 201)

    def _part(self, method: str, endpoint: str, one: Data, part: str, body: Any) -> Response | None:
        place = (endpoint, one["id"])
        if part == "survey_spec":
            if method == "POST":
                if wrong := self._check(survey_breaches(body)):
                    return wrong
                self.surveys[place] = body
                return JSONResponse({})
            return JSONResponse(self.surveys.get(place, {}))
        if part == "create_approval_template":
            if wrong := self._check(breaches("workflow_approval_templates", body, whole=True)):
                return wrong
            approval = self.add("workflow_approval_templates", {name: body.get(name) for name in ("name", "timeout")})
            one["unified_job_template"] = approval["id"]
            return JSONResponse(self.shown("workflow_approval_templates", approval), 201)
        if part not in _RELATIONS.get(endpoint, set()):
            return None
        held = self.related.setdefault((*place, part), [])
        if method == "POST":
            if body.get("disassociate"):
                held.remove(body["id"])
            else:
                held.append(body["id"])
            return Response(status_code=204)
        return self._list([{"id": key} for key in held], {})

    def _check(self, found: list[str]) -> Response | None:
        self.breaches += found
        return JSONResponse({"__all__": found}, 400) if found else None

    def _list(self, found: list[Data], query: Mapping[str, str]) -> Response:
        either = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
        plain = {name: value for name, value in query.items() if not name.startswith("or__")}
        results = [
            one
            for one in found
            if all(str(one.get(name)) == value for name, value in plain.items())
            and (not either or any(str(one.get(name)) == value for name, value in either.items()))
        ]
        return JSONResponse({"count": len(results), "next": None, "previous": None, "results": results})

    def shown(self, endpoint: str, one: Data) -> Data:
        """An object as the API shows it: with its addresses, and without secrets."""
        url = f"/api/v2/{endpoint}/{one['id']}/"
        related = {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/"}
        if endpoint == "workflow_job_template_nodes" and one.get("unified_job_template"):
            kind = next(kind for kind in _TEMPLATES if one["unified_job_template"] in self.objects[kind])
            related["unified_job_template"] = f"/api/v2/{kind}/{one['unified_job_template']}/"
        full = {
            "type": _SINGULAR.get(endpoint, endpoint[:-1]),
            "url": url,
            "related": related,
            "summary_fields": {},
            **one,
        }
        if endpoint == "projects":
            full["scm_revision"] = ""
        if endpoint == "credentials":
            fields = self.objects["credential_types"][one["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            inputs = one.get("inputs", {})
            full["inputs"] = {name: ENCRYPTED if name in secret else value for name, value in inputs.items()}
        return full


@contextmanager
def serving(controller: Controller, directory: Path) -> Iterator[dict[str, str]]:
    """Serve over TLS on a free port; the environment that leads awx.awx there."""
    ca = trustme.CA(organization_name="Stand-in")
    (directory / "server.pem").write_bytes(ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes())
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    application = Starlette(routes=[Route("/api/v2/{rest:path}", controller.respond, methods=["GET", "POST", "PATCH"])])
    config = uvicorn.Config(
        application,
        port=0,
        ssl_certfile=str(directory / "server.pem"),
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        log_level="warning",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    thread = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    thread.start()
    try:
        yield {
            "CONTROLLER_HOST": f"https://127.0.0.1:{sockets[0].getsockname()[1]}",
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
            "SSL_CERT_FILE": str(directory / "ca.pem"),
        }
    finally:
        server.should_exit = True
        thread.join(timeout=30)
