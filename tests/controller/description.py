# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request bodies against the controller's own description of its API (see contracts/NOTICE)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Data = dict[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "json-yaml": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "id": (int,),
    # Variables are sent as text, the rest as it is.
    "json": (str, dict, list),
}
# What awx.awx sends along, and the controller passes over, since it is read only.
_PASSED_OVER = {
    "credential_types": {"managed"},
    "workflow_job_template_nodes": {"type"},
    # In the field list of the serializer, and not in what OPTIONS says one may POST.
    "job_templates": {"organization"},
}
# AWX's own lists (CredentialTypeInputField and its survey view).
_FIELD = {"id", "label", "type", "format", "choices", "help_text", "multiline", "secret", "ask_at_runtime", "default"}
_QUESTIONS = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}


@cache
def described() -> Data:
    """Endpoints by name: ``write`` has the fields that one may send, ``read`` the names of the others."""
    found: Data = json.loads((Path(__file__).parent / "contracts" / "awx-api.json").read_text())
    return found


def breaches(endpoint: str, body: Any, whole: bool) -> list[str]:
    """What of a request body is not as described.

    Args:
        whole: whether required fields must be there, as in a POST.
    """
    return [f"{endpoint}: {text}" for text in _breaches(endpoint, body, whole)]


def _breaches(endpoint: str, body: Any, whole: bool) -> Iterator[str]:
    fields: Data = described()[endpoint]["write"]
    if not isinstance(body, dict):
        yield f"{body!r} is no object"
        return
    for name in sorted(set(body) - set(fields) - _PASSED_OVER.get(endpoint, set())):
        yield f"there is no field {name}"
    for name, field in fields.items():
        if whole and field.get("required") and body.get(name) in (None, ""):
            yield f"{name} is required"
        value = body.get(name)
        if value is None:
            continue
        if field["type"] == "choice":
            if str(value) not in field["choices"]:
                yield f"{name} is {value!r}, none of {field['choices']}"
        elif not isinstance(value, _TYPES[field["type"]]) or (isinstance(value, bool) and field["type"] != "boolean"):
            yield f"{name} is {value!r}, no {field['type']}"
    if endpoint == "credential_types":
        yield from _credential_type(body.get("inputs") or {}, body.get("injectors") or {})


def _credential_type(inputs: Data, injectors: Data) -> Iterator[str]:
    fields = inputs.get("fields", [])
    for field in fields:
        if set(field) - _FIELD or not {"id", "label"} <= set(field):
            yield f"inputs: {field} has members that it may not have, or lacks some"
        if "default" in field and not isinstance(field["default"], bool if field.get("type") == "boolean" else str):
            yield f"inputs: the default of {field['id']} is not of its type"
    files = injectors.get("file", {})
    names = {name.partition(".")[2]: "/a/file" for name in files}
    namespace = {**{field["id"]: "EXAMPLE" for field in fields}, "tower": {"filename": names}}
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for kind, templates in injectors.items():
        if kind not in ("env", "file", "extra_vars"):
            yield f"injectors: there is no {kind}"
        for name, template in templates.items():
            if kind == "env" and (name.startswith("ANSIBLE_") or not re.fullmatch(r"[A-Za-z_]\w*", name)):
                yield f"injectors: {name} is not allowed"
            try:
                environment.from_string(template).render(namespace)
            except TemplateError as error:
                yield f"injectors: {name} cannot be resolved: {error}"


def survey_breaches(body: Any) -> list[str]:
    """What of a survey is not as the controller wants it."""
    found = [f"survey: {name} is missing" for name in ("name", "description", "spec") if name not in body]
    seen = set()
    for question in body.get("spec", []):
        missing = {"type", "question_name", "variable", "required"} - set(question)
        if missing or question["type"] not in _QUESTIONS or not isinstance(question["required"], bool):
            found.append(f"survey: {question} is no question")
        if question.get("variable") in seen:
            found.append(f"survey: {question['variable']} is asked for twice")
        seen.add(question.get("variable"))
        choices = question.get("choices")
        if question["type"].startswith("multi") and question.get("default") not in (choices or []):
            found.append(f"survey: {question['variable']}: the default is none of the choices")
    return found
