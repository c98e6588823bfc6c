# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m live DOMAIN``: the collection on a test tenant, and the simulator's answers beside it. See docs/live.md."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from simulator.seed import unknown_in
from support import ROOT
from support.simulator import Simulator

from .calls import Exchange, exchanges
from .cleaner import Cleaner
from .compare import Side, differences, pairs
from .recorder import Recorder
from .report import Told, count, write
from .stages import Ended, Life, People, variables
from .target import Refused, Target, like, simulated, target
from .vocabulary import strings

# Who is in the simulator's own tenant.
SIMULATED = People("contoso.com", "vmr-users@contoso.com", "alice@contoso.com", "carol@contoso.com")
NEEDED = """\
Nothing was sent. This writes to a tenant, under names of its own, and removes that again; so it has to be told which one:

    make live LIVE="contoso.com --group test@contoso.com --in-scope alice@contoso.com --out-of-scope carol@contoso.com"

It takes the credentials from the environment as the modules do: AZURE_TENANT_ID, AZURE_CLIENT_ID, and AZURE_CLIENT_SECRET
or AZURE_CLIENT_CERTIFICATE_PATH. docs/live.md says what the tenant must have, docs/permissions.md which rights that takes."""


@dataclass(frozen=True)
class Wish:
    """What the command line asks for.

    Args:
        variables: more variables of the role, for both sides.
        seed: what the simulated tenant has beside what was seen of the real one.
        patience: seconds that the proof may take on the tenant.
    """

    run: str
    people: People
    variables: Mapping[str, Any]
    seed: Mapping[str, Any]
    patience: int


def main() -> int:
    """Read the command line and run; 0 when every stage was done, whatever differs; 2 when refused."""
    options = _parser().parse_args()
    if not options.domain:
        print(NEEDED, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        wish = _wish(options)
        tenant = target(options.domain, os.environ)
        with tempfile.TemporaryDirectory(prefix="live-") as name:
            if options.teardown:
                return 0 if undo(tenant, wish, Path(name)) else 1
            return 0 if compare(tenant, wish, options.output / wish.run, Path(name)) else 1
    except Refused as refusal:
        print(
            f"Refused; nothing was written. {refusal}\n\ndocs/live.md and docs/permissions.md say what is needed.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="live", description=__doc__)
    parser.add_argument(
        "domain",
        nargs="?",
        help="a domain of the tenant to write to, for the equipment's address; naming it is the permission",
    )
    parser.add_argument("--group", help="a mail-enabled group there; it stays as it is")
    parser.add_argument("--in-scope", help="address of a direct member of the group, with a mailbox")
    parser.add_argument("--out-of-scope", help="address of somebody with a mailbox who is no member")
    parser.add_argument("--variables", type=Path, help="YAML file with more variables of the role")
    parser.add_argument("--seed", type=Path, help="YAML file: what the simulated tenant has (tests/simulator/seed.py)")
    parser.add_argument(
        "--patience", type=int, default=30, help="minutes that Exchange may take to let the app in; default: 30"
    )
    parser.add_argument("--output", type=Path, default=ROOT / ".cache" / "live", help="default: .cache/live")
    parser.add_argument("--teardown", metavar="RUN", help="only remove what that run left behind")
    return parser


def _wish(options: argparse.Namespace) -> Wish:
    """Raises Refused."""
    names = ("group", "in_scope", "out_of_scope")
    missing = [f"--{name.replace('_', '-')}" for name in names if not getattr(options, name)]
    if missing and not options.teardown:
        raise Refused(f"Give {', '.join(missing)} as well.")
    run = options.teardown or secrets.token_hex(4)
    people = People(options.domain, *("" if options.teardown else getattr(options, name) for name in names))
    more = _mapping(options.variables)
    own = {*variables(run, SIMULATED, Path()), "vmr_scheduling_auth", "vmr_scheduling_proof_timeout"} & set(more)
    if own:
        raise Refused(f"{options.variables}: {', '.join(sorted(own))} cannot be chosen here.")
    likeness = _mapping(options.seed)
    if unknown := unknown_in(likeness):
        raise Refused(f"{options.seed}: there is no {', '.join(unknown)}.")
    if not re.fullmatch(r"[0-9a-f]{8}", run):
        raise Refused(f"--teardown: {run} is no run; those have eight digits or letters up to f.")
    return Wish(run, people, more, likeness, options.patience * 60)


def _mapping(path: Path | None) -> dict[str, Any]:
    try:
        content = (yaml.safe_load(path.read_text()) or {}) if path else {}
    except (OSError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise Refused(f"{path} holds no mapping.")
    return content


def _life(recorder: Recorder, tenant: Target, wish: Wish, people: People, directory: Path, who: str) -> Life:
    def tell(stage: str, ended: Ended | None) -> None:
        # A stage may take long: what goes on is said at once, and how it went behind it.
        print((ended.problem or "done") if ended else f"  {who:<11}{stage:<12}", end="\n" if ended else "", flush=True)

    wanted = {**variables(wish.run, people, directory / "secrets.yml"), **wish.variables}
    return Life(recorder, tenant.environment, directory, wanted, people, wish.patience, tell)


def undo(tenant: Target, wish: Wish, directory: Path) -> bool:
    """Remove what a run left behind; whether that succeeded."""
    with Recorder(tenant.services, directory, tenant.ca_path) as recorder:
        life = _life(recorder, tenant, wish, wish.people, directory / "tenant", "tenant")
        life.undo()
    return not life.left_behind


def compare(tenant: Target, wish: Wish, output: Path, directory: Path) -> bool:
    """Run on the tenant, then on a simulated one like it; write what was said, cleaned, and how it differs.

    Returns:
        Whether every stage was done on the tenant, and nothing is left there.

    Raises:
        KeyboardInterrupt: it was stopped; what had been made was removed, as far as that went.
    """
    print(
        f"Run {wish.run} on {tenant.domain} ({tenant.tenant_id}). What it makes has {wish.run} in its names.",
        flush=True,
    )
    with Recorder(tenant.services, directory, tenant.ca_path) as recorder:
        life = _life(recorder, tenant, wish, wish.people, directory / "tenant", "tenant")
        try:
            life.live()
        finally:
            if life.left_behind:
                print(_LEFT.format(run=wish.run, domain=tenant.domain), file=sys.stderr, flush=True)
    seen = _said(recorder)
    likeness = {**like(recorder.calls, seen, str(tenant.environment.get("AZURE_CLIENT_ID"))), **wish.seed}
    with Simulator(directory / "simulator", seed=likeness) as simulator:
        other = simulated(simulator.endpoints)
        with Recorder(other.services, directory / "simulator", other.ca_path) as imagined:
            second = _life(imagined, other, wish, SIMULATED, directory / "simulated", "simulator")
            second.live([one.stage for one in life.ended])
    said = _said(imagined)
    ours, theirs = _side(wish.run, tenant, seen), _side(wish.run, other, said)
    # A text that both say is nobody's, unless both were told it.
    told = {ours.cleaner.plain(text) for text in strings([dict(wish.variables), dict(wish.seed)])}
    for side, beside in ((ours, theirs), (theirs, ours)):
        side.cleaner.allow(beside.cleaner.words(beside.exchanges) - told, side.exchanges)
    found = pairs(ours, theirs)
    listed = differences(found, ours, theirs)
    write(output, _version(), found, listed, Told(life.ended, ours), Told(second.ended, theirs))
    print(f"{count(listed)} differences in what was answered: {output / 'report.md'}", flush=True)
    return not any(one.problem for one in life.ended) and not life.left_behind


_LEFT = """\
What run {run} made is still there, all or in part; its names hold {run}. To remove it, once nothing is in the way:

    make live LIVE="{domain} --teardown {run}" (with the same --variables, if there were any)
"""


def _said(recorder: Recorder) -> list[Exchange]:
    return [one for call in recorder.calls for one in exchanges(call)]


def _side(run: str, tenant: Target, said: Sequence[Exchange]) -> Side:
    cleaner = Cleaner(run, (tenant.tenant_id, tenant.domain, *tenant.names), tenant.hosts)
    cleaner.learn(said)
    return Side(said, cleaner)


def _version() -> str:
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"])


def _stop(*_ignored: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
