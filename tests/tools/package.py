# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection's archive, install it to an empty place, and use it from there.

Proves that the archive holds what a user needs and nothing of the workshop, and that ``ansible-doc`` shows the
documentation of every module, role and playbook from what was installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "package"
INSTALLED = CACHE / "installed"
NAME = "vmrops.o365"
SHIPPED = {
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MAINTAINERS.md",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "examples",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "roles",
    "tests",
}


def main() -> None:
    shutil.rmtree(CACHE, ignore_errors=True)
    run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(CACHE))
    (archive,) = CACHE.glob("*.tar.gz")
    check_contents(archive)
    run("ansible-galaxy", "collection", "install", str(archive), "--collections-path", str(INSTALLED), "--offline")
    collection = INSTALLED / "ansible_collections" / "vmrops" / "o365"
    for kind, names in {
        "module": sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py")),
        "role": sorted(path.parents[1].name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml")),
    }.items():
        for name in names:
            documentation = json.loads(run("ansible-doc", "--json", "--type", kind, f"{NAME}.{name}"))
            if f"{NAME}.{name}" not in documentation or str(collection) not in json.dumps(documentation):
                sys.exit(f"ansible-doc does not show the {kind} {name} from {collection}")
            print(f"documented: {kind} {NAME}.{name}")
    for playbook in sorted((ROOT / "playbooks").glob("*.yml")):
        run("ansible-playbook", "--syntax-check", "--inventory", "localhost,", f"{NAME}.{playbook.stem}")
        print(f"found: playbook {NAME}.{playbook.stem}")
    print(f"built: {archive.relative_to(ROOT)}")


def check_contents(archive: Path) -> None:
    """Stop when the archive holds what is no part of the product."""
    with tarfile.open(archive) as tar:
        files = [member.name for member in tar.getmembers() if member.isfile()]
    strange = [name for name in files if name.split("/")[0] not in SHIPPED or name.endswith((".pyc", ".pem"))]
    strange += [name for name in files if name.startswith("tests/") and name != "tests/config.yml"]
    if strange:
        sys.exit(f"in the archive, but not for users (see build_ignore in galaxy.yml): {strange}")


def run(*command: str) -> str:
    """What the command printed. Stops, with all it said, when it fails."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(INSTALLED)}
    done = subprocess.run(command, cwd=CACHE.parent, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
