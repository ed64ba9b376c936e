from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest

from indexer.catalogue.rows import SoundRow
from indexer.sounds import KEYS, TAG_COLUMNS, TAG_COUNT, UNKNOWN_KEY, pack_sounds, tag_scores
from musiscene.vocabularies import TAGS_OF


def row(number: int, *, key: str = "F#:minor", **tags: float) -> SoundRow:
    return SoundRow(
        id=UUID(int=number),
        duration_seconds=61.5,
        valence=-0.25,
        arousal=0.5,
        bpm=90.0,
        bpm_confidence=0.75,
        key=key,
        key_confidence=0.5,
        vocal_probability=0.125,
        tags={("mtt", name): score for name, score in tags.items()},
    )


class TestPackSounds:
    def test_every_measure_lies_in_the_row_of_its_track(self):
        ordinals = {UUID(int=7): 1, UUID(int=8): 0}
        sounds, tags = pack_sounds([row(7, piano=0.5), row(9, piano=0.9)], ordinals)
        assert sounds[1].item() == (
            61.5,
            -0.25,
            0.5,
            90.0,
            0.75,
            KEYS.index("F#:minor"),
            0.5,
            0.125,
        )
        assert tag_scores(tags, "piano").tolist() == [0.0, 0.5]

    def test_a_track_without_measures_has_no_key_and_no_tempo(self):
        sounds, tags = pack_sounds([], {UUID(int=7): 0})
        assert (sounds[0]["key"], sounds[0]["bpm"]) == (UNKNOWN_KEY, 0.0)
        assert not tags.any()

    def test_a_key_that_is_none_is_unknown(self):
        sounds, _ = pack_sounds([row(7, key="H:minor")], {UUID(int=7): 0})
        assert sounds[0]["key"] == UNKNOWN_KEY

    def test_a_tag_of_no_vocabulary_is_left_out(self):
        _, tags = pack_sounds([row(7, kazoo=1.0)], {UUID(int=7): 0})
        assert not tags.any()

    def test_an_empty_library_is_laid_out_too(self):
        sounds, tags = pack_sounds([], {})
        assert (sounds.shape, tags.shape) == ((0,), (0, TAG_COUNT))


class TestTagScores:
    def test_every_tag_of_every_vocabulary_has_a_column_of_its_own(self):
        columns = [column for name in TAG_COLUMNS for column in TAG_COLUMNS[name]]
        assert sorted(columns) == list(range(TAG_COUNT))
        assert sum(len(set(tags)) for tags in TAGS_OF.values()) == TAG_COUNT

    def test_the_vocabulary_that_hears_it_most_counts(self):
        shared = next(name for name, columns in TAG_COLUMNS.items() if len(columns) > 1)
        tags = np.zeros((1, TAG_COUNT), np.float16)
        tags[0, list(TAG_COLUMNS[shared])[:2]] = (0.25, 0.75)
        assert tag_scores(tags, shared).tolist() == [0.75]

    def test_an_unknown_tag_is_an_error(self):
        with pytest.raises(KeyError):
            tag_scores(np.zeros((1, TAG_COUNT), np.float16), "kazoo")
