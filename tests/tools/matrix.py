# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests on every pair of ansible-core and Python that the collection supports.

Each pair has a virtual environment, a home directory and logs of its own, in ``.cache/matrix``; later runs use them again.
A pair whose Python is not on this machine is listed as not run. The exit code is 1 when something failed, or when no pair
could be run at all.

    python tests/tools/matrix.py                                        every pair, every part
    python tests/tools/matrix.py --pairs oldest 2.19/3.12 --parts plugins smoke --jobs 2
    python tests/tools/matrix.py --resume                               what has not passed with the same commit yet
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "matrix"
# Which Pythons a controller may have, by ansible-core's own support matrix; none older than 3.10, none newer than 3.13.
SUPPORTED = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13"),
    "2.21": ("3.12", "3.13"),
}
# What can be run on a pair, as arguments for its Python.
PYTEST = ("-m", "pytest", "-o", "cache_dir={directory}/pytest", "-n", "{workers}", "--dist", "worksteal")
PARTS = {
    "units": (*PYTEST, "tests/unit"),
    "sanity": ("tests/tools/sanity.py",),
    "integration": (*PYTEST, "tests/integration"),
    "plugins": (*PYTEST, "tests/unit/plugins"),
    "smoke": (*PYTEST, "-m", "smoke", "tests/integration"),
}
ALL_PARTS = ("units", "sanity", "integration")  # the others are contained in these
WORKERS_PER_CORE = 1.5  # tests wait a good part of their time
CHECKS = "# Checks"  # the heading in tests/requirements.txt of what the tests do not need


@dataclass(frozen=True)
class Pair:
    """An ansible-core and a Python, both as ``major.minor``."""

    core: str
    python: str

    def __str__(self) -> str:
        return f"{self.core}/{self.python}"

    @property
    def directory(self) -> Path:
        return CACHE / f"{self.core}-{self.python}"


@dataclass
class Outcome:
    """What became of a pair: by part a word for the table, the logs of what failed, and why nothing was run, if so."""

    pair: Pair
    cells: dict[str, str] = field(default_factory=dict)
    failed: list[Path] = field(default_factory=list)
    not_run: str = ""


ALL = [Pair(core, python) for core, pythons in SUPPORTED.items() for python in pythons]
NAMED = {"oldest": [ALL[0]], "newest": [ALL[-1]], "all": ALL}


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    pairs = options.pairs
    jobs = min(options.jobs, len(pairs))
    workers = math.ceil(WORKERS_PER_CORE * (os.cpu_count() or 1) / jobs)
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = list(pool.map(lambda pair: run_pair(pair, options.parts, workers, options.resume), pairs))
    for outcome in outcomes:
        for log in outcome.failed:
            print(f"\n=== {outcome.pair}: the end of {log.relative_to(ROOT)}\n{tail(log)}")
    print(f"\n{table(outcomes, options.parts)}\n\n{verdict(outcomes)}")
    return exit_code(outcomes)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="matrix", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", nargs="+", default=["all"], help=f"{', '.join(NAMED)}, or such as 2.19/3.12 or 2.19")
    parser.add_argument("--parts", nargs="+", default=ALL_PARTS, choices=PARTS, help="what to run on each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many pairs at once")
    parser.add_argument("--resume", action="store_true", help="leave out what has passed with the same commit")
    options = parser.parse_args(arguments)
    if options.resume and not commit():
        parser.error("--resume needs a Git commit with no changes beside it")
    try:
        options.pairs = chosen(options.pairs)
    except LookupError as error:
        parser.error(str(error))
    if options.jobs < 1:
        parser.error("--jobs has to be 1 or more")
    return options


def chosen(names: Iterable[str]) -> list[Pair]:
    """The pairs of these names, each once.

    Raises:
        LookupError: a name stands for no pair.
    """
    found: list[Pair] = []
    for name in names:
        pairs = NAMED.get(name) or [pair for pair in ALL if name in (str(pair), pair.core)]
        if not pairs:
            raise LookupError(f"{name} is no supported pair; there are {', '.join(map(str, ALL))}")
        found += pairs
    return list(dict.fromkeys(found))


def commit() -> str:
    """The commit, when nothing differs from it; else empty, and where there is no Git."""
    git = partial(subprocess.run, cwd=ROOT, capture_output=True, text=True, check=True)
    try:
        changed = git(["git", "status", "--porcelain"]).stdout
        return "" if changed else git(["git", "rev-parse", "HEAD"]).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def run_pair(pair: Pair, parts: Sequence[str], workers: int, resume: bool = False) -> Outcome:
    """Make the pair's environment where it is not there yet, and run the parts in it, one after the other."""
    outcome = Outcome(pair)
    before = commit()
    python = find_python(pair.python)
    if not python:
        outcome.not_run = f"no Python {pair.python} on this machine"
        say(f"{pair}: not run, {outcome.not_run}")
        return outcome
    pair.directory.mkdir(parents=True, exist_ok=True)
    if not record(outcome, "install", lambda log: install(pair, python, log)):
        return outcome
    executable = pair.directory / "venv" / "bin" / "python"
    for part in parts:
        passed = pair.directory / f"{part}.passed"
        if resume and before and passed.exists() and passed.read_text() == before:
            outcome.cells[part] = f"ok before {summary(pair.directory / f'{part}.log')}".strip()
            say(f"{pair}: {part} {outcome.cells[part]}")
            continue
        command = [str(executable), *(word.format(workers=workers, directory=pair.directory) for word in PARTS[part])]
        good = record(outcome, part, partial(execute, command, environment(pair)))
        passed.write_text(before if good and before == commit() else "")
    return outcome


def record(outcome: Outcome, part: str, run: Callable[[Path], bool]) -> bool:
    """Run a part, say how it went and keep that."""
    log = outcome.pair.directory / f"{part}.log"
    log.write_text("")
    begun = time.monotonic()
    good = run(log)
    seconds = round(time.monotonic() - begun)
    outcome.cells[part] = f"{'ok' if good else 'FAILED'} {summary(log)}".strip()
    if not good:
        outcome.failed.append(log)
    say(f"{outcome.pair}: {part} {outcome.cells[part]}, {seconds} s")
    return good


def find_python(version: str) -> str | None:
    """A Python of this version that runs: on the path, or among pyenv's."""
    name = f"python{version}"
    places = [Path(place) / name for place in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for candidate in [*places, *sorted(root.glob(f"versions/{version}.*/bin/{name}"), reverse=True)]:
        if candidate.exists():
            show = [str(candidate), "-c", "import sys, venv; print('%d.%d' % sys.version_info[:2])"]
            if subprocess.run(show, capture_output=True, text=True, check=False).stdout.strip() == version:
                return str(candidate)
    return None


def install(pair: Pair, python: str, log: Path) -> bool:
    """Make the virtual environment, unless one of the same requirements is there."""
    wanted, collections = requirements(pair.core)
    stamp = pair.directory / "installed"
    digest = hashlib.sha256(f"{python}\n{wanted}\n{collections}".encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return True
    stamp.unlink(missing_ok=True)
    venv = pair.directory / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    listed = pair.directory / "requirements.txt"
    listed.write_text(wanted)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    good = all(
        execute(command, dict(os.environ), log)
        for command in (
            [python, "-m", "venv", str(venv)],
            [*pip, "-r", str(listed)],
            [*pip, "--no-deps", collections],
        )
    )
    if good:
        # As in the Makefile: Ansible finds a collection only under this path.
        link = venv / "collections" / "ansible_collections" / "vmrops" / "o365"
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
        stamp.write_text(digest)
    return good


def requirements(core: str) -> tuple[str, str]:
    """What is installed with this ansible-core: all but the checks, of which ansible-lint refuses some cores.

    And the package of collections, each release of which asks for another ansible-core.
    """
    tests, heading, _checks = (ROOT / "tests" / "requirements.txt").read_text().partition(f"\n{CHECKS}\n")
    if not heading:
        raise LookupError(f"tests/requirements.txt has no heading {CHECKS!r} any more")
    lines = [*(ROOT / "requirements.txt").read_text().splitlines(), *tests.splitlines()]
    [collections] = [line for line in lines if re.match(r"ansible\b(?!-)", line)]
    kept = [line for line in lines if line and not line.startswith(("#", "ansible-core", collections))]
    return "\n".join([f"ansible-core=={core}.*", *kept, ""]), collections


def environment(pair: Pair) -> dict[str, str]:
    """The caller's, without what belongs to another Ansible or Python, and with the pair's commands first."""
    foreign = ("ANSIBLE_", "PYTHON", "VIRTUAL_ENV", "PYTEST_", "MAKE", "MFLAGS")
    venv = pair.directory / "venv"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "ANSIBLE_HOME": str(pair.directory / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(venv / "collections"),
        "SANITY_CACHE": str(pair.directory / "sanity"),
    }


def execute(command: Sequence[str], variables: dict[str, str], log: Path) -> bool:
    """Run a command, with what it says added to the log; whether it succeeded."""
    with log.open("a") as file:
        return not subprocess.run(command, cwd=ROOT, env=variables, stdout=file, stderr=file, check=False).returncode


def summary(log: Path) -> str:
    """How many tests there were, of a log of pytest's."""
    lines = log.read_text(errors="replace").splitlines()
    last = lines[-1].strip("= ") if lines else ""
    words = [word for word in last.partition(" in ")[0].split(", ") if word.endswith(("passed", "failed", "skipped"))]
    return ", ".join(words)


def tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def table(outcomes: Iterable[Outcome], parts: Sequence[str]) -> str:
    """The pairs as lines, the parts as columns."""
    rows = [["ansible-core", "Python", *parts]]
    for outcome in outcomes:
        why = outcome.not_run or outcome.cells.get("install", "")
        gap = "not run" if outcome.not_run else "not run: not installed"
        cells = [outcome.cells.get(part, gap) for part in parts]
        if outcome.not_run:
            cells[0] = f"not run: {why}"
        rows.append([outcome.pair.core, outcome.pair.python, *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def verdict(outcomes: Sequence[Outcome]) -> str:
    bad = [str(one.pair) for one in outcomes if one.failed]
    idle = [str(one.pair) for one in outcomes if one.not_run]
    good = len(outcomes) - len(bad) - len(idle)
    return "; ".join(
        [f"{good} of {len(outcomes)} pairs passed"]
        + [f"failed: {', '.join(bad)}"] * bool(bad)
        + [f"not run: {', '.join(idle)}"] * bool(idle)
    )


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """1 when something failed, and when nothing was run, which shows nothing."""
    return int(any(one.failed for one in outcomes) or all(one.not_run for one in outcomes))


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
