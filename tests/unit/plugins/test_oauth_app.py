# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app registration's planner, and what decides about secrets and certificates."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.vmrops.o365.plugins.module_utils._plan import Plan, Ref, Refused, Secret
from ansible_collections.vmrops.o365.plugins.module_utils._resources import _app_credentials as credentials
from ansible_collections.vmrops.o365.plugins.module_utils._resources._application_state import State, read
from ansible_collections.vmrops.o365.plugins.module_utils._resources._permissions import Wanted
from ansible_collections.vmrops.o365.plugins.module_utils._resources.oauth_app import OAuthApp
from ansible_collections.vmrops.o365.plugins.module_utils._services.batches import Together
from ansible_collections.vmrops.o365.plugins.module_utils._transport.clock import Deadline
from ansible_collections.vmrops.o365.plugins.module_utils._transport.errors import Denied, ServiceError

Data = dict[str, Any]

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc).timestamp()
SECRET: Data = {
    "present": True,
    "display_name": "pexip",
    "lifetime": 365,
    "renew_before": 30,
    "held": None,
    "renew": "when_due",
    "overlap": None,
    "prove": False,
}
DEFAULTS: Data = {
    "unique_name": "pexip",
    "app_id": None,
    "display_name": "Pexip",
    "sign_in_audience": None,
    "redirect_uris": None,
    "permissions": None,
    "permissions_mode": "merge",
    "admin_consent": False,
    "secret": None,
    "certificates": None,
    "owners": None,
    "deleted": "fail",
    "state": "present",
}
APPLICATION: Data = {
    "id": "object-id",
    "appId": "app-id",
    "displayName": "Pexip",
    "uniqueName": "pexip",
    "createdDateTime": "2020-01-01T00:00:00Z",
    "signInAudience": "AzureADMyOrg",
    "requiredResourceAccess": [],
    "passwordCredentials": [],
    "keyCredentials": [],
    "web": {"redirectUris": ["https://a", "https://b"]},
    "publicClient": {"redirectUris": []},
}
PRINCIPAL = {"id": "principal-id", "appId": "app-id"}
RESOURCE: Data = {
    "id": "graph-principal",
    "appId": "graph",
    "displayName": "Microsoft Graph",
    "appRoles": [{"id": "role-mail", "value": "Mail.Read"}],
    "oauth2PermissionScopes": [],
}
MAIL = Wanted(RESOURCE, {"Mail.Read": "role-mail"}, {})
THERE = State(APPLICATION, principal=PRINCIPAL, now=NOW)


def app(**options: Any) -> OAuthApp:
    return OAuthApp({**DEFAULTS, **options}, NOW)


def plan(found: State, /, **options: Any) -> Plan:
    return app(**options).plan(found)


def operations(made: Plan) -> list[str]:
    return [step.operation for step in made.steps]


def credential(days: float, name: str = "pexip", key_id: str = "key-1", hint: str = "abc") -> Data:
    end = datetime.fromtimestamp(NOW, timezone.utc) + timedelta(days=days)
    start = end - timedelta(days=365)
    form = "%Y-%m-%dT%H:%M:%SZ"
    times = {"startDateTime": start.strftime(form), "endDateTime": end.strftime(form)}
    return {"keyId": key_id, "displayName": name, "hint": hint, **times}


# --- registration -----------------------------------------------------------------------------------------------------


def test_new_registration() -> None:
    options = {
        "redirect_uris": {"web": ["https://a"], "public_client": None},
        "permissions": [{}],
        "admin_consent": True,
        "secret": SECRET,
    }
    made = plan(State(None, wanted=[MAIL], new_owners={"alice": "alice-id"}, now=NOW), **options)
    assert operations(made) == [
        "upsert_application",
        "create_service_principal",
        "add_owner",
        "grant_app_role",
        "add_password",
    ]
    register, principal, owner, role, secret = made.steps
    assert register.values == {
        "signInAudience": "AzureADMyOrg",
        "displayName": "Pexip",
        "web": {"redirectUris": ["https://a"]},
        "requiredResourceAccess": [
            {"resourceAppId": "graph", "resourceAccess": [{"id": "role-mail", "type": "Role"}]},
        ],
    }
    assert principal.values == {"appId": Ref("application", "appId")}
    assert owner.target == secret.target == {"application": Ref("application", "id")}
    assert role.values["principalId"] == Ref("service_principal", "id")
    assert all(step.follows_creation for step in made.steps)
    assert made.diff()["before"] == {"state": "absent"}


def test_nothing_to_do() -> None:
    made = plan(THERE, redirect_uris={"web": ["https://b", "https://a"], "public_client": None})
    assert made.steps == []
    assert made.before == made.after


def test_only_what_is_named_is_changed() -> None:
    [step] = plan(THERE, redirect_uris={"web": None, "public_client": ["http://localhost"]}).steps
    assert step.values == {"publicClient": {"redirectUris": ["http://localhost"]}}
    assert not step.settling


def test_young_application_may_not_be_known_everywhere() -> None:
    young = {**APPLICATION, "createdDateTime": "2026-11-22T11:50:00Z"}
    for application, settling in ((young, True), (APPLICATION, False)):
        [step] = plan(State(application, now=NOW)).steps
        assert (step.operation, step.settling) == ("create_service_principal", settling)


def test_owners() -> None:
    state = State(
        APPLICATION,
        principal=PRINCIPAL,
        owners=["alice-id"],
        new_owners={"alice": "alice-id", "bob": "bob-id"},
        now=NOW,
    )
    made = plan(state, owners=["alice", "bob"])
    [step] = made.steps
    assert step.values == {"id": "bob-id"}
    assert (made.before["owners"], made.after["owners"]) == (["alice"], ["alice", "bob"])


def test_consent_only_where_asked_for() -> None:
    state = State(APPLICATION, principal=PRINCIPAL, wanted=[MAIL], now=NOW)
    assert operations(plan(state, permissions=[{}])) == ["update_application"]
    assert operations(plan(state, permissions=[{}], admin_consent=True)) == ["update_application", "grant_app_role"]
    assert plan(state, admin_consent=True).steps == []


def test_wider_grants_are_warned_about() -> None:
    assignment = {"id": "a", "resourceId": "x", "resourceDisplayName": "Exchange", "appRoleId": "full"}
    state = State(APPLICATION, principal=PRINCIPAL, wanted=[MAIL], assignments=[assignment], now=NOW)
    made = plan(state, permissions=[{}], admin_consent=True)
    assert made.warnings == ["pexip was granted more than is asked for here: application permission full of Exchange."]
    assert plan(state, permissions=[{}], admin_consent=True, permissions_mode="replace").warnings == []


@pytest.mark.parametrize(
    ("state", "options", "words"),
    [
        (State(None), {"unique_name": None, "app_id": "x"}, "unique_name: it is needed"),
        (State(None), {"display_name": None}, "display_name: it is needed"),
        (State(None, namesakes=[APPLICATION, {**APPLICATION, "appId": "twin"}]), {}, "app-id .*, twin "),
        (State(None, deleted=[APPLICATION]), {}, "deleted: the unique name pexip belongs to a deleted application"),
    ],
)
def test_refusals(state: State, options: Data, words: str) -> None:
    with pytest.raises(Refused, match=words):
        plan(state, **options)


def test_restore_brings_the_service_principal_too() -> None:
    state = State(None, deleted=[APPLICATION], deleted_principals=[PRINCIPAL], now=NOW)
    made = plan(state, deleted="restore", display_name="New")
    assert operations(made) == ["restore_application", "update_application", "restore_service_principal"]
    assert made.steps[1].values == {"displayName": "New"}
    assert made.steps[2].target == {"service_principal": "principal-id"}
    # Without an entry in the bin, one is made.
    made = plan(State(None, deleted=[APPLICATION], now=NOW), deleted="restore")
    assert operations(made) == ["restore_application", "create_service_principal"]
    assert made.steps[1].values == {"appId": "app-id"}


def test_purge_registers_anew() -> None:
    state = State(None, deleted=[APPLICATION], deleted_principals=[PRINCIPAL], now=NOW)
    made = plan(state, deleted="purge")
    assert operations(made) == ["purge_application", "upsert_application", "create_service_principal"]


def test_service_principal_alone_in_the_bin() -> None:
    state = State(APPLICATION, deleted_principals=[PRINCIPAL], now=NOW)
    assert operations(plan(state)) == ["restore_service_principal"]


@pytest.mark.parametrize(
    ("state", "deleted", "expected"),
    [
        (State(None), "fail", []),
        (State(APPLICATION), "fail", ["delete_application"]),
        (State(APPLICATION), "purge", ["delete_application", "purge_application"]),
        (State(None, deleted=[APPLICATION]), "fail", []),
        (State(None, deleted=[APPLICATION]), "purge", ["purge_application"]),
    ],
)
def test_absent(state: State, deleted: str, expected: list[str]) -> None:
    assert operations(plan(state, state="absent", deleted=deleted)) == expected


# --- secrets ----------------------------------------------------------------------------------------------------------


def secret_plan(current: list[Data], made: Data | None = None, **options: Any) -> list[str]:
    wish = credentials.ClientSecret({**SECRET, **options}, NOW)
    return [
        f"{step.operation} {step.values.get('keyId', '')}".strip() for step in wish.plan("object", current, made, False)
    ]


@pytest.mark.parametrize(
    ("current", "options", "expected"),
    [
        ([], {}, ["add_password"]),
        ([credential(31)], {}, []),
        ([credential(29)], {}, ["add_password"]),
        ([credential(-1)], {}, ["add_password"]),
        ([credential(300, "other")], {}, ["add_password"]),
        ([credential(300, "other")], {"present": False}, []),
        (
            [credential(300), credential(1, key_id="key-2")],
            {"present": False},
            ["remove_password key-1", "remove_password key-2"],
        ),
        ([credential(300)], {"held": "abcdef"}, []),
        ([credential(300)], {"held": "xyz"}, ["add_password"]),
        ([credential(300)], {"held": ""}, ["add_password"]),
        ([credential(300, hint="")], {"held": "abc"}, ["add_password"]),
        ([credential(300, hint="xyz"), credential(300, key_id="key-2")], {"held": "abcdef"}, []),
    ],
)
def test_one_valid_secret_of_that_name(current: list[Data], options: Data, expected: list[str]) -> None:
    assert secret_plan(current, **options) == expected


def test_secret_made_in_this_run_is_waited_for_and_not_made_again() -> None:
    wish = credentials.ClientSecret(SECRET, NOW)
    end = credentials.graph_time(wish.end)
    made = {"keyId": "new", "secretText": "text", "endDateTime": end}
    [first] = wish.plan("object", [], None, False)
    [again] = wish.plan("object", [], made, False)
    assert first.covers(again)
    assert wish.plan("object", [{"keyId": "new", "displayName": "pexip", "endDateTime": end}], made, False) == []


def test_secret_whose_answer_was_lost_is_removed_and_another_made() -> None:
    wish = credentials.ClientSecret(SECRET, NOW)
    end = credentials.graph_time(wish.end)
    former, lost = credential(300), {"keyId": "lost", "displayName": "pexip", "endDateTime": end}
    steps = wish.plan("object", [former, lost], None, False)
    # The former one still serves: only what nobody knows the text of goes.
    assert [(step.operation, step.values) for step in steps] == [("remove_password", {"keyId": "lost"})]
    assert [step.operation for step in wish.plan("object", [lost], None, False)] == ["remove_password", "add_password"]
    made = {"keyId": "new", "secretText": "text", "endDateTime": end}
    shown = {"keyId": "new", "displayName": "pexip", "endDateTime": end}
    [step] = wish.plan("object", [lost, shown], made, False)
    assert step.values == {"keyId": "lost"}
    assert step.settling


def test_end_of_a_secret_is_its_mark() -> None:
    ends = {credentials.ClientSecret(SECRET, NOW).end for _round in range(20)}
    assert len(ends) > 10
    for end in ends:
        assert end.microsecond >= 1000
        assert credentials.parse_time(credentials.graph_time(end)) == end
        assert timedelta(days=365) < end - datetime.fromtimestamp(NOW, timezone.utc) < timedelta(days=365, seconds=1)


def test_secret_of_a_run_that_did_not_live_to_hand_it_over() -> None:
    """Known by the mark that follows from what the caller held then, and still holds."""
    held = {**SECRET, "held": "none yet 1234"}
    stray = made_by(credentials.ClientSecret(held, NOW - 500), "stray")
    stranger = made_by(credentials.ClientSecret({**SECRET, "held": "another"}, NOW - 500), "stranger")

    wish = credentials.ClientSecret(held, NOW, known=frozenset({"stray", "stranger"}))
    steps = wish.plan("object", [stray, stranger], None, False)
    assert [(step.operation, step.values.get("keyId")) for step in steps] == [
        ("remove_password", "stray"),
        ("add_password", None),
    ]

    # Renewal: the former secret has the mark by accident, and serves until its end.
    holder = credentials.ClientSecret({**SECRET, "held": "abcdef"}, NOW)
    before = credentials.ClientSecret({**SECRET, "held": "abcdef"}, NOW)
    former = {**made_by(before, "former"), "startDateTime": "2020-01-01T00:00:00Z"}
    lost = made_by(credentials.ClientSecret({**SECRET, "held": "abcdef"}, NOW), "lost")
    holder.known = frozenset({"former", "lost"})
    steps = holder.plan("object", [former, credential(300, hint="abc"), lost], None, False)
    assert [(step.operation, step.values) for step in steps] == [("remove_password", {"keyId": "lost"})]


def test_two_runs_that_make_a_secret_at_once_end_without_one() -> None:
    held = {**SECRET, "held": "none yet 1234"}
    mine, other = (credentials.ClientSecret(held, NOW, known=frozenset()) for _run in range(2))
    theirs, made = made_by(other, "theirs"), {"keyId": "mine", "secretText": "text"}
    [step] = mine.plan("object", [made_by(mine, "mine"), theirs], made, False)
    assert (step.operation, step.values, step.saves) == ("remove_password", {"keyId": "mine"}, "secret")
    for credentials_now in ([theirs], []):
        with pytest.raises(Refused, match="another run is making the client secret pexip"):
            mine.plan("object", credentials_now, {}, False)
    with pytest.raises(Refused, match="another run"):
        mine.plan("object", [theirs], None, False)


@pytest.mark.parametrize(
    ("renew", "current", "expected"),
    [
        ("now", [credential(300)], ["add_password"]),
        ("now", [], ["add_password"]),
        ("never", [credential(1)], []),
        ("never", [], []),
    ],
)
def test_secret_is_renewed_when_the_caller_says(renew: str, current: list[Data], expected: list[str]) -> None:
    assert secret_plan(current, renew=renew) == expected
    # Not twice in one run.
    made = {"keyId": "new", "secretText": "text"}
    assert secret_plan([*current, credential(365, key_id="new")], made, renew=renew) == []


def aged(days: float, **more: Any) -> Data:
    """A secret that was made so many days ago, for a year."""
    return credential(365 - days, **more)


FORMER = [aged(300, key_id="first", hint="111"), aged(100, key_id="second", hint="222"), aged(2, hint="abc")]


@pytest.mark.parametrize(
    ("current", "overlap", "expected"),
    [
        (FORMER, None, []),
        (FORMER, 3, []),
        (FORMER, 2, ["remove_password first", "remove_password second"]),
        (FORMER, 0, ["remove_password first", "remove_password second"]),
        # By a clock that is behind the service's, it was made a moment from now.
        ([*FORMER[:1], aged(-0.001, hint="abc")], 0, ["remove_password first"]),
        ([*FORMER[:1], aged(-0.001, hint="abc")], 1, []),
        # A younger one, and one of another name, are somebody else's.
        ([aged(1, key_id="younger", hint="333"), *FORMER[2:]], 0, []),
        ([aged(300, name="other", key_id="other", hint="333"), *FORMER[2:]], 0, []),
    ],
)
def test_former_secrets_go_after_the_overlap(current: list[Data], overlap: int | None, expected: list[str]) -> None:
    assert secret_plan(current, held="abcdef", overlap=overlap, renew="never") == expected


def test_former_secrets_stay_where_the_held_one_is_not_proved() -> None:
    options = {**SECRET, "held": "abcdef", "overlap": 0}
    unproved = credentials.ClientSecret(options, NOW, refusal="AADSTS7000215: Invalid client secret provided")
    with pytest.raises(Refused, match=r"secret\.held: no token came for it: AADSTS7000215.*stay.*first, second"):
        unproved.plan("object", FORMER, None, False)
    # Nothing is to be removed: it is not asked.
    assert unproved.plan("object", FORMER[2:], None, False) == []
    with pytest.raises(Refused, match=r"secret\.held: it is none of the client secrets called pexip"):
        secret_plan(FORMER[:2], held="abcdef", overlap=0, renew="never")


def test_a_run_that_makes_a_secret_removes_no_former_one() -> None:
    """The one that is held is about to end, and may have ended; the new one is in nobody's hands yet."""
    current = [aged(700, key_id="first", hint="111"), aged(400, hint="abc")]
    assert secret_plan(current, held="abcdef", overlap=0) == ["add_password"]
    made = {"keyId": "new", "secretText": "text"}
    assert secret_plan([*current, aged(0, key_id="new", hint="new")], made, held="abcdef", overlap=0) == []


class SignIn:
    """Tells which secrets get a token."""

    def __init__(self, *known: str) -> None:
        self.known = known

    def refusal_of(self, client_id: str, client_secret: str) -> str:
        assert client_id == "app-id"
        return "" if client_secret in self.known else "AADSTS7000215"


def test_a_secret_is_proved_by_a_token() -> None:
    readers: Any = SignIn("new", "held")
    made = State(APPLICATION, secret={"secretText": "new"}, now=NOW)
    for state, held in ((made, ""), (made, "gone"), (THERE, "held")):
        assert app(secret={**SECRET, "prove": True, "held": held}).prove(readers, state) == {"proved": True}
    assert app(secret=SECRET).prove(readers, THERE) == {}
    for held, words in (("gone", "AADSTS7000215"), (None, "its text is not known here")):
        with pytest.raises(Refused, match=f"secret: no token came for it: {words}"):
            app(secret={**SECRET, "prove": True, "held": held}).prove(readers, THERE)
    with pytest.raises(Refused, match="there is none to prove"):
        app(secret={**SECRET, "prove": True, "held": "", "renew": "never"})


@pytest.mark.parametrize("held", [None, ""])
def test_an_overlap_needs_the_secret_that_is_held(held: str | None) -> None:
    with pytest.raises(Refused, match=r"secret\.overlap: without held"):
        app(secret={**SECRET, "held": held, "overlap": 1})
    with pytest.raises(Refused, match=r"secret\.overlap: -1 is no number of days"):
        app(secret={**SECRET, "held": "abcdef", "overlap": -1})


def made_by(wish: credentials.ClientSecret, key_id: str) -> Data:
    """The credential that a run's addPassword makes."""
    start = credentials.graph_time(datetime.fromtimestamp(NOW, timezone.utc))
    end = credentials.graph_time(wish.end)
    return {"keyId": key_id, "displayName": "pexip", "hint": "~~~", "startDateTime": start, "endDateTime": end}


@pytest.mark.parametrize("text", ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00.0000000Z", "2026-11-22T12:00:00.00Z"])
def test_timestamps_with_any_fraction(text: str) -> None:
    assert credentials.parse_time(text).timestamp() == NOW


def test_secret_that_would_be_renewed_in_every_run() -> None:
    with pytest.raises(Refused, match=r"secret\.lifetime: it must be longer than renew_before"):
        app(secret={**SECRET, "lifetime": 30})
    app(secret={**SECRET, "lifetime": 30, "present": False})


def test_secret_is_told_even_when_a_later_step_fails() -> None:
    answer = {"secretText": "text", "keyId": "new", "endDateTime": "2027-01-01T00:00:00Z"}
    told = app(secret=SECRET).secrets({"secret": answer})
    assert told == {"secret": {"value": Secret("text"), "key_id": "new", "end": "2027-01-01T00:00:00Z"}}
    assert app().secrets({}) == {}


# --- certificates -----------------------------------------------------------------------------------------------------


def pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


def test_certificates_of_files(tmp_path: Path) -> None:
    der = b"\x30\x03abc"
    (tmp_path / "a.pem").write_text("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n" + pem(der))
    (tmp_path / "b.cer").write_bytes(der)
    names = [str(tmp_path / "a.pem"), str(tmp_path / "b.cer")]
    assert credentials.certificates(names) == dict.fromkeys(names, base64.b64encode(der).decode())


@pytest.mark.parametrize(
    "content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nabc", b"-----BEGIN PRIVATE KEY-----\nabc"]
)
def test_files_that_hold_no_certificate(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pem").write_bytes(content)
    with pytest.raises(Refused, match="holds no certificate"):
        credentials.certificates([str(tmp_path / "a.pem")])
    with pytest.raises(Refused, match="cannot be read: No such file"):
        credentials.certificates([str(tmp_path / "missing.pem")])


def test_present_certificates_go_along_with_new_ones() -> None:
    present = {"keyId": "k", "key": "AAAA", "displayName": "old"}
    assert credentials.key_credentials({"x/old.pem": "AAAA"}, [present]) is None
    both = credentials.key_credentials({"x/old.pem": "AAAA", "x/new.pem": "BBBB"}, [present])
    assert both is not None
    assert both[0] == present
    assert both[1] == {"type": "AsymmetricX509Cert", "usage": "Verify", "key": "BBBB", "displayName": "new"}


def test_certificates_of_a_restored_application_are_read_before_the_list_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.cer").write_bytes(b"\x30\x03abc")
    options = {"certificates": [str(tmp_path / "a.cer")], "deleted": "restore"}
    holding = {**APPLICATION, "keyCredentials": [{"keyId": "k"}]}
    state = State(None, deleted=[holding], deleted_principals=[PRINCIPAL], now=NOW)
    assert operations(plan(state, **options)) == ["restore_application", "restore_service_principal"]
    state = State(holding, principal=PRINCIPAL, keys=[{"keyId": "k", "key": "AAAA"}], now=NOW)
    [step] = plan(state, **options).steps
    assert next(one["key"] for one in step.values["keyCredentials"]) == "AAAA"
    assert len(step.values["keyCredentials"]) == 2


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param([{"appId": "other", "id": "x"}, {"appId": "a", "id": "by name"}], "by name", id="guessed"),
        pytest.param([{"appId": "other", "id": "x"}], "by id", id="namesakes alone"),
        pytest.param([], "by id", id="not listed yet"),
        pytest.param(Denied("list", 403, text="no"), "by id", id="not to be listed"),
    ],
)
def test_the_service_principal_is_guessed_by_name_and_known_by_the_application_id(named: Any, expected: str) -> None:
    def listed(_name: str) -> Any:
        if isinstance(named, Exception):
            raise named
        return named

    def attempt(read: Any) -> tuple[Any, str]:
        try:
            return read(), ""
        except ServiceError as error:
            return None, str(error)

    directory = SimpleNamespace(
        application_by_unique_name=lambda _name: {"id": "o", "appId": "a", "displayName": "Pexip"},
        service_principals_named=listed,
        service_principal=lambda app_id: {"appId": app_id, "id": "by id"},
    )
    readers: Any = SimpleNamespace(
        directory=directory, attempt=attempt, together=Together(Deadline(1)), now=0.0, tenant_id="t", login_url="u"
    )
    found = read(DEFAULTS, False, readers, {})
    assert found.principal == {"appId": "a", "id": expected}
