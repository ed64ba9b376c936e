from __future__ import annotations

import numpy as np
import pytest
import soxr

from musiscene.audio.fingerprint import (
    HEADER_BYTES,
    UNLIKE,
    VERSION,
    compare,
    fingerprint,
    is_same_recording,
    summary_of,
)
from tests.support.recordings import RATE, coarse, print_of, tune

TUNE = tune(1)
PRINT = print_of(TUNE)
HALF = len(TUNE) // 2


def is_known_again(waveform: np.ndarray) -> bool:
    return is_same_recording(compare(PRINT, print_of(waveform.astype(np.float32))))


class TestFingerprint:
    def test_is_the_same_each_time_and_says_its_version(self):
        assert print_of(TUNE) == PRINT
        assert PRINT[0] == VERSION

    def test_takes_63_bytes_a_second_beside_its_head(self):
        longer = print_of(tune(1, seconds=34.0))
        assert (len(longer) - len(PRINT)) / 10 == pytest.approx(63.5, abs=1)

    @pytest.mark.parametrize("seconds", [0.0, 0.1, 0.7])
    def test_of_next_to_nothing_is_like_nothing(self, seconds: float):
        data = print_of(TUNE[: round(seconds * RATE)])
        assert summary_of(data) is None
        assert compare(data, PRINT) == UNLIKE

    def test_does_not_depend_on_where_blocks_end(self):
        long = np.tile(TUNE, 3)  # more than one block
        whole, part = print_of(long), print_of(long[: 2 * len(TUNE)])
        found = compare(whole, part)
        assert (found.error, found.offset_seconds) == (0.0, 0.0)

    def test_refuses_what_is_no_waveform(self):
        with pytest.raises(ValueError, match="mono"):
            fingerprint(np.zeros((2, 8000), np.float32), sample_rate=RATE)
        with pytest.raises(ValueError, match="8000"):
            fingerprint(TUNE, sample_rate=4_000)


class TestCopies:
    def test_the_gain_does_not_matter(self):
        assert is_known_again(TUNE * 0.1)

    @pytest.mark.parametrize("sample_rate", [16_000, 22_050, 44_100])
    def test_the_sample_rate_does_not_matter(self, sample_rate: int):
        other = fingerprint(soxr.resample(TUNE, RATE, sample_rate), sample_rate=sample_rate)
        assert is_same_recording(compare(PRINT, other))

    def test_coarse_coding_does_not_matter(self):
        assert is_known_again(coarse(TUNE))

    @pytest.mark.parametrize("seconds", [0.032, 0.5, 3.21, 5.0])
    def test_silence_before_is_measured_and_does_not_matter(self, seconds: float):
        late = np.pad(TUNE, (round(seconds * RATE), 0))
        found = compare(print_of(late), PRINT)
        assert is_same_recording(found)
        assert found.offset_seconds == pytest.approx(seconds, abs=0.1)

    def test_a_cut_start_or_end_does_not_matter(self):
        assert is_known_again(TUNE[round(1.3 * RATE) : -round(1.2 * RATE)])

    def test_their_landmarks_meet(self):
        mine, other = summary_of(PRINT), summary_of(print_of(coarse(np.pad(TUNE, (777, 0)))))
        assert mine is not None
        assert other is not None
        assert np.intersect1d(mine.landmarks, other.landmarks).size


class TestOthers:
    def test_another_tune_has_half_of_the_signs(self):
        found = compare(PRINT, print_of(tune(2)))
        assert 0.35 < found.error < 0.6
        assert not is_same_recording(found)

    def test_one_half_in_common_is_not_enough(self):
        assert not is_known_again(np.concatenate([TUNE[:HALF], tune(2)[HALF:]]))

    def test_five_other_seconds_are_enough_to_differ(self):
        changed = TUNE.copy()
        changed[HALF : HALF + 5 * RATE] = tune(2)[: 5 * RATE]
        assert not is_known_again(changed)

    def test_an_extended_version_differs_though_all_of_the_shorter_one_is_in_it(self):
        found = compare(PRINT, print_of(np.concatenate([TUNE, TUNE[:HALF]])))
        assert found.error < 0.01
        assert not is_same_recording(found)

    def test_a_voice_on_top_differs(self):
        voice = tune(5) * 0.5
        assert not is_known_again(TUNE + voice)

    def test_another_speed_or_pitch_differs(self):
        assert not is_known_again(soxr.resample(TUNE, RATE, RATE * 1.02))
        assert not is_known_again(soxr.resample(TUNE, RATE, RATE * 2 ** (1 / 12)))

    @pytest.mark.parametrize("hertz", [300.0, 440.0, 1000.0])
    def test_a_steady_tone_tells_nothing_and_is_like_nothing(self, hertz: float):
        time = np.arange(20 * RATE) / RATE
        tone = print_of((0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32))
        assert not is_same_recording(compare(tone, tone))

    def test_two_noises_differ(self):
        noises = [
            np.random.default_rng(seed).normal(0, 0.1, 60 * RATE).astype(np.float32)
            for seed in (0, 1)
        ]
        assert not is_same_recording(compare(print_of(noises[0]), print_of(noises[1])))

    @pytest.mark.parametrize("level", [0.0, 1e-7])
    def test_silence_is_like_nothing(self, level: float):
        quiet = np.random.default_rng(0).normal(0, 1, 20 * RATE).astype(np.float32)
        data = print_of(quiet * np.float32(level))
        assert not is_same_recording(compare(data, data))


class TestStored:
    def test_a_torn_fingerprint_is_like_nothing(self):
        assert compare(PRINT[:-1], PRINT) == UNLIKE
        assert compare(PRINT[:HEADER_BYTES], PRINT) == UNLIKE

    def test_one_of_another_version_is_like_nothing(self):
        other = bytes([VERSION + 1]) + PRINT[1:]
        assert compare(other, other) == UNLIKE

    def test_the_head_is_enough_for_a_summary(self):
        assert summary_of(PRINT[:HEADER_BYTES]) == summary_of(PRINT)
