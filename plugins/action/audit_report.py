# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module of the same name: it runs on the controller, where the facts are and the files go."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.vmrops.o365.plugins.module_utils._private_files import UnsafeFile, check_private, write_private
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit import assemble, gather
from ansible_collections.vmrops.o365.plugins.plugin_utils._audit_pages import markdown, page
from ansible_collections.vmrops.o365.plugins.plugin_utils._file_action import FileAction

ARGUMENTS: dict[str, dict[str, Any]] = {
    "observed": {"type": "dict"},
    "tenants": {"type": "list", "elements": "str"},
    "reports": {"type": "list", "elements": "dict"},
    "directory": {"type": "path"},
}
ALL = "all-tenants"


class ActionModule(FileAction):
    """Makes the report of one tenant, or writes those of all."""

    def outcome(self) -> dict[str, Any]:
        """The report, and the files that were written."""
        _validation, options = self.validate_argument_spec(
            argument_spec=ARGUMENTS,
            required_one_of=[("observed", "reports")],
            mutually_exclusive=[("observed", "reports")],
            required_together=[("reports", "tenants", "directory")],
        )
        now = datetime.now(timezone.utc)
        if options["observed"] is not None:
            return {"changed": False, "report": assemble(options["observed"], now)}
        report = gather(options["reports"], options["tenants"], now)
        directory = Path(options["directory"]).absolute()
        contents = _contents(report)
        try:
            self._write(directory, contents)
        except (UnsafeFile, OSError) as error:
            raise AnsibleActionFail(f"directory: {error}") from error
        files = [str(directory / name) for name in contents]
        return {"changed": not self._task.check_mode, "report": report, "files": files}

    def _write(self, directory: Path, contents: Mapping[str, str]) -> None:
        """Write the files, or in check mode see that they could be."""
        if not self._task.check_mode:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not directory.exists():
            return
        for name in contents:
            check_private(directory / name)
        if not self._task.check_mode:
            for name, content in contents.items():
                write_private(directory / name, content)


def _contents(report: dict[str, Any]) -> dict[str, str]:
    """The files by name: those of each tenant, which holds no other, and those of all."""
    names = file_names([one["tenant"] for one in report["tenants"]])
    now = datetime.strptime(report["generated"], "%Y-%m-%dT%H:%M:%SZ")
    documents = {names[one["tenant"]]: gather([one], [], now) for one in report["tenants"]}
    contents = {}
    for name, document in {**documents, ALL: report}.items():
        contents[f"{name}.json"] = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        contents[f"{name}.md"] = markdown(document)
        contents[f"{name}.html"] = page(document)
    return contents


def file_names(tenants: Sequence[str]) -> dict[str, str]:
    """A file name for each tenant that leads nowhere else and is no other's, whatever the tenants are called."""
    names: dict[str, str] = {}
    for tenant in tenants:
        safe = re.sub(r"[^A-Za-z0-9._-]+", "_", tenant).strip(".")[:80]
        taken = {ALL, *(name.lower() for name in names.values())}
        if not safe or safe != tenant or safe.lower() in taken:
            safe = f"{safe or 'tenant'}-{hashlib.sha256(tenant.encode()).hexdigest()[:8]}"
        names[tenant] = safe
    return names
