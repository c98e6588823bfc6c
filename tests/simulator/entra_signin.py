# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person signs in: user name and password, a second factor where it is due, consent, and on to the application.

How far a person got travels in a hidden field of the pages, sealed, so that the browser can carry it and not change it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyotp
from starlette.responses import Response

from . import entra_consent, entra_devices, entra_policies, entra_sessions
from . import entra_errors as errors
from .entra_authorize import address_of, check_request, registered
from .entra_clients import PUBLIC, Client, check_audience, find_client
from .entra_errors import EntraError
from .entra_flows import Asked, check_account, check_assigned, sign_in
from .entra_pages import back, back_with, page, trouble
from .entra_policies import BROWSER, NATIVE, SignIn
from .entra_tokens import CODE_SECONDS, Resources, Wish, keep_grant
from .store import Document
from .tenant import Tenant, new_id

PAGE_SECONDS = 3600


@dataclass(frozen=True)
class Journey:
    """One person's way to one application.

    Attributes:
        request: the parameters of the authorization request; for a device its scope and client.
        device: the key of the device's grant, if it is for one.
        user: the id of who signed in; empty until then.
        methods: how they did.
        everyone: whether an administrator consents to the whole registration, and nothing else.
    """

    segment: str
    version_1: bool
    request: dict[str, str]
    device: str = ""
    user: str = ""
    methods: tuple[str, ...] = ()
    everyone: bool = False


class SignInPages:
    """The pages of one tenant. Each answers with the next page, or with the way back to the application."""

    def __init__(self, tenant: Tenant, resources: Resources, base: str) -> None:
        self.tenant, self.resources, self.base = tenant, resources, base

    def authorize(self, asked: Asked, cookie: str) -> Response:
        """An authorization request. Raises EntraError while there is no address to send the person back to."""
        request = dict(asked.form)
        application, _principal = find_client(self.tenant, asked.need("client_id"), asked.segment)
        check_audience(application, asked.segment)
        address = address_of(application, request)
        try:
            check_request(application, request)
            scope = asked.scope()
            entra_consent.check_scopes(application, self.resources.parse_all(scope, asked.segment))
            journey = Journey(asked.segment, asked.version_1, {**request, "redirect_uri": address, "scope": scope})
            prompt = request.get("prompt", "")
            if prompt not in ("login", "select_account"):
                journey = self._with_session(journey, cookie)
            if prompt == "none":
                return self._silently(journey)
        except EntraError as error:
            return back_with(request, address, error)
        return self._next(journey, {})

    def admin_consent(self, asked: Asked) -> Response:
        """A request for an administrator's consent. Raises EntraError."""
        application, _principal = find_client(self.tenant, asked.need("client_id"), asked.segment)
        request = {**asked.form, "redirect_uri": address_of(application, asked.form)}
        scope = asked.form.get("scope") or ".default"
        entra_consent.check_scopes(application, self.resources.parse_all(scope, asked.segment))
        journey = Journey(asked.segment, asked.version_1, {**request, "scope": scope}, everyone=True)
        return self._next(journey, {})

    def device(self) -> Response:
        """Where a person enters the code that a device shows."""
        return self._ask(Journey("common", False, {}), "device_code", text=_ENTER_CODE, user_code="")

    def submitted(self, form: Mapping[str, str]) -> Response:
        """What was entered on one of these pages."""
        sealed = self.tenant.tokens.unseal("page", form.get("flow", ""))
        if sealed is None:
            text = "Authentication failed due to flow token expired."
            return trouble(EntraError(400, "invalid_request", 50089, text))
        journey = Journey(**{name: sealed[name] for name in Journey.__dataclass_fields__})
        journey = replace(journey, methods=tuple(journey.methods))
        try:
            if not journey.request:
                return self._device_entered(journey, form.get("user_code", ""))
            return self._next(journey, form)
        except EntraError as error:
            return trouble(error)

    def sign_out(self, request: Mapping[str, str]) -> Response:
        """End the session; on to where the application asked for, if that address is registered."""
        address = request.get("post_logout_redirect_uri", "")
        known = address and any(
            registered(one, address) is not None
            for one in self.tenant.fresh.all("application")
            if not one["deletedDateTime"]
        )
        if known:
            response = back({"state": request.get("state", "")}, address, {})
        else:
            text = "It's a good idea to close all browser windows."
            response = page("message", title="You signed out of your account", text=text)
        entra_sessions.end(response)
        return response

    # --- steps --------------------------------------------------------------------------------------------------------

    def _next(self, journey: Journey, form: Mapping[str, str]) -> Response:
        """What is still missing, asked for; nothing missing, the end. An entered value counts for one step only."""
        if not journey.user:
            if "username" not in form:
                return self._credentials(journey)
            try:
                user = sign_in(self.tenant, form["username"], form.get("password", ""))
            except EntraError as error:
                return self._credentials(journey, form["username"], str(error))
            journey, form = replace(journey, user=user["id"], methods=("pwd",)), {}
        user = check_account(self.tenant.fresh.get("user", journey.user))
        client, wishes = self._client(journey), self._wishes(journey)
        check_assigned(self.tenant, client, user)
        try:
            self._check_policies(journey, user, client, wishes)
        except EntraError as error:
            if error.code != 50076:
                return _stopped(error, user)
            if not pyotp.TOTP(user["_mfa"]).verify(form.get("otp", ""), valid_window=1):
                wrong = "That code didn't work. Enter the code again." if "otp" in form else ""
                return self._ask(journey, "second_factor", title="Enter code", text=_ENTER_OTP, error=wrong, user=user)
            journey, form = replace(journey, methods=(*journey.methods, "mfa")), {}
            self._check_policies(journey, user, client, wishes)
        if form.get("step") == "cancel":
            return self._declined(journey)
        again = journey.everyone or journey.request.get("prompt") == "consent"
        missing = entra_consent.missing(self.tenant, client, wishes, user, again)
        if form.get("step") != "accept" and (missing or journey.device or journey.everyone):
            return self._consent(journey, client, user, missing)
        everyone = journey.everyone or form.get("admin") == "true"
        if missing:
            entra_consent.give(self.tenant, client, missing, user, everyone)
        if journey.everyone:
            entra_consent.give_roles(self.tenant, client, user)
        return self._arrived(journey, client, user)

    def _credentials(self, journey: Journey, username: str = "", error: str = "") -> Response:
        username = username or journey.request.get("login_hint", "")
        return self._ask(journey, "sign_in", username=username, error=error)

    def _consent(
        self, journey: Journey, client: Client, user: Document, missing: entra_consent.Permissions
    ) -> Response:
        name, administrator = client.application["displayName"], entra_consent.is_administrator(self.tenant, user)
        if (journey.everyone or entra_consent.restricted(missing)) and not administrator:
            error = errors.needs_administrator()
            text = f"{name} needs permission to access resources in your organization that only an admin can grant."
            return page("message", 403, title="Need admin approval", text=text, error=str(error), who=_name(user))
        listed = [
            (scope["value"], scope["userConsentDescription"]) for _resource, scopes in missing for scope in scopes
        ]
        text = (
            "This app would like to:" if listed else f"Are you trying to sign in to {name}? Only continue if you are."
        )
        return self._ask(
            journey,
            "consent",
            user=user,
            title="Permissions requested" if listed else f"Continue to {name}",
            application=name,
            text=text,
            permissions=listed,
            may_admin=administrator and bool(listed) and not journey.everyone,
            accept="Accept" if listed else "Continue",
        )

    def _ask(self, journey: Journey, template: str, user: Document | None = None, **content: Any) -> Response:
        flow = self.tenant.tokens.seal("page", asdict(journey), PAGE_SECONDS)
        action = f"/{journey.segment}/login"
        return page(template, flow=flow, action=action, who=_name(user) if user else "", **content)

    def _device_entered(self, journey: Journey, user_code: str) -> Response:
        waiting = entra_devices.waiting(self.tenant, user_code)
        if waiting is None:
            error = "That code didn't work. Check the code and try again."
            return self._ask(journey, "device_code", text=_ENTER_CODE, user_code=user_code, error=error)
        request = {"client_id": waiting["clientId"], "scope": waiting["scope"]}
        return self._next(Journey(waiting["segment"], waiting["version_1"], request, waiting["key"]), {})

    # --- ends ---------------------------------------------------------------------------------------------------------

    def _silently(self, journey: Journey) -> Response:
        """``prompt=none``: an answer without a page, or what a page would have been about. Raises EntraError."""
        if not journey.user:
            raise errors.not_signed_in()
        user = check_account(self.tenant.fresh.get("user", journey.user))
        client, wishes = self._client(journey), self._wishes(journey)
        try:
            self._check_policies(journey, user, client, wishes)
        except EntraError as error:
            error.error = "interaction_required"
            raise
        if entra_consent.missing(self.tenant, client, wishes, user, False):
            unconsented = errors.not_consented(client.app_id, client.application["displayName"])
            unconsented.error = "consent_required"
            raise unconsented
        return self._arrived(journey, client, user)

    def _declined(self, journey: Journey) -> Response:
        if journey.device:
            self.tenant.store.update("grant", journey.device, state="declined")
            return page("message", title="You declined", text="You may now close this window.")
        declined = errors.declined()
        if journey.everyone:
            declined.error = "consent_required"  # documented: v2-admin-consent
        return back_with(journey.request, journey.request["redirect_uri"], declined)

    def _arrived(self, journey: Journey, client: Client, user: Document) -> Response:
        signed_in = {"userId": user["id"], "methods": list(journey.methods)}
        if journey.device:
            self.tenant.store.update("grant", journey.device, **signed_in, state="granted", issued=time.time())
            name = client.application["displayName"]
            text = f"You have signed in to the {name} application on your device. You may now close this window."
            response = page("message", title=name, text=text)
        elif journey.everyone:
            scope = {"scope": journey.request["scope"]} if not journey.version_1 else {}
            answer = {"admin_consent": "True", "tenant": self.tenant.id, **scope}
            response = back(journey.request, journey.request["redirect_uri"], answer)
        else:
            request = journey.request
            public = registered(client.application, request["redirect_uri"])
            code = keep_grant(
                self.tenant,
                "code",
                client,
                user,
                CODE_SECONDS,
                methods=list(journey.methods),
                clientApp=NATIVE if public else BROWSER,
                redirectUri=request["redirect_uri"],
                publicRedirect=public,
                scope=request["scope"],
                nonce=request.get("nonce", ""),
                challenge=request.get("code_challenge"),
                challengeMethod=request.get("code_challenge_method", "plain"),
            )
            response = back(request, request["redirect_uri"], {"code": code, "session_state": new_id()})
        entra_sessions.start(self.tenant, response, user, journey.methods)
        return response

    # --- shared -------------------------------------------------------------------------------------------------------

    def _with_session(self, journey: Journey, cookie: str) -> Journey:
        user, methods = entra_sessions.of(self.tenant, cookie)
        name = str(user["userPrincipalName"]) if user else ""
        if user is None or journey.request.get("login_hint", name).lower() != name.lower():
            return journey
        return replace(journey, user=user["id"], methods=methods)

    def _client(self, journey: Journey) -> Client:
        application, principal = find_client(self.tenant, journey.request["client_id"], journey.segment)
        return Client(application, principal, PUBLIC)

    def _wishes(self, journey: Journey) -> list[Wish]:
        return self.resources.parse_all(journey.request["scope"], journey.segment)

    def _check_policies(self, journey: Journey, user: Document, client: Client, wishes: list[Wish]) -> None:
        public = journey.device or registered(client.application, journey.request["redirect_uri"])
        transfer = "deviceCodeFlow" if journey.device else ""
        for wish in wishes:
            resource, client_app = wish.resource["appId"], NATIVE if public else BROWSER
            signing_in = SignIn(user, resource, client_app, journey.methods, journey.version_1, transfer)
            entra_policies.check(self.tenant, signing_in)


_ENTER_CODE = "Enter the code displayed on your app or device."
_ENTER_OTP = "Enter the code displayed in the authenticator app on your mobile device."


def _name(user: Document) -> str:
    return str(user["userPrincipalName"])


def _stopped(error: EntraError, user: Document) -> Response:
    """A policy wants something that cannot be given on a page here."""
    if error.code == 50079:
        text = "Your organization needs more information to keep your account secure."
        return page("message", 403, title="More information required", text=text, error=str(error), who=_name(user))
    text = "Your sign-in was successful but does not meet the criteria to access this resource."
    return page("message", 403, title="You cannot access this right now", text=text, error=str(error), who=_name(user))
