"""Which fields hold what is known of a track, before any container has its say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from indexer.tagging.keys import KeyNotation, written_key
from indexer.tagging.sheets.base import OURS

if TYPE_CHECKING:
    from indexer.tagging.facts import TrackFacts

STANDARD: Final = ("bpm", "key", "mood", "genre", "grouping", "comment")
"""Fields that people and other programs fill too."""
WROTE: Final = OURS + "WROTE"
"""Holds digests of what we put into the standard fields, to tell it from what people did."""
MODEL: Final = OURS + "MODEL"
LICENCE: Final = OURS + "LICENCE"

OUR_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "bpm": ("BPM",),
    "mood": (),
    "key": (),
    "genre": ("GENRES",),
    "scenes": ("SCENES",),
    "music": ("MUSIC",),
    "instruments": ("INSTRUMENTS",),
    "energy": ("ENERGY",),
    "vocals": ("VOCALS",),
    "affect": ("VALENCE", "AROUSAL"),
}
"""What may be chosen -> the fields of ours that hold it, without their prefix."""
ALL_CHOICES: Final = tuple(OUR_FIELDS)


class TagWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to have written."""

    fields: tuple[str, ...] = ALL_CHOICES
    """Of `ALL_CHOICES`."""
    min_confidence: float = 0.5
    """Tempo, key and mood are left out below it."""
    key_notation: KeyNotation = "musical"
    """How keys are written."""
    grouping: bool = False
    """Whether the field for grouping gets the moods."""
    comment: bool = False
    """Whether the comment gets a sentence."""
    overwrite: bool = False
    """Whether standard fields are written that hold something of other origin."""


def wanted_fields(facts: TrackFacts, wishes: TagWishes) -> dict[str, tuple[str, ...]]:
    """What the fields of a file should hold.

    Args:
        facts: Of its track.
        wishes: Of the person.

    Returns:
        Field -> values; empty values for a chosen field that has nothing to hold. Standard fields
        by their names in `STANDARD`, ours with their prefix.
    """
    known = _known(facts, wishes)
    fields: dict[str, tuple[str, ...]] = {}
    for choice in wishes.fields:
        if choice in STANDARD:
            fields[choice] = known[choice]
        for name in OUR_FIELDS[choice]:
            fields[OURS + name] = known[name]
    if wishes.grouping:
        moods = known["mood"]
        fields["grouping"] = (", ".join(moods),) if moods else ()
    if wishes.comment:
        sentences = [*facts.scenes[:1], *([facts.music] if facts.music else [])]
        fields["comment"] = (" ".join(sentences),) if sentences else ()
    fields[MODEL] = (facts.model_version,)
    fields[LICENCE] = tuple(
        f"{licence.model}: {licence.licence}, commercial use: {licence.commercial_use}"
        for licence in facts.model_licences
        if licence.commercial_use != "yes"
    )
    return fields


def _known(facts: TrackFacts, wishes: TagWishes) -> dict[str, tuple[str, ...]]:
    def sure(value: str, confidence: float) -> tuple[str, ...]:
        return (value,) if value and confidence >= wishes.min_confidence and confidence > 0 else ()

    tempo = sure(f"{facts.bpm:.2f}".rstrip("0").rstrip("."), facts.bpm_confidence)
    has_mood = facts.mood_confidence >= wishes.min_confidence
    return {
        "bpm": tempo,
        "BPM": tempo,
        "key": sure(written_key(facts.key, wishes.key_notation), facts.key_confidence),
        "mood": facts.moods if has_mood else (),
        "genre": facts.genres[:1],
        "GENRES": facts.genres,
        "SCENES": facts.scenes,
        "MUSIC": (facts.music,) if facts.music else (),
        "INSTRUMENTS": facts.instruments,
        "ENERGY": (f"{facts.energy:.2f}",),
        "VOCALS": (facts.vocals,) if facts.vocals else (),
        "VALENCE": (f"{facts.valence:.2f}",),
        "AROUSAL": (f"{facts.arousal:.2f}",),
    }
