# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ansible-test sanity`` over a copy of the checkout, at a path where ansible-test accepts it.

Everything stays under ``.cache``, or where ``SANITY_CACHE`` says: the copy, and a home directory with ansible-test's virtual
environments, which later runs use again. Arguments are passed on: ``python tests/tools/sanity.py --test validate-modules``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("SANITY_CACHE") or ROOT / ".cache" / "sanity")
HOME = CACHE / "home"
COPY = CACHE / "ansible_collections" / "vmrops" / "o365"


def main() -> int:
    copy_checkout()
    share_pip_settings()
    plant_bootstrap_script()
    command = [str(Path(sys.executable).parent / "ansible-test"), "sanity", "--color", "no", *sys.argv[1:]]
    return subprocess.run(command, cwd=COPY, env=environment(), check=False).returncode


def environment() -> dict[str, str]:
    """The caller's, with the home directory inside the checkout and without directories of Pythons that do not run.

    ansible-test tries every supported Python that it finds and gives up at one that is only a pyenv shim of a version
    not switched on.
    """
    from ansible_test._internal.constants import SUPPORTED_PYTHON_VERSIONS

    def runs(python: Path) -> bool:
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0

    directories = [Path(name) for name in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    pythons = {where: [where / f"python{version}" for version in SUPPORTED_PYTHON_VERSIONS] for where in directories}
    usable = [str(where) for where in directories if all(runs(one) for one in pythons[where] if one.exists())]
    return {**os.environ, "HOME": str(HOME), "PATH": os.pathsep.join(usable)}


def copy_checkout() -> None:
    """Copy what git knows, or would on the next ``git add``, into a repository of its own."""
    shutil.rmtree(COPY, ignore_errors=True)
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    subprocess.run(["git", "init", "--quiet"], cwd=COPY, check=True)


def share_pip_settings() -> None:
    """Let pip find the user's package index in the home directory made for ansible-test."""
    for name in (".config/pip", ".pip"):
        link, target = HOME / name, Path.home() / name
        if target.exists() and not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)


def plant_bootstrap_script() -> None:
    """Save ansible-test the download of pip's installer for its virtual environments.

    It fetches the script from a host of its own, unless its cache has it already. Python brings an installer along
    (``ensurepip``), so one line does the same with no host but the package index. The file's name holds the pip version
    that this ansible-test asks for, which may differ by Python version, so it is asked rather than written here.
    """
    from ansible_test._internal.constants import SUPPORTED_PYTHON_VERSIONS
    from ansible_test._internal.python_requirements import get_venv_packages

    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in SUPPORTED_PYTHON_VERSIONS:
        pip = get_venv_packages(SimpleNamespace(version=version))["pip"]
        script = cache / f"get_pip_{pip.replace('.', '_')}.py"
        script.write_text("import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n")


if __name__ == "__main__":
    sys.exit(main())
