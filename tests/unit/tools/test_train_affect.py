import numpy as np
import pytest

from tools.midi_timbres import TIMBRES, WINDOW_SECONDS, windows
from tools.train_affect import (
    NAMES,
    SPREAD,
    Renders,
    correlation,
    fit,
    predict_unseen,
    series_of,
    weights_of,
)

RNG = np.random.default_rng(0)


def renders(pieces: int = 60, *, series: int = 6) -> Renders:
    """Pieces whose valence is their first cue, and whose arousal is drawn with the series."""
    cues = RNG.normal(size=(pieces, 1, len(NAMES))) + 0.2 * RNG.normal(
        size=(pieces, len(TIMBRES), len(NAMES))
    )
    of = np.arange(pieces) % series
    levels = RNG.normal(size=series)[of]
    return Renders(cues, np.stack([0.2 * cues[:, 0, 0], levels], axis=1), of.astype(str))


def test_finds_the_slopes_that_made_the_ratings():
    cues = RNG.normal(3.0, 2.0, size=(500, 4))
    model = fit(cues, cues @ [0.5, 0.0, -0.25, 0.1] + 1.0, penalty=1e-6)

    inside = np.array([[3.0, 3.0, 3.0, 3.0], [4.0, 3.0, 3.0, 3.0]])
    assert np.diff(model.predict(inside)) == pytest.approx(0.5, abs=0.05)


class TestPredictUnseen:
    @pytest.mark.parametrize("hold_timbre", [False, True])
    def test_finds_what_carries_over(self, hold_timbre: bool):  # noqa: FBT001
        known = renders()
        predicted = predict_unseen(known, 0, 1.0, hold_timbre=hold_timbre)

        assert np.isfinite(predicted).all()
        assert correlation(predicted.mean(axis=1), known.ratings[:, 0])[0] > 0.9

    def test_does_not_see_the_series_it_is_tested_on(self):
        known = renders()
        known.cues[:, :, 5] = known.ratings[:, 1:] + 0.01 * RNG.normal(size=(60, len(TIMBRES)))
        told = predict_unseen(known, 1, 1.0, hold_timbre=False)
        known.ratings[known.series == "2", 1] += 100.0

        changed = predict_unseen(known, 1, 1.0, hold_timbre=False)

        assert changed[known.series == "2"] == pytest.approx(told[known.series == "2"])
        assert not np.allclose(changed[known.series == "3"], told[known.series == "3"])


def test_the_library_lies_around_the_middle():
    known = renders()
    library = RNG.normal(0.3, 1.0, size=(200, len(NAMES)))
    weights = weights_of(known, library)
    valence = []
    for row in library:
        total = weights.valence
        for name, value in zip(NAMES, row, strict=True):
            cue = weights.cues[name]
            total += cue.valence * np.clip((value - cue.mean) / cue.deviation, -3, 3)
        valence.append(total)

    assert np.mean(valence) == pytest.approx(0, abs=0.01)
    assert np.std(valence) == pytest.approx(SPREAD, abs=0.01)


def test_correlation_has_its_interval_around_it():
    rated = RNG.normal(size=100)
    middle, low, high = correlation(rated + RNG.normal(size=100), rated)

    assert low < middle < high


@pytest.mark.parametrize(
    ("midi", "series"),
    [
        ("midi/Chrono_SNES_Chrono_Trigger_600_AD.mid", "Chrono"),
        ("midi/Other_NES_Tetris_Music_A.mid", "Tetris"),
        ("midi/Other_PC_The_Sims_Bittersweet.mid", "The_Sims"),
    ],
)
def test_series_are_read_off_the_names(midi: str, series: str):
    assert series_of(midi) == series


def test_two_windows_lie_apart_in_the_piece():
    (first, first_end), (second, second_end) = windows(100.0)

    assert [first_end - first, second_end - second] == pytest.approx([WINDOW_SECONDS] * 2)
    assert 0 < first < first_end < second < second_end < 100


def test_a_short_piece_is_heard_whole():
    assert windows(20.0) == [(0.0, 20.0)]
