# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret leaves the collection: every secret that goes in or comes back is looked for in everything that a run leaves.

Secrets go in as variables of a file that Ansible Vault encrypts. Where Ansible itself shows more than it should, by its own
design, a test says so: ``ANSIBLE_KEEP_REMOTE_FILES`` and ``ANSIBLE_DEBUG``.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support import BIN, ROOT
from support.ansible import GROUP, Ansible, Run
from support.canary import FORMS, CommandLines, Scanner, files_below
from support.company import wish
from support.examples import examples
from support.simulator import Simulator

Data = dict[str, Any]

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
ECHO: Data = {"error": {"code": "Request_BadRequest", "message": "This was sent: {request}"}}
# Members of the wire that are named like secrets and are none: public keys of certificates.
PUBLIC = {"key"}
# What no sign-in service should issue, and no HTTP header can hold.
ODD_TOKEN = "0dd-token-" + secrets.token_hex()


# --- the scanner ------------------------------------------------------------------------------------------------------

SECRET = 'Scanner-Zx8~Q/+ é"<&\\.4711_tail-of-it'


@pytest.mark.parametrize("form", FORMS)
def test_a_planted_secret_is_found_in_every_form(form: str) -> None:
    scanner = Scanner({"it": SECRET})
    for encoded in FORMS[form](SECRET.encode()):
        assert scanner.finds(b"before " + encoded + b" after"), encoded


@pytest.mark.parametrize("before", range(4))
def test_a_secret_within_base64_is_found_wherever_it_begins(before: int) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert Scanner({"it": SECRET}).finds(encode(b"x" * before + SECRET.encode() + b"and more"))


def test_parts_of_a_secret_are_found_and_nothing_else_is(tmp_path: Path) -> None:
    scanner = Scanner({"it": SECRET, "another": "0123456789abcdef"})
    assert "it (plain)" in scanner.finds(f"... {SECRET[7:28]}".encode())[0]
    assert not scanner.finds(f"{SECRET[:12]} 0123456789abcde Scanner of secrets".encode())
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(json.dumps({"x": "0123456789abcdef"}))
    [leak] = scanner.leaks(files_below(tmp_path))
    assert leak.startswith(f"{tmp_path}/deep/file: another (plain)")
    with pytest.raises(ValueError, match="too short"):
        Scanner({"it": "short"})


def test_the_process_list_is_watched() -> None:
    with CommandLines() as lines:
        subprocess.run(["sh", "-c", "sleep 0.4; : 0123456789abcdef"], check=True)
    assert Scanner({"it": "0123456789abcdef"}).leaks(dict.fromkeys(["process list"], b"\0".join(lines.seen)))


# --- what a run leaves ------------------------------------------------------------------------------------------------


def mark(name: str) -> str:
    """A secret that needs quoting everywhere, and meets Entra ID's rule for passwords."""
    return f'Canary-{name}-{secrets.token_hex(12)}+/=&"é<\\{{x'


@dataclass
class Cage:
    """Where the runs of a test take place, with all that they can leave anything in.

    Args:
        given: the secrets that go in, by name: the variable ``marks``.
        variables: more variables that hold secrets.
        leaks: what leaked in the last run.
    """

    ansible: Ansible
    inputs: Path
    given: Data
    variables: Data
    tenants: dict[str, Simulator]
    leaks: list[str] = field(default_factory=list)

    def run(self, plays: list[Data], environment: Mapping[str, str] | None = None, **options: Any) -> Run:
        """Run plays at ``-vvvv``, and look for secrets in all that this leaves."""
        self.inputs.mkdir(exist_ok=True)
        password, encrypted = self.inputs / "password", self.inputs / "vars.yml"
        password.write_text(secrets.token_hex())
        encrypted.write_text(yaml.safe_dump({"marks": self.given, **self.variables}))
        command = [str(BIN / "ansible-vault"), "encrypt", "--vault-password-file", str(password), str(encrypted)]
        subprocess.run(command, check=True, capture_output=True)
        # A short path, since Ansible makes a socket below it.
        with TemporaryDirectory() as temporary, CommandLines() as lines:
            run = self.ansible.run(
                plays,
                verbosity=4,
                arguments=["-e", f"@{encrypted}", "--vault-password-file", str(password)],
                environment={
                    "TMPDIR": temporary,
                    "ANSIBLE_LOG_PATH": str(self.ansible.directory / "ansible.log"),
                    "ANSIBLE_CACHE_PLUGIN": "jsonfile",
                    "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.ansible.directory / "facts"),
                    **(environment or {}),
                },
                **options,
            )
            left = files_below(Path(temporary))
        self.leaks = self.scanner().leaks(
            {
                "stdout": run.stdout.encode(),
                "stderr": run.stderr.encode(),
                "events": json.dumps([one.__dict__ for one in run.results], default=str).encode(),
                "process list": b"\0".join(lines.seen),
                **{f"temporary: {name}": content for name, content in left.items()},
                **files_below(self.ansible.directory),
                **{f"wire log of {name}": tenant.wire_log.read_bytes() for name, tenant in self.tenants.items()},
                **{
                    f"log of {name}": (tenant.state / "simulator.log").read_bytes()
                    for name, tenant in self.tenants.items()
                },
            }
        )

        return run

    def holds_tight(self) -> None:
        """The last run leaked nothing."""
        assert not self.leaks, "\n".join(self.leaks)

    def scanner(self) -> Scanner:
        """For what went in, and what went over the wire until now."""
        known = dict(self.given)
        for tenant_name, tenant in self.tenants.items():
            for number, (secret, member) in enumerate(tenant.secrets().items()):
                if member not in PUBLIC and len(secret) >= 16:
                    known[f"{member} {number} of {tenant_name}"] = secret
            known |= {f"{name} of {tenant_name}": tenant.endpoints[name] for name in ("client_secret",)}
        return Scanner(known)


def fault(service: str, status: int, body: Any, method: str = ".", path: str = ".") -> Data:
    match = {"service": service, "method": method, "path": path}
    return {"match": match, "do": "respond", "status": status, "body": body, "times": 0}


def refused_sign_in() -> Data:
    text = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret. {request}"}
    return fault("login", 401, text, path="/token$")


@pytest.fixture
def tenants(simulator: Callable[..., Simulator]) -> dict[str, Simulator]:
    """A service that behaves."""
    return {"good": simulator()}


def echoing(simulator: Callable[..., Simulator]) -> dict[str, Simulator]:
    """Services that answer with what they were sent, in several ways."""
    return {
        "writes fail": simulator(
            faults=[
                fault("graph", 500, "Exception at {request}", "POST|PATCH"),
                fault("outlook", 403, ECHO, "POST"),
            ]
        ),
        "nothing allowed": simulator(faults=[fault("graph|outlook", 403, ECHO)]),
        "no sign-in": simulator(faults=[refused_sign_in()]),
        "wrong types": simulator(
            faults=[
                fault("graph|outlook", 200, {"value": ["{request}"], "id": ["{request}"], "error": ["{request}"]}),
            ]
        ),
        "odd token": simulator(
            faults=[
                fault(
                    "login",
                    200,
                    {"token_type": "Bearer", "expires_in": 3600, "access_token": f"{ODD_TOKEN}\nX: y"},
                    path="/token$",
                )
            ]
        ),
    }


def private_key(passphrase: str) -> tuple[str, str]:
    """A private key in PEM, as it is and as a passphrase protects it; their bodies are what is looked for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    plain = key.private_bytes(*form, serialization.NoEncryption())
    return plain.decode(), key.private_bytes(*form, serialization.BestAvailableEncryption(passphrase.encode())).decode()


# What each module is asked for, as tasks of one play; {{ marks }} are secrets.
ACCOUNT: Data = {"user_principal_name": "pexip@contoso.com", "display_name": "Pexip", "usage_location": "NO"}
APP: Data = {"unique_name": "pexip", "display_name": "Pexip"}
WORK: dict[str, list[Data]] = {
    "o365_service_account": [
        {**ACCOUNT, "password": "{{ marks.password }}", "wait_for_mailbox": False},
        {**ACCOUNT, "password": "{{ marks.password }}", "update_password": "always", "wait_for_mailbox": False},
        {**ACCOUNT, "user_principal_name": "second@contoso.com", "licenses": [{"sku": "EXCHANGESTANDARD"}]},
    ],
    "o365_oauth_app": [
        {**APP, "secret": {"display_name": "first"}},
        {**APP, "secret": {"display_name": "first", "held": "{{ marks.held }}"}},
    ],
    "o365_equipment_mailbox": [{"name": "VMR", "primary_smtp_address": "vmr@contoso.com"}],
    "o365_impersonation": [
        {"name": "Pexip", "app_id": "{{ client_id }}", "scope": {"group": "vmr-users@contoso.com"}},
    ],
    "o365_ews_access": [{"app_ids": ["{{ client_id }}"], "cut_off_others": True}],
    "o365_mailbox_delegate": [
        {"mailbox": "alice@contoso.com", "delegate": "bob@contoso.com", "access_rights": ["FullAccess"]},
    ],
}
# Every other module that signs in to the tenant, as its documentation first shows it.
DOCUMENTED: dict[str, list[Data]] = {
    module: [next(task[f"vmrops.o365.{module}"] for task in examples(module) if f"vmrops.o365.{module}" in task)]
    for module in MODULES
    if module.startswith("o365_") and module not in WORK
}


def play(title: str, auth: str, work: Mapping[str, list[Data]], **options: Any) -> Data:
    """Tasks that go on after failures, signed in as the variable says."""
    tasks = [
        {"name": f"{title}: {module} {number}", f"vmrops.o365.{module}": arguments, "ignore_errors": True, **options}
        for module, variants in work.items()
        for number, arguments in enumerate(variants, 1)
    ]
    return {
        "name": title,
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {GROUP: f"{{{{ {auth} }}}}"},
        "tasks": tasks,
    }


SECRETIVE = {name: WORK[name] for name in ("o365_service_account", "o365_oauth_app")}
FIRST = {name: variants[:1] for name, variants in WORK.items()}
# A secret where it does not belong.
MISPLACED: dict[str, list[Data]] = {
    "o365_oauth_app": [
        {**APP, "secret": "{{ marks.misplaced }}"},
        {**APP, "secret": "value={{ marks.misplaced }}"},
        {**APP, "secret": {"hold": "{{ marks.misplaced }}"}},
        {**APP, "secret": {"lifetime": "{{ marks.misplaced }}"}},
        {**APP, "clientsecret": "{{ marks.misplaced }}"},
    ],
    "o365_service_account": [
        {**ACCOUNT, "update_password": "{{ marks.misplaced }}"},
        {**ACCOUNT, "passwort": "{{ marks.misplaced }}"},
        {**ACCOUNT, "password_never_expires": "{{ marks.misplaced }}"},
        {**ACCOUNT, "licenses": "{{ marks.misplaced }}"},
        {**ACCOUNT, "password": "{{ marks.password }}", "timeout": "{{ marks.misplaced }}"},
        {**ACCOUNT, "client_secret": ["{{ marks.misplaced }}"]},
        {**ACCOUNT, "client_secret": {"value": "{{ marks.misplaced }}"}},
    ],
}


@pytest.fixture
def cage(ansible: Ansible, tmp_path: Path, tenants: dict[str, Simulator]) -> Cage:
    good = tenants["good"]
    names = ("password", "held", "misplaced", "wrong_secret", "passphrase", "federated", "role_password")
    given: Data = {name: mark(name) for name in names}
    auth = {"good": {**good.auth(), "wait_timeout": 60, "timeout": 10}}
    variables = {"auth": auth, "client_id": good.endpoints["client_id"]}
    return Cage(ansible, tmp_path / "inputs", given, variables, tenants)


def let_fail(cage: Cage, simulator: Callable[..., Simulator], directory: Path) -> None:
    """Start the services that answer with what they were sent, and add the ways to sign in that fail."""
    cage.tenants |= echoing(simulator)
    given, good = cage.given, cage.tenants["good"]
    key, token, other = directory / "key.pem", directory / "federated", directory / "other.pem"
    plain, protected = private_key(given["passphrase"])
    key.write_text(protected + Path(good.endpoints["ca_path"]).read_text())
    given |= {f"key_{number}": line for number, line in enumerate((plain + protected).splitlines()) if len(line) == 64}
    token.write_text(given["federated"])
    other.write_bytes(Path(cage.tenants["no sign-in"].endpoints["ca_path"]).read_bytes())
    quick = {"wait_timeout": 2, "timeout": 10}
    auth = {name.replace(" ", "_").replace("-", "_"): {**one.auth(), **quick} for name, one in cage.tenants.items()}
    without = {name: value for name, value in auth["good"].items() if name != "client_secret"}
    refusing = {name: value for name, value in auth["no_sign_in"].items() if name != "client_secret"}
    certificate = {"certificate_path": str(key), "certificate_passphrase": given["passphrase"]}
    cage.variables["auth"] |= {
        **auth,
        "wrong_secret": {**auth["good"], "client_secret": given["wrong_secret"]},
        "wrong_secret_repeated": {**auth["no_sign_in"], "client_secret": given["wrong_secret"]},
        "no_trust": {**auth["good"], "ca_path": str(other)},
        "certificate": {**refusing, **certificate},
        "federated": {**refusing, "federated_token_file": str(token)},
        "federated_wrong": {**without, "federated_token_file": str(token)},
        "two": {**auth["good"], **certificate},
    }


def told(run: Run, title: str, *words: str) -> None:
    """Each task of the play failed, and one said these words: what was repeated was there to be seen.

    A report does not fail; it says the words too, where it says what it could not read.
    """
    results = [one for one in run.results if one.play == title]
    assert results
    reports = [one for one in results if "o365_tenant_info" in one.task]
    assert {one.status for one in results if one not in reports} == {"failed"}, title
    assert all(word in str(one.result) for one in reports for word in words), title
    missing = [word for word in words if not any(word in one.msg for one in results)]
    assert not missing, f"{title} does not say {missing}: {[one.msg for one in results]}"


@pytest.mark.timeout(900)  # some sixty tasks
def test_s13_no_module_shows_a_secret(cage: Cage, simulator: Callable[..., Simulator], tmp_path: Path) -> None:
    """Whether it succeeds or fails, and however; with pipelining, and without it in the second half."""
    foreseen = play("foreseen", "auth.good", WORK, check_mode=True)
    done = play("done", "auth.good", WORK)
    hidden = play("hidden", "auth.good", SECRETIVE, no_log=True)
    documented = play("documented", "auth.good", DOCUMENTED)
    run = cage.run([foreseen, done, hidden, documented], diff=True)
    cage.holds_tight()
    assert {one.status for one in run.results if one.play != "documented"} == {"ok"}, run.output

    let_fail(cage, simulator, tmp_path)
    one = {"o365_service_account": WORK["o365_service_account"][:1]}
    failing: dict[str, tuple[str, Mapping[str, list[Data]], tuple[str, ...]]] = {
        "writes fail": (
            "writes_fail",
            {**FIRST, **SECRETIVE},
            ("Exception at POST", "This was sent: POST", "********"),
        ),
        "nothing allowed": (
            "nothing_allowed",
            {**FIRST, **DOCUMENTED},
            ("This was sent: GET", "authorization: Bearer ********"),
        ),
        "wrong types": ("wrong_types", FIRST, ()),
        "odd token": ("odd_token", one, ("sign in",)),
        "no sign-in": ("no_sign_in", one, ("AADSTS7000215", "client_secret=********")),
        "wrong secret": ("wrong_secret", one, ("AADSTS7000215",)),
        "wrong secret, repeated": ("wrong_secret_repeated", one, ("client_secret=********",)),
        "no trust": ("no_trust", one, ("TLS",)),
        "certificate": ("certificate", one, ("client_assertion=********",)),
        "federated": ("federated", one, ("client_assertion=********",)),
        "federated, wrong": ("federated_wrong", one, ()),
        "two": ("two", one, ("both given",)),
        "misplaced": ("good", MISPLACED, ("update_password", "passwort", "clientsecret")),
    }
    plays = [play(title, f"auth.{auth}", work) for title, (auth, work, _words) in failing.items()]
    run = cage.run(plays, environment={"ANSIBLE_PIPELINING": "0"}, diff=True)
    cage.holds_tight()
    for title, (_auth, _work, words) in failing.items():
        told(run, title, *words)


@pytest.mark.timeout(900)  # four runs of the role
def test_s13_the_role_shows_no_secret(cage: Cage, simulator: Callable[..., Simulator]) -> None:
    """Both ways, in check mode and in earnest; one of them fails when its client secret is made."""
    refused = {**fault("outlook", 400, ECHO), "match": {"cmdlet": "New-ManagementScope"}, "times": 1}
    tenant = simulator(seed={"impersonation_role": True}, faults=[refused])
    cage.tenants["role"] = tenant
    files = {way: cage.inputs / f"{way}.yml" for way in ("app_permissions", "service_account")}
    cage.variables["wishes"] = {way: wish(tenant, way, file) for way, file in files.items()}
    cage.variables["wishes"]["service_account"]["vmr_scheduling_service_account_password"] = cage.given["role_password"]
    roles = [
        {
            "name": way,
            "ansible.builtin.include_role": {"name": "vmrops.o365.vmr_scheduling"},
            "vars": {name: f"{{{{ wishes.{way}.{name} }}}}" for name in cage.variables["wishes"][way]},
        }
        for way in files
    ]
    went_on = {"name": "Go on", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}
    roles = [{"name": one["name"], "block": [one], "rescue": [went_on]} for one in roles]
    plays = [{"name": "role", "hosts": "all", "gather_facts": True, "tasks": roles}]
    cage.run(plays, check=True, diff=True)
    cage.holds_tight()
    run = cage.run(plays, diff=True, environment={"ANSIBLE_PIPELINING": "0"})
    cage.holds_tight()
    assert any("This was sent: POST" in one.msg for one in run.results if one.status == "failed")
    kept = {way: yaml.safe_load(file.read_text()) for way, file in files.items()}
    made = {one["client_secret"] for one in kept.values()}
    assert len(made) == 2
    assert made <= set(tenant.secrets())
    assert all(file.stat().st_mode & 0o7777 == 0o600 for file in files.values())


# --- what Ansible itself shows ----------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_files_that_ansible_is_told_to_keep_stay_with_their_owner(cage: Cage) -> None:
    """ANSIBLE_KEEP_REMOTE_FILES keeps the module with its arguments, in a directory that only its owner can enter."""
    task = {"o365_service_account": [{**ACCOUNT, "password": "{{ marks.password }}", "wait_for_mailbox": False}]}
    cage.run([play("kept", "auth.good", task, check_mode=True)], environment={"ANSIBLE_KEEP_REMOTE_FILES": "1"})
    remote = cage.ansible.directory / "run-1" / "remote"
    assert cage.leaks
    assert {leak.partition("/ansible-tmp-")[0] for leak in cage.leaks} == {str(remote)}
    assert [path.stat().st_mode & 0o777 for path in remote.iterdir()] == [0o700]


def test_debugging_ansible_shows_secrets_on_the_terminal_and_nowhere_else(cage: Cage) -> None:
    """ANSIBLE_DEBUG prints arguments and what modules answer, whatever no_log says (so Ansible's documentation)."""
    tasks = {"o365_oauth_app": [{**APP, "secret": {"display_name": "first"}}]}
    cage.run([play("debugged", "auth.good", tasks, no_log=True)], environment={"ANSIBLE_DEBUG": "1"})
    assert cage.leaks
    assert {leak.partition(": ")[0] for leak in cage.leaks} <= {"stdout", str(cage.ansible.directory / "ansible.log")}
