# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingerprints: they tell whether a secret is the one that was written, and not what it is. Pure functions."""

from __future__ import annotations

import functools
import hashlib
import hmac

ROUNDS = 600_000  # OWASP's figure for PBKDF2 with SHA-256, which every Python has, also in FIPS mode


def fingerprint(secret: str, salt: str) -> str:
    """The fingerprint of a secret: the function, its rounds, the salt and the hash."""
    return f"pbkdf2_sha256${ROUNDS}${salt}${_hash(secret, salt, ROUNDS)}"


def is_of(text: object, secret: str) -> bool:
    """Whether a text is the fingerprint of this secret; anything else is not."""
    parts = str(text).split("$")
    if len(parts) != 4 or parts[0] != "pbkdf2_sha256" or parts[1] != str(ROUNDS):
        return False
    return hmac.compare_digest(_hash(secret, parts[2], ROUNDS), parts[3])


@functools.cache
def _hash(secret: str, salt: str, rounds: int) -> str:
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), rounds).hex()
