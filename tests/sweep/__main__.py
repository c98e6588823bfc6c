# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m sweep [name] [--fault NAME]``: every subject, every fault, every request; exit 1 when anything differs."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(sys.prefix) / "collections"))

from .subjects import SUBJECTS
from .sweep import FAULTS, Outcome, sweep


def main() -> int:
    """Sweep, and print a line per subject and fault."""
    parser = argparse.ArgumentParser(prog="sweep", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only subjects whose name contains this")
    parser.add_argument("--fault", choices=list(FAULTS), action="append", help="only this fault")
    options = parser.parse_args()
    subjects = [one for one in SUBJECTS if options.name in one.name]
    faults, differences = options.fault or list(FAULTS), 0
    print(f"{'subject':52}{'fault':14}{'n':>4}{'survived':>10}{'by itself':>11}{'run again':>11}")
    with ProcessPoolExecutor(2) as pool:
        jobs = [(one, fault, pool.submit(_job, one.name, fault)) for one in subjects for fault in faults]
        for subject, fault, job in jobs:
            outcome = job.result()
            wrong = {one.partition(":")[0] for one in outcome.differences}
            survived = outcome.requests - len(wrong)
            print(
                f"{subject.name:52}{fault:14}{outcome.requests:4}{survived:10}{outcome.recovered:11}{outcome.failed:11}",
                flush=True,
            )
            for line in outcome.differences:
                print(f"    {line}")
            differences += len(outcome.differences)
    print(f"{differences} differences")
    return 1 if differences else 0


def _job(name: str, fault: str) -> Outcome:
    return sweep(next(one for one in SUBJECTS if one.name == name), fault)


if __name__ == "__main__":
    sys.exit(main())
