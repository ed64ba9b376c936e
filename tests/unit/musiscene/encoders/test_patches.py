"""Which patches are heard, and for which segments they speak."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from musiscene.encoders.patches import PATCHES_PER_SEGMENT, plan_patches

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000
SECONDS = 10.0


def chord(*hertz: float) -> NDArray[np.float32]:
    seconds = np.arange(round(SECONDS * RATE)) / RATE
    tones = np.array([np.sin(2 * np.pi * one * seconds) for one in hertz], dtype=np.float32)
    heard: NDArray[np.float32] = 0.2 * tones.sum(axis=0)
    return heard


def noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 0.1, round(SECONDS * RATE)).astype(np.float32)


def spans(count: int) -> list[tuple[float, float]]:
    return list(itertools.pairwise(np.arange(count + 1) * SECONDS))


VERSE, CHORUS = chord(220, 330), chord(440, 880, 3000)


class TestPlanPatches:
    def test_segments_that_differ_have_their_own_patches(self):
        waveform = np.concatenate([VERSE, CHORUS, noise()])
        plan = plan_patches(waveform, spans(3), [None] * 3)

        assert plan.of_segment == ((0, 1, 2), (3, 4, 5), (6, 7, 8))
        assert len(plan.starts_seconds) == 3 * PATCHES_PER_SEGMENT
        for (begin, end), own in zip(spans(3), plan.of_segment, strict=True):
            assert all(begin <= plan.starts_seconds[patch] <= end - 2.99 for patch in own)

    def test_a_verse_that_returns_is_heard_with_the_first(self):
        waveform = np.concatenate([VERSE, CHORUS, VERSE, CHORUS, VERSE])
        plan = plan_patches(waveform, spans(5), [None] * 5)

        verse, chorus = plan.of_segment[0], plan.of_segment[1]
        assert plan.of_segment == (verse, chorus, verse, chorus, verse)
        assert not set(verse) & set(chorus)
        heard_in = {int(plan.starts_seconds[patch] // SECONDS) for patch in verse}
        assert heard_in == {0, 2, 4}
        assert (len(verse), len(chorus)) == (5, 4)

    def test_a_quiet_repetition_is_not_the_same(self):
        plan = plan_patches(np.concatenate([VERSE, 0.05 * VERSE]), spans(2), [None] * 2)

        assert not set(plan.of_segment[0]) & set(plan.of_segment[1])

    def test_two_songs_share_nothing(self):
        plan = plan_patches(np.concatenate([VERSE, VERSE]), spans(2), ["one", "other"])

        assert not set(plan.of_segment[0]) & set(plan.of_segment[1])

    @pytest.mark.parametrize("seconds", [0.5, 2.5, 4.0])
    def test_a_short_track_is_one_segment(self, seconds: float):
        waveform = VERSE[: round(seconds * RATE)]
        plan = plan_patches(waveform, [(0.0, seconds)], [None])

        assert plan.of_segment == ((0, 1, 2),)
        assert all(0 <= start < seconds for start in plan.starts_seconds)
