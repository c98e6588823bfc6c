# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that secrets are kept in, through playbooks."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import BIN
from support.ansible import Ansible
from support.examples import examples
from support.returned import differences
from support.simulator import Simulator
from support.tasks import good, refused, task

Data = dict[str, Any]

SECRET = "canary-Übung: 'x'\n"
# A variable, since Ansible shows the lines of the playbook that a failed task stands in.
GIVEN: Data = {"extra_vars": {"given": SECRET}}


def keep(title: str, path: Path, check: bool = False, **options: Any) -> Data:
    return task(title, "private_file", check, path=str(path), **options)


def test_of_two_plays_one_writes(ansible: Ansible, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    run = ansible.tasks(
        [
            keep("the first", file, content="one", instead_of=""),
            keep("too late", file, content="two", instead_of=""),
            keep("after reading", file, content="three", instead_of="one"),
        ]
    ).ok()
    assert [one.changed for one in run.results] == [True, False, True]
    assert file.read_text() == "three"


def test_its_life(ansible: Ansible, tmp_path: Path) -> None:
    file, kept = tmp_path / "secret", {"content": "{{ given }}"}
    wide = tmp_path / "wide"
    wide.write_text(SECRET)
    wide.chmod(0o644)
    run = ansible.tasks(
        [
            keep("foreseen", file, check=True, **kept),
            keep("still away", file, check=True, state="absent"),
            keep("written", file, **kept),
            {"name": "mode", "ansible.builtin.stat": {"path": str(file)}},
            keep("again", file, **kept),
            keep("other foreseen", file, check=True, content="other"),
            keep("removal foreseen", file, check=True, state="absent"),
            keep("unchanged", file, **kept),
            keep("removed", file, state="absent"),
            keep("gone", file, state="absent"),
            keep("narrowed", wide, **kept),
            keep("narrow", wide, **kept),
        ],
        diff=True,
        verbosity=4,
        **GIVEN,
    ).ok()
    changed = {"foreseen", "written", "other foreseen", "removal foreseen", "removed", "narrowed"}
    titles = [one.task for one in run.results if one.task != "mode"]
    assert {one.task for one in good(run, *titles) if one.changed} == changed
    assert run["mode"]["stat"]["mode"] == "0600"
    assert run["written"]["path"] == str(file)
    assert not file.exists()
    assert wide.stat().st_mode & 0o7777 == 0o600
    assert wide.read_text() == SECRET
    assert "could be read by others" in str(run["narrowed"]["warnings"])
    assert not run["narrow"].get("warnings")
    assert "canary-" not in run.output + str(run.results)


@pytest.mark.smoke
def test_what_is_not_safe_is_refused(ansible: Ansible, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("before")
    link, directory, open_to_all = tmp_path / "link", tmp_path / "directory", tmp_path / "open"
    link.symlink_to(target)
    directory.mkdir()
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    cases = {
        "link": (link, "symbolic link"),
        "directory": (directory, "no regular file"),
        "open": (open_to_all / "secret", "everybody may write"),
        "nowhere": (tmp_path / "no" / "secret", "No such file"),
    }
    run = ansible.tasks(
        [keep(title, path, content="{{ given }}") for title, (path, _words) in cases.items()]
        + [
            keep(f"{title}, check mode", path, check=True, content="{{ given }}")
            for title, (path, _words) in cases.items()
        ]
        + [keep(f"{title}, removal", path, state="absent") for title, (path, _words) in cases.items()]
        + [keep("nothing", tmp_path / "x"), keep("misspelt", tmp_path / "x", content="", contents="{{ given }}")],
        verbosity=4,
        **GIVEN,
    ).ok()
    for title, (path, words) in cases.items():
        for case in (title, f"{title}, check mode", f"{title}, removal"):
            refused(run, case, words, str(path if title != "open" else path.parent).removesuffix("/secret"))
    refused(run, "nothing", "content")
    refused(run, "misspelt", "contents")
    assert target.read_text() == "before"
    assert link.is_symlink()
    assert list(directory.iterdir()) == list(open_to_all.iterdir()) == []
    assert "canary-" not in run.output + str(run.results)


def test_an_encrypted_file_stays_encrypted(ansible: Ansible, tmp_path: Path) -> None:
    file, password, plain = tmp_path / "secret", tmp_path / "password", tmp_path / "plain"
    password.write_text("vault password\n")
    file.write_text("old")
    command = [str(BIN / "ansible-vault"), "encrypt", "--vault-password-file", str(password), str(file)]
    subprocess.run(command, check=True, capture_output=True)
    read = {"name": "read it", "ansible.builtin.debug": {"msg": f"{{{{ lookup('file', '{file}') }}}}"}}
    arguments = ["--vault-password-file", str(password)]
    run = ansible.tasks(
        [
            keep("the same", file, content="old"),
            keep("another", file, content="new"),
            keep("again", file, content="new"),
            read,
        ],
        arguments=arguments,
    ).ok()
    assert [one.changed for one in good(run, "the same", "another", "again")] == [False, True, False]
    assert run["read it"].msg == "new"
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert file.stat().st_mode & 0o7777 == 0o600
    before = file.read_text()
    run = ansible.tasks(
        [keep("without the password", file, content="{{ given }}"), keep("plain", plain, content="x")], **GIVEN
    )
    refused(run.ok(), "without the password")
    assert file.read_text() == before


@pytest.mark.smoke
def test_examples(tenant: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """As the documentation has them, with a directory for the secrets beside the playbook."""
    tasks = examples("private_file")
    tasks.insert(
        0,
        {
            "name": "Make the directory",
            "ansible.builtin.file": {"path": "{{ playbook_dir }}/secrets", "state": "directory", "mode": "0700"},
        },
    )
    run = ansible.tasks(tasks, tenant.auth()).ok()
    assert run["Keep the secret"].changed
    assert not differences("private_file", run.results)
    [file] = ansible.directory.glob("*/secrets/pexip.yml")
    assert file.stat().st_mode & 0o7777 == 0o600
    assert file.read_text().startswith("client_secret: ")
