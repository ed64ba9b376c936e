import numpy as np
import pytest

from musiscene.audio.affect_cues import affect_cues
from musiscene.audio.excerpt_details import excerpt_details
from musiscene.audio.key import estimate_key
from musiscene.audio.tempo import estimate_tempo
from tests.support.music import RATE, cadence, clicks, noise


class TestExcerptDetails:
    def test_lie_in_order_inside_the_track(self):
        details = excerpt_details(noise(100), sample_rate=RATE)

        spans = [(one.start_seconds, one.end_seconds) for one in details]
        assert len(spans) == 3
        assert spans == sorted(spans)
        assert all(end - start == pytest.approx(30.0) for start, end in spans)
        assert spans[-1][1] <= 100.0

    def test_key_tempo_and_affect_are_the_same_with_them_at_hand(self):
        waveform = cadence(2, "minor")
        waveform = waveform + 0.3 * clicks(100, len(waveform) / RATE)[: len(waveform)]
        details = excerpt_details(waveform, sample_rate=RATE)

        for estimate in (estimate_key, estimate_tempo, affect_cues):
            assert estimate(waveform, sample_rate=RATE, excerpts=details) == estimate(
                waveform, sample_rate=RATE
            )

    def test_rejects_stereo(self):
        with pytest.raises(ValueError, match="mono"):
            excerpt_details(np.zeros((2, RATE), np.float32), sample_rate=RATE)
