"""What a check says."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's report."""

    what: str
    """Was looked at."""
    verdict: Verdict
    """`warn` is for what the service can do without."""
    found: str
    """What there is."""
    do: str = ""
    """How to mend it; empty where nothing is to be done."""


def ok(what: str, found: str) -> Finding:
    """A finding that nothing is to be done about."""
    return Finding(what=what, verdict="ok", found=found)


def warn(what: str, found: str, do: str) -> Finding:
    """A finding that the service can do without."""
    return Finding(what=what, verdict="warn", found=found, do=do)


def fail(what: str, found: str, do: str) -> Finding:
    """A finding without which the service does not work."""
    return Finding(what=what, verdict="fail", found=found, do=do)
