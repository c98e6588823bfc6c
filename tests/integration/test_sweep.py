# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the sweep (all of it: make sweep): lost requests and lost answers leave the tenant as if nothing had been."""

from __future__ import annotations

import pytest
from sweep.subjects import SUBJECTS, Subject
from sweep.sweep import sweep

# The last requests that each subject's undisturbed run certainly sends are its writes and their read-back.
SAMPLE = (4, 7, 9)


@pytest.mark.parametrize("fault", ["cut before", "cut after"])
@pytest.mark.parametrize("subject", [one for one in SUBJECTS if one.state == "present"], ids=lambda one: str(one.name))
def test_a_cut_connection_leaves_no_trace(subject: Subject, fault: str) -> None:
    outcome = sweep(subject, fault, SAMPLE)
    assert outcome.recovered + outcome.failed == len([one for one in SAMPLE if one <= outcome.requests]) > 0
    assert outcome.differences == []
