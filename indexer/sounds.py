"""What was measured in every track of a library, as arrays that a brief can be held against.

One row a track, in the order of a vector snapshot's tracks; written into the snapshot, so that a
search need not read a tag table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from musiscene.audio.key import MODES, TONICS
from musiscene.vocabularies import TAGS_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.rows import SoundRow

KEYS: Final = tuple(f"{tonic}:{mode}" for mode in MODES for tonic in TONICS)
UNKNOWN_KEY: Final = 255

SOUND_DTYPE: Final = np.dtype(
    [
        ("duration_seconds", "<f4"),
        ("valence", "<f4"),
        ("arousal", "<f4"),
        ("bpm", "<f4"),
        ("bpm_confidence", "<f4"),
        ("key", "u1"),
        ("key_confidence", "<f4"),
        ("vocal_probability", "<f4"),
    ]
)
"""`key` counts into `KEYS`."""

_COLUMN_OF: Final[dict[tuple[str, str], int]] = {
    (vocabulary, tag.lower()): column
    for column, (vocabulary, tag) in enumerate(
        (vocabulary, tag) for vocabulary, tags in TAGS_OF.items() for tag in tags
    )
}
TAG_COLUMNS: Final[dict[str, tuple[int, ...]]] = {
    name: tuple(column for (_, other), column in _COLUMN_OF.items() if other == name)
    for name in sorted({name for _, name in _COLUMN_OF})
}
"""Tag, in lower case -> its columns: one for each vocabulary that has it."""
TAG_COUNT: Final = len(_COLUMN_OF)


def pack_sounds(
    rows: Iterable[SoundRow], ordinals: Mapping[UUID, int]
) -> tuple[NDArray[np.void], NDArray[np.float16]]:
    """Lay out what was measured.

    Args:
        rows: From the catalogue; tracks that are not in `ordinals` are passed over.
        ordinals: Track -> its row.

    Returns:
        `SOUND_DTYPE`, shape (tracks,), and tag scores, float16, shape (tracks, tags); zeros where
        nothing is known.
    """
    sounds = np.zeros(len(ordinals), SOUND_DTYPE)
    sounds["key"] = UNKNOWN_KEY
    tags = np.zeros((len(ordinals), TAG_COUNT), np.float16)
    for row in rows:
        ordinal = ordinals.get(row.id)
        if ordinal is None:
            continue
        key = KEYS.index(row.key) if row.key in KEYS else UNKNOWN_KEY
        sounds[ordinal] = (
            row.duration_seconds,
            row.valence,
            row.arousal,
            row.bpm,
            row.bpm_confidence,
            key,
            row.key_confidence,
            row.vocal_probability,
        )
        for named, score in row.tags.items():
            if (column := _COLUMN_OF.get(named)) is not None:
                tags[ordinal, column] = score
    return sounds, tags


def tag_scores(tags: NDArray[np.float16], name: str) -> NDArray[np.float32]:
    """How strongly one tag is heard in each track, by the vocabulary that hears it most.

    Args:
        tags: From `pack_sounds`.
        name: In lower case.

    Returns:
        Scores, 0 to 1, float32, shape (tracks,).

    Raises:
        KeyError: If no vocabulary has this tag.
    """
    columns = list(TAG_COLUMNS[name])
    scores: NDArray[np.float32] = tags[:, columns].max(axis=1).astype(np.float32)
    return scores
