from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.similar.likeness import (
    OCTAVE_VALUE,
    WEIGHTS,
    affect_likeness,
    caption_likeness,
    mode_likeness,
    sound_likeness,
    sound_texts,
    tag_likeness,
    tempo_likeness,
)
from indexer.sounds import KEYS, SOUND_DTYPE, TAG_COUNT, UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping


def sounds(*rows: Mapping[str, float]) -> np.ndarray:
    made = np.zeros(len(rows), SOUND_DTYPE)
    for name, value in (("bpm", 120.0), ("bpm_confidence", 1.0), ("key_confidence", 1.0)):
        made[name] = value
    for one, row in zip(made, rows, strict=True):
        for name, value in row.items():
            one[name] = value
    return made


class TestTempo:
    def test_equal_tempi_are_the_same_and_octaves_nearly(self):
        made = sounds(*({"bpm": bpm} for bpm in (120, 60, 240, 126, 170)))
        likeness = tempo_likeness(made[0], made)
        assert likeness[0] == 1
        assert likeness[1] == likeness[2] == pytest.approx(OCTAVE_VALUE)
        assert likeness[3] == pytest.approx(np.exp(-((np.log2(1.05) / 0.1) ** 2) / 2))
        assert likeness[4] < 0.01

    def test_doubt_draws_to_the_middle(self):
        made = sounds({}, {"bpm": 170, "bpm_confidence": 0.0}, {"bpm": 0.0})
        assert tempo_likeness(made[0], made).tolist() == [1, 0.5, 0.5]


class TestMode:
    def test_major_is_not_minor_and_the_unknown_says_nothing(self):
        keys = ("C:major", "F#:major", "A:minor")
        made = sounds(*({"key": KEYS.index(key)} for key in keys), {"key": UNKNOWN_KEY})
        assert mode_likeness(made[0], made).tolist() == [1, 1, 0, 0.5]


class TestAffect:
    def test_falls_with_the_distance(self):
        made = sounds({}, {"valence": 0.1}, {"valence": 0.1, "arousal": 0.4}, {"valence": -1})
        likeness = affect_likeness(made[0], made)
        assert likeness[0] == 1
        assert np.all(np.diff(likeness) < 0)


class TestTags:
    def test_is_the_bhattacharyya_coefficient(self):
        tags = np.zeros((3, TAG_COUNT), np.float16)
        tags[0, :2] = 0.5, 0.5
        tags[1, :2] = 0.2, 0.8
        tags[2, 5] = 0.9
        likeness = tag_likeness(tags[0], tags)
        assert likeness == pytest.approx([1, np.sqrt(0.1) + np.sqrt(0.4), 0], abs=1e-3)

    def test_no_tags_are_like_nothing(self):
        assert tag_likeness(np.zeros(4, np.float16), np.ones((1, 4), np.float16)).tolist() == [0]


class TestCaptions:
    def test_is_the_mean_over_the_seeds_captions_of_the_nearest(self):
        seed = np.eye(3, dtype=np.float32)[:2]
        vectors = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], np.float32)
        owners = np.array([0, 0, 2])
        likeness = caption_likeness(seed, vectors, owners, track_count=3)
        assert likeness == pytest.approx([0.9, 0, 0])

    def test_without_captions_it_is_zero(self):
        none = np.zeros((0, 3), np.float32)
        assert caption_likeness(none, none, np.zeros(0, np.intp), track_count=2).tolist() == [0, 0]


class TestAllParts:
    @settings(max_examples=50)
    @given(st.lists(st.floats(0, 1, width=16), min_size=16, max_size=16))
    def test_every_part_lies_between_nothing_and_the_same(self, drawn: list[float]):
        rows = np.array(drawn).reshape(2, 8)
        made = sounds(
            *(
                {
                    "bpm": 250 * row[0],
                    "bpm_confidence": row[1],
                    "key": int(row[2] * 23),
                    "key_confidence": row[3],
                    "valence": 2 * row[4] - 1,
                    "arousal": 2 * row[5] - 1,
                }
                for row in rows
            )
        )
        tags = rows[:, 6:].astype(np.float16)
        for part, values in sound_likeness(made[0], made, seed_tags=tags[0], tags=tags).items():
            assert np.all((values >= 0) & (values <= 1 + 1e-6)), part
            assert values[0] >= values[1] - 1e-3 or part in {"tempo", "mode", "tags"}

    def test_the_shares_are_of_one_whole(self):
        assert sum(WEIGHTS.values()) == pytest.approx(1)


class TestTexts:
    def test_say_what_both_have(self):
        made = sounds(
            {"bpm": 60, "valence": 0.6, "arousal": -0.4},
            {"bpm": 121, "valence": 0.5, "arousal": -0.2, "key": KEYS.index("A:minor")},
        )
        tags = np.zeros((2, TAG_COUNT), np.float16)
        texts = sound_texts(made[0], made[1], seed_tags=tags[0], tags=tags[1])
        assert texts["tempo"] == "121 bpm, double its 60"
        assert texts["mode"] == "A minor beside its C major"
        assert texts["affect"] == "both are bright and calm"
        assert texts["tags"] == "no tag in common"

    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("C:major", "both are in C major"),
            ("F#:major", "both are in major keys"),
            ("A:minor", "A minor beside its C major"),
        ],
    )
    def test_say_what_the_keys_share(self, key: str, said: str):
        made = sounds({}, {"key": KEYS.index(key)})
        none = np.zeros(TAG_COUNT, np.float16)
        assert sound_texts(made[0], made[1], seed_tags=none, tags=none)["mode"] == said

    def test_an_unknown_key_is_said(self):
        made = sounds({}, {"key": UNKNOWN_KEY})
        none = np.zeros(TAG_COUNT, np.float16)
        assert sound_texts(*made, seed_tags=none, tags=none)["mode"] == "its key is not known"
