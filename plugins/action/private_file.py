# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module of the same name: it runs where the file is, on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.parsing.vault import is_encrypted
from ansible_collections.vmrops.o365.plugins.module_utils._private_files import (
    MODE,
    UnsafeFile,
    alone_with,
    check_private,
    read_private,
    remove_private,
    write_private,
)
from ansible_collections.vmrops.o365.plugins.plugin_utils._file_action import FileAction

ARGUMENTS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "no_log": True},
    "instead_of": {"type": "str", "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class ActionModule(FileAction):
    """Writes or removes the file."""

    def outcome(self) -> dict[str, Any]:
        """Whether anything changed, and where."""
        _validation, options = self.validate_argument_spec(
            argument_spec=ARGUMENTS, required_if=[("state", "present", ["content"])]
        )
        path = Path(options["path"])
        answer: dict[str, Any] = {"path": str(path)}
        try:
            found = check_private(path)
            if found and found.st_mode & 0o077:
                answer["warnings"] = [f"{path} could be read by others than its owner; its mode was not 0600."]
            if options["state"] == "absent":
                changed = found is not None
                if changed and not self._task.check_mode:
                    remove_private(path)
            else:
                narrow = found is not None and found.st_mode & 0o777 == MODE
                with alone_with(path):
                    changed = self._write(path, options["content"], options["instead_of"], narrow)
        except UnsafeFile as error:
            raise AnsibleActionFail(f"path: {error}") from error
        return {**answer, "changed": changed}

    def _write(self, path: Path, content: str, instead_of: str | None, narrow: bool) -> bool:
        """Write what differs, encrypted where it was; whether there was anything to do."""
        kept = read_private(path) or ""
        encrypted = is_encrypted(kept)
        vault = self._loader._vault  # the only way to the passwords of this run
        text = vault.decrypt(kept).decode() if encrypted else kept
        if (narrow and text == content) or instead_of not in (None, text):
            return False
        if not self._task.check_mode:
            write_private(path, vault.encrypt(content).decode() if encrypted else content)
        return True
