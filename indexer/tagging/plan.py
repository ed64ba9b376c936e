"""What is to change in one file: its tags held against what they should hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.tagging.sheets.base import is_filled
from indexer.tagging.wishes import STANDARD, WROTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.tagging.sheets import TagSheet

DIGEST_CHARACTERS: Final = 12


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that gets another content."""

    name: str
    """As the container calls it."""
    old: tuple[str, ...]
    """Empty where there was none."""
    new: tuple[str, ...]
    """Empty where it is removed."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One field that is left as somebody else filled it."""

    name: str
    value: tuple[str, ...]
    ours: tuple[str, ...]
    """What it would have got."""


class TagPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change in one file."""

    format: str
    """The kind of its tags."""
    changes: tuple[Change, ...]
    kept: tuple[Kept, ...]


def plan_changes(
    sheet: TagSheet, wanted: Mapping[str, tuple[str, ...]], *, overwrite: bool
) -> TagPlan:
    """Hold a file's tags against what they should hold.

    A standard field is ours if it still holds what we last wrote into it; what a person or another
    program has put there is kept.

    Args:
        sheet: The file's tags.
        wanted: Field -> values, from `wanted_fields`.
        overwrite: Whether a standard field of other origin is written all the same.

    Returns:
        The changes, in the order of `wanted`; none where the file is as it should be.
    """
    wrote = _read_wrote(sheet)
    changes: list[Change] = []
    kept: list[Kept] = []
    for field, values in wanted.items():
        new = sheet.spelled(field, values)
        names = sheet.present(field) or [sheet.name_of(field)]
        if field in STANDARD:
            old = sheet.values(names[0])
            is_ours = wrote.get(field) == _digest(old)
            if is_filled(field, old) and not is_ours and not (overwrite and new):
                if new and new != old:
                    kept.append(Kept(name=names[0], value=old, ours=new))
                continue
            if new:
                wrote[field] = _digest(new)
            else:
                wrote.pop(field, None)
        changes.extend(_changes(sheet, names, new))
    marks = tuple(" ".join(f"{field}={mark}" for field, mark in sorted(wrote.items())).splitlines())
    changes.extend(_changes(sheet, [sheet.name_of(WROTE)], marks))
    return TagPlan(format=sheet.format, changes=tuple(changes), kept=tuple(kept))


def _changes(sheet: TagSheet, names: list[str], new: tuple[str, ...]) -> list[Change]:
    held = [(name, sheet.values(name)) for name in names]
    return [Change(name=name, old=old, new=new) for name, old in held if old != new]


def _read_wrote(sheet: TagSheet) -> dict[str, str]:
    words = " ".join(sheet.values(sheet.name_of(WROTE))).split()
    return {field: mark for field, _, mark in (word.partition("=") for word in words) if mark}


def _digest(values: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(values).encode("utf-8", "replace")).hexdigest()[
        :DIGEST_CHARACTERS
    ]
