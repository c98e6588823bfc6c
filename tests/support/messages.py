# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages with which the collection fails, read from its source without running it.

Two kinds are told apart. What comes from a service, or from what lies between, is raised as a ServiceError, and has to be
explained. Bad input is raised as one of INPUT, or asserted by the role and the playbooks; it explains itself when it begins
with the option.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.vmrops.o365.plugins.module_utils._transport import errors

from . import ROOT

SERVICE = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.ServiceError)}
INPUT = {"Refused", "BadCredentials", "UnsafeFile", "AnsibleActionFail", "AnsibleParserError"}
_ARGUMENTS = {
    **dict.fromkeys(SERVICE, ("tried", "status", "code", "text", "request_id", "advice")),
    **dict.fromkeys(INPUT, ("text", "option", "advice")),
}
# What stands in a message in place of what is only known when it is raised.
HOLE = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True)
class Message:
    """One that may be raised.

    Args:
        place: where, in the source.
        kind: the exception, or ``assert`` and ``fail``.
        texts: what it may say, with holes.
        advice: what it may say that is to be done.
        option: whether an option is named in front of it.
    """

    place: str
    kind: str
    texts: tuple[str, ...]
    advice: tuple[str, ...] = ()
    option: bool = False

    def __str__(self) -> str:
        return f"{self.place} {self.kind}: {' | '.join((*self.texts, *self.advice))}"


def raised() -> Iterator[Message]:
    """Those of the plugins."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        tree = ast.parse(path.read_text())
        outer = _assigned(tree.body)
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        seen = set[int]()
        for function in reversed(functions):  # the inner ones first
            names = {**outer, **_assigned(list(ast.walk(function)))}
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and id(call) not in seen and (found := _message(call, names, path)):
                    seen.add(id(call))
                    yield found


def _message(call: ast.Call, names: Mapping[str, list[ast.expr]], path: Path) -> Message | None:
    kind = call.func.id if isinstance(call.func, ast.Name) else ""
    if kind not in _ARGUMENTS:
        return None
    given: dict[str, ast.expr] = dict(zip(_ARGUMENTS[kind], call.args, strict=False))
    given.update({one.arg: one.value for one in call.keywords if one.arg})
    texts, advice = ([*_texts(given[name], names)] if name in given else [] for name in ("text", "advice"))
    place = f"{path.relative_to(ROOT)}:{call.lineno}"
    return Message(place, kind, tuple(texts), tuple(advice), "option" in given)


def _assigned(nodes: list[Any]) -> dict[str, list[ast.expr]]:
    """What is assigned to each name."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _texts(node: ast.expr, names: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    """What an expression may be."""
    if isinstance(node, ast.Constant):
        yield str(node.value or "")
    elif isinstance(node, ast.JoinedStr):
        parts: list[list[str]] = [[""]]
        for one in node.values:
            value = one.value if isinstance(one, ast.FormattedValue) else one
            parts.append([*_texts(value, names)] if isinstance(value, (ast.Name, ast.Constant, ast.IfExp)) else [HOLE])
        yield from _joined(parts)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body, names), *_texts(node.orelse, names))
    elif isinstance(node, ast.BinOp):
        yield from _joined([[*_texts(node.left, names)], [*_texts(node.right, names)]])
    elif isinstance(node, ast.Name) and node.id in names:
        rest = {name: value for name, value in names.items() if name != node.id}
        for value in names[node.id]:
            yield from _texts(value, rest)
    else:
        yield HOLE


def _joined(parts: list[list[str]]) -> list[str]:
    texts = [""]
    for part in parts:
        texts = [text + more for text in texts for more in part]
    return texts


def asserted() -> Iterator[Message]:
    """Those of the role and the playbooks; what only repeats another message is left out."""
    for path in sorted([*(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.yml")]):
        for task in _tasks(yaml.load(path.read_text(), _Loader)):  # noqa: S506  # a SafeLoader
            for module, member in (("assert", "fail_msg"), ("fail", "msg")):
                text = str((task.get(f"ansible.builtin.{module}") or {}).get(member) or "")
                if text and not (text.startswith("{{") and text.endswith("}}")):
                    yield Message(str(path.relative_to(ROOT)), module, (text,))


class _Loader(yaml.SafeLoader):
    """YAML with Ansible's own tags."""


_Loader.add_constructor("!unsafe", lambda _loader, node: str(node.value))


def _tasks(document: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from _tasks(value)
    elif isinstance(document, list):
        for value in document:
            yield from _tasks(value)
