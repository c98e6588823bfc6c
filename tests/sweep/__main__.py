# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing lost: ``python -m sweep [words of subjects] [--disturbance NAME] [--log FILE]``; exit 1 when anything differs.

Every case is one line of the log. With ``--resume`` the log is continued: what it holds is not tried again, but for cases that
differed.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from support import COLLECTIONS

sys.path.insert(0, str(COLLECTIONS))

from support.forked import fork_simulators

from .calls import Subject
from .modules import MODULES, NODE_MODULES
from .role import ROLES
from .sweep import DISTURBANCES, Clean, Outcome, try_case, undisturbed

SUBJECTS: Sequence[Subject] = [*MODULES, *NODE_MODULES, *ROLES]
Record = dict[str, object]


def main() -> int:
    """Sweep, a line per case that differs, and a table at the end."""
    # Shells start what runs in the background deaf to SIGINT, and runs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="sweep", description=__doc__)
    parser.add_argument("word", nargs="*", help="only subjects whose name contains one of these")
    parser.add_argument("--disturbance", choices=DISTURBANCES, action="append", help="only this one (may be repeated)")
    parser.add_argument("--log", type=Path, default=Path(".cache/sweep.jsonl"), help="default: .cache/sweep.jsonl")
    parser.add_argument("--resume", action="store_true", help="go on where the log ends")
    parser.add_argument("--jobs", type=int, default=2, help="how many cases at a time; default: 2")
    parser.add_argument("--table", action="store_true", help="only print the table of the log")
    options = parser.parse_args()
    subjects = [one for one in SUBJECTS if not options.word or any(word in one.name for word in options.word)]
    disturbances = options.disturbance or DISTURBANCES
    options.log.parent.mkdir(parents=True, exist_ok=True)
    if not options.table:
        if not options.resume:
            options.log.unlink(missing_ok=True)
        done = {case for case, one in _known(options.log).items() if not one["differences"]}
        with TemporaryDirectory(prefix="sweep-") as name, options.log.open("a", buffering=1) as log:
            for record, differences in _records(subjects, disturbances, Path(name), options.jobs, done):
                log.write(json.dumps(record) + "\n")
                for one in differences:
                    print(f"{record['subject']}, {record['disturbance']} {record['number']}: {one}", flush=True)
    wanted = [(one.name, disturbance) for one in subjects for disturbance in disturbances]
    return _table(wanted, list(_known(options.log).values()))


def _known(log: Path) -> dict[tuple[object, ...], Record]:
    """The last record of each case."""
    records = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return {(one["subject"], one["disturbance"], one["number"]): one for one in records}


def _records(
    subjects: Sequence[Subject], disturbances: Sequence[str], directory: Path, jobs: int, known: set[tuple[object, ...]]
) -> Iterator[tuple[Record, list[str]]]:
    """Try every case that is not known; what to log of it, and its differences."""
    with ProcessPoolExecutor(jobs, initializer=fork_simulators) as pool:
        runs = [(one, pool.submit(_undisturbed, SUBJECTS.index(one), directory)) for one in subjects]
        cases = [
            (subject, run.result(), disturbance, number)
            for disturbance in disturbances
            for subject, run in runs
            for number in run.result().cases(disturbance)
            if (subject.name, disturbance, number) not in known
        ]
        tried = [
            pool.submit(_try, SUBJECTS.index(subject), clean, one, number) for subject, clean, one, number in cases
        ]
        for (subject, clean, disturbance, number), job in zip(cases, tried, strict=True):
            outcome = job.result()
            record: Record = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "subject": subject.name,
                "disturbance": disturbance,
                "number": number,
                "of": len(clean.cases(disturbance)),
                "recovered": outcome.recovered,
                "differences": outcome.differences,
            }
            yield record, outcome.differences


def _undisturbed(index: int, directory: Path) -> Clean:
    return undisturbed(SUBJECTS[index], directory / str(index))


def _try(index: int, clean: Clean, disturbance: str, number: int) -> Outcome:
    try:
        return try_case(SUBJECTS[index], clean, disturbance, number)
    except Exception as error:
        return Outcome(number, False, [f"the sweep itself failed: {error!r}"])


def _table(wanted: Sequence[tuple[str, str]], records: Sequence[Record]) -> int:
    """Print it; 1 when anything differs or is missing."""
    print(f"{'subject':52}{'disturbance':18}{'n':>5}{'tried':>7}{'survived':>10}{'by itself':>11}{'run again':>11}")
    wrong = 0
    for subject, disturbance in wanted:
        found = [one for one in records if (one["subject"], one["disturbance"]) == (subject, disturbance)]
        survived = [one for one in found if not one["differences"]]
        alone = sum(bool(one["recovered"]) for one in survived)
        n = int(str(found[-1]["of"])) if found else 0
        counts = f"{n:5}{len(found):7}{len(survived):10}{alone:11}{len(survived) - alone:11}"
        print(f"{subject:52}{disturbance:18}{counts}")
        wrong += len(found) - len(survived) + (n - len(found))
    print(f"{wrong} cases differ or were not tried")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
