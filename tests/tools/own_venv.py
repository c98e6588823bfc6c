# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments for tools whose requirements do not go with those of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def own_venv(name: str, requirements: Path) -> Path:
    """The directory of commands of ``.cache/<name>``, made where it is not there or the requirements have changed."""
    venv = ROOT / ".cache" / name
    stamp, wanted = venv / "installed", requirements.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        stamp.write_text(wanted)
    return venv / "bin"


def environment(bin_directory: Path, **more: str) -> dict[str, str]:
    """The caller's variables without Ansible's and Python's, and with these commands first."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    return {**kept, "PATH": f"{bin_directory}{os.pathsep}{kept.get('PATH', os.defpath)}", **more}
