# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy and Automation Hub say of the archive when it is uploaded: galaxy-importer, on the archive built here.

It runs without network, with the check for required tags, and nothing that it warns of is let pass, but for what it cannot
know: it has no other collection than this one, and the playbook that sets an AWX up is for people who have awx.awx. ``make
lint`` has it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tools.own_venv import ROOT, environment, own_venv

WORK = ROOT / ".cache" / "importer-work"
UNKNOWN_THERE = "couldn't resolve module/action 'awx.awx."
SETTINGS = """\
[galaxy-importer]
check_required_tags = True
check_changelog = True
run_ansible_doc = True
run_ansible_lint = True
offline_ansible_lint = True
run_ansible_test = False
"""


def main() -> int:
    commands = own_venv("importer", ROOT / "tests" / "requirements-importer.txt")
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    (WORK / "galaxy-importer.cfg").write_text(SETTINGS)
    variables = environment(
        commands, GALAXY_IMPORTER_CONFIG=str(WORK / "galaxy-importer.cfg"), ANSIBLE_HOME=str(WORK / "ansible")
    )
    build = [str(commands / "ansible-galaxy"), "collection", "build", str(ROOT), "--output-path", str(WORK)]
    subprocess.run(build, env=variables, check=True, stdout=subprocess.DEVNULL)
    (archive,) = WORK.glob("*.tar.gz")
    command = [str(commands / "python"), "-m", "galaxy_importer.main", archive.name]
    done = subprocess.run(command, cwd=WORK, env=variables, capture_output=True, text=True, check=False)
    said = f"{done.stdout}{done.stderr}"
    (WORK / "importer.log").write_text(said)
    told = [line for line in said.splitlines() if "WARNING" in line or "ERROR" in line]
    bad = [line for line in told if UNKNOWN_THERE not in line]
    if done.returncode or bad or "Importer processing completed successfully" not in said:
        print(said)
        print(f"galaxy-importer is not content: {bad or 'it stopped'}")
        return 1
    print(f"galaxy-importer has nothing to say against {archive.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
