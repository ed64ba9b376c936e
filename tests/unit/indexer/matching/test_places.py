from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.matching.places import LARGEST, LibraryMoods, mood_log_chances, tag_contrasts
from indexer.sounds import SOUND_DTYPE, TAG_COLUMNS, TAG_COUNT
from musiscene.scene_reader import IMAGINED_TAGS, MOOD_NAMES, MOODS


def library(*affects: tuple[float, float], bpm: float = 100.0) -> LibraryMoods:
    sounds = np.zeros(len(affects), SOUND_DTYPE)
    sounds["bpm"] = bpm
    for row, (valence, arousal) in enumerate(affects):
        sounds[row]["valence"], sounds[row]["arousal"] = valence, arousal
    return LibraryMoods(sounds, np.zeros((len(affects), TAG_COUNT), np.float16))


def strongest(moods: LibraryMoods) -> list[str]:
    return [MOOD_NAMES[number] for number in moods.log_chances.argmax(axis=1)]


class TestLibraryMoods:
    @pytest.mark.parametrize("count", [0, 1, 2])
    @pytest.mark.parametrize("bpm", [0.0, 100.0])
    def test_the_smallest_libraries_have_moods(self, count: int, bpm: float):
        moods = library(*[(0.2, 0.1)] * count, bpm=bpm)
        assert moods.log_chances.shape == (count, len(MOODS))
        assert moods.contrasts.shape == (count, len(IMAGINED_TAGS))
        assert np.isfinite(moods.log_chances).all()
        assert np.isfinite(moods.contrasts).all()

    def test_equal_tracks_are_alike(self):
        moods = library((0.2, 0.1), (0.2, 0.1), (-0.5, 0.4))
        np.testing.assert_array_equal(moods.log_chances[0], moods.log_chances[1])

    def test_corners_of_a_library_have_the_moods_of_their_corners(self):
        names = strongest(library((0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8), (0.6, -0.8)))
        assert names[0] in {"joy", "playfulness", "energy", "power"}
        assert names[1] in {"sadness", "nostalgia"}
        assert names[2] in {"aggression", "tension", "darkness"}
        assert names[3] in {"peacefulness", "tenderness"}

    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)), max_size=20),
        st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)),
    )
    def test_another_track_leaves_the_order_of_valence_and_arousal(
        self, affects: list[tuple[float, float]], other: tuple[float, float]
    ):
        before = library(*affects).places
        after = library(*affects, other).places[: len(affects)]
        for axis in (0, 1):
            order = np.argsort([affect[axis] for affect in affects], kind="stable")
            assert (np.diff(before[order, axis]) >= -1e-5).all()
            assert (np.diff(after[order, axis]) >= -1e-5).all()


class TestMoodLogChances:
    @given(st.floats(-3, 3), st.floats(-3, 3))
    def test_is_a_distribution(self, valence: float, arousal: float):
        chances = np.exp(mood_log_chances(np.array([[valence, arousal]], np.float32)))
        assert chances.sum() == pytest.approx(1.0, abs=1e-4)

    def test_a_track_at_the_place_of_a_mood_has_that_mood_most(self):
        places = np.array([(mood.valence, mood.arousal) for mood in MOODS], np.float32)
        assert mood_log_chances(places).argmax(axis=1).tolist() == list(range(len(MOODS)))


class TestTagContrasts:
    def test_what_one_track_alone_has_stands_out(self):
        tags = np.zeros((4, TAG_COUNT), np.float16)
        tags[2, TAG_COLUMNS["piano"]] = 0.8
        contrasts = tag_contrasts(tags)[:, IMAGINED_TAGS.index("piano")]
        assert contrasts.argmax() == 2
        assert 0 < contrasts[2] <= LARGEST
        assert (contrasts[[0, 1, 3]] < 0).all()

    def test_what_all_have_tells_nothing(self):
        tags = np.full((3, TAG_COUNT), 0.5, np.float16)
        assert not tag_contrasts(tags).any()
