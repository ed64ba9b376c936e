"""Fit the affect model to people's ratings of game music, and say how well it does on unseen games.

    python -m tools.train_affect --data ../shared/data/vgmidi --soundfont GM.sf2 [GM2.sf3 ...]
        --library FOLDER --work FOLDER [--out musiscene/weights/affect/affect.json]

VGMIDI's pieces are played in six timbres and heard as tracks are. Every figure is of pieces of
series of games that the model has not seen; `unheard timbre` leaves out the timbre too. The
library, unlabelled, tells where the middle of recorded music lies and how far it spreads.
Nothing of the data is kept but the weights.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import numpy as np

from musiscene.affect import LARGEST_CUE, AffectWeights, CueWeights, tempo_cue
from musiscene.audio.affect_cues import CUES, affect_cues
from musiscene.audio.excerpts import ANALYSIS_RATE
from musiscene.audio.read import read_audio
from musiscene.audio.tempo import estimate_tempo
from musiscene.errors import MusiSceneError
from tools.midi_timbres import TIMBRES, Player, read_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NAMES: Final = (*CUES, "tempo", "loudness")
PENALTIES: Final = {"valence": 25.0, "arousal": 250.0}
"""Ridge penalties for cues in deviations, over all renders."""
NEUTRAL_LUFS: Final = -15.0
MASTERING_DB: Final = 3.0
"""Deviation of the noise on a piece's level: what a master is set to says little about it."""
SPREAD: Final = 0.5
"""Of the library's estimates, in deviations, before they are bent into -1..1."""
RESAMPLES: Final = 2000
SUFFIXES: Final = (".ogg", ".mp3", ".flac", ".opus", ".wav", ".m4a")
_PLATFORM = re.compile(r"_(?:N64|NES|SNES|PS1|PS2|PC|GCN)_")
_FIRST_WORD = re.compile(r"(?:The_)?[^_]+")


class Renders(NamedTuple):
    """VGMIDI as it was heard; the first axis of `cues` is the piece, the second the timbre."""

    cues: NDArray[np.float64]
    """Shape (pieces, timbres, cues)."""
    ratings: NDArray[np.float64]
    """Valence and arousal, shape (pieces, 2)."""
    series: NDArray[np.str_]
    """Of each piece."""


class Fit(NamedTuple):
    """A linear model of one axis."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    slopes: NDArray[np.float64]
    middle: float

    def predict(self, cues: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rating of each row of cues; the last axis is summed."""
        rated: NDArray[np.float64] = self.middle + self.standard(cues) @ self.slopes
        return rated

    def standard(self, cues: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cues in deviations, bounded as the product bounds them."""
        bounded: NDArray[np.float64] = np.clip(
            (cues - self.mean) / self.deviation, -LARGEST_CUE, LARGEST_CUE
        )
        return bounded


def series_of(midi: str) -> str:
    """The series of games of a file of VGMIDI; the game where it belongs to none.

    Args:
        midi: Path as `pieces.jsonl` gives it.

    Returns:
        As the file's name spells it.

    Example:
        >>> series_of("midi/Xeno_PS1_Xenogears_Two_Pieces.mid")
        'Xeno'
        >>> series_of("midi/Other_PC_The_Sims_Bittersweet.mid")
        'The_Sims'
    """
    series, rest = _PLATFORM.split(Path(midi).stem, maxsplit=1)
    if series != "Other":
        return series
    game = _FIRST_WORD.match(rest)
    return game.group() if game else rest


def listen(waveform: NDArray[np.float32], loudness_lufs: float) -> list[float]:
    """All cues of a waveform at `ANALYSIS_RATE`, in the order of `NAMES`; NaN without sound."""
    tempo = estimate_tempo(waveform, sample_rate=ANALYSIS_RATE)
    cues = affect_cues(waveform, sample_rate=ANALYSIS_RATE)
    heard = [cues.get(name, float("nan")) for name in CUES]
    return [*heard, tempo_cue(tempo.bpm, tempo.confidence), loudness_lufs]


def hear_renders(data: Path, soundfonts: Sequence[Path]) -> Renders:
    """Play and hear every piece in every timbre."""
    rows = [msgspec.json.decode(line) for line in (data / "pieces.jsonl").open("rb")]
    player = Player(soundfonts)
    pieces = [read_notes(data / row["midi"]) for row in rows]
    levels = np.array([player.piano_level_db(notes) for notes in pieces])
    loudness = levels - levels.mean() + NEUTRAL_LUFS
    noise = np.random.default_rng(0).normal(0, MASTERING_DB, (len(rows), len(TIMBRES)))
    cues = [
        [
            listen(player.play(notes, timbre, seed=row["midi"] + timbre), loudness[piece] + extra)
            for timbre, extra in zip(TIMBRES, noise[piece], strict=True)
        ]
        for piece, (row, notes) in enumerate(zip(rows, pieces, strict=True))
    ]
    return Renders(
        cues=np.array(cues),
        ratings=np.array([[row["valence"], row["arousal"]] for row in rows]),
        series=np.array([series_of(row["midi"]) for row in rows]),
    )


def hear_library(folder: Path, count: int) -> NDArray[np.float64]:
    """Hear some recordings, evenly picked by path; shape (recordings, cues)."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    heard = []
    for path in found[:: max(1, len(found) // count)][:count]:
        try:
            recording = read_audio(path, sample_rate=ANALYSIS_RATE)
        except MusiSceneError as error:
            print(error, file=sys.stderr)
            continue
        loudness = recording.loudness_lufs
        heard.append(listen(recording.waveform, NEUTRAL_LUFS if loudness is None else loudness))
    cues = np.array(heard)
    audible: NDArray[np.float64] = cues[np.isfinite(cues).all(axis=1)]
    return audible


def fit(cues: NDArray[np.float64], ratings: NDArray[np.float64], penalty: float) -> Fit:
    """Ridge regression of one axis.

    Args:
        cues: Shape (renders, cues).
        ratings: Shape (renders,).
        penalty: On the squares of the slopes.

    Returns:
        The model.
    """
    model = Fit(cues.mean(axis=0), cues.std(axis=0), np.zeros(cues.shape[1]), float(ratings.mean()))
    standard = model.standard(cues)
    centred = standard - standard.mean(axis=0)
    slopes = np.linalg.solve(
        centred.T @ centred + penalty * np.eye(cues.shape[1]), centred.T @ (ratings - model.middle)
    )
    return model._replace(
        slopes=slopes, middle=model.middle - float(standard.mean(axis=0) @ slopes)
    )


def predict_unseen(renders: Renders, axis: int, penalty: float, *, hold_timbre: bool) -> Any:  # noqa: ANN401
    """Ratings of each render by a model without its series; shape (pieces, timbres)."""
    predicted = np.full(renders.cues.shape[:2], np.nan)
    width = renders.cues.shape[2]
    timbres = range(renders.cues.shape[1])
    for series in np.unique(renders.series):
        seen = renders.series != series
        for held in timbres if hold_timbre else [None]:
            used = [timbre for timbre in timbres if timbre != held]
            model = fit(
                renders.cues[seen][:, used].reshape(-1, width),
                np.repeat(renders.ratings[seen, axis], len(used)),
                penalty,
            )
            heard = used if held is None else [held]
            predicted[np.ix_(~seen, heard)] = model.predict(renders.cues[~seen][:, heard])
    return predicted


def correlation(predicted: NDArray[np.float64], rated: NDArray[np.float64]) -> list[float]:
    """Pearson's r with its bootstrap 95 % interval over pieces."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(rated), size=(RESAMPLES, len(rated)))
    values = [np.corrcoef(predicted[draw], rated[draw])[0, 1] for draw in draws]
    low, high = np.percentile(values, [2.5, 97.5])
    return [round(float(x), 3) for x in (np.corrcoef(predicted, rated)[0, 1], low, high)]


def report(renders: Renders) -> dict[str, Any]:
    """Correlations with people's ratings by axis, way of testing and timbre."""
    figures: dict[str, Any] = {}
    for axis, (name, penalty) in enumerate(PENALTIES.items()):
        rated = renders.ratings[:, axis]
        for way, hold_timbre in (("unseen series", False), ("unheard timbre", True)):
            predicted = predict_unseen(renders, axis, penalty, hold_timbre=hold_timbre)
            rows = {
                timbre: correlation(predicted[:, column], rated)
                for column, timbre in enumerate(TIMBRES)
            }
            rows["mean over timbres"] = correlation(predicted.mean(axis=1), rated)
            figures[f"{name}, {way}"] = rows
    return figures


def weights_of(renders: Renders, library: NDArray[np.float64]) -> AffectWeights:
    """Fit both axes to all renders, and set the middle and the spread by the library."""
    width = renders.cues.shape[2]
    cues = renders.cues.reshape(-1, width)
    offsets, slopes = {}, {}
    for axis, (name, penalty) in enumerate(PENALTIES.items()):
        model = fit(cues, np.repeat(renders.ratings[:, axis], len(TIMBRES)), penalty)
        estimates = model.predict(library)
        gain = SPREAD / float(estimates.std())
        offsets[name] = round(gain * (model.middle - float(estimates.mean())), 4)
        slopes[name] = gain * model.slopes
    return AffectWeights(
        valence=offsets["valence"],
        arousal=offsets["arousal"],
        cues={
            name: CueWeights(
                mean=round(float(cues[:, column].mean()), 5),
                deviation=round(float(cues[:, column].std()), 5),
                valence=round(float(slopes["valence"][column]), 4),
                arousal=round(float(slopes["arousal"][column]), 4),
            )
            for column, name in enumerate(NAMES)
        },
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Hear, measure, and write the weights if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="folder with pieces.jsonl")
    parser.add_argument("--soundfont", type=Path, nargs="+", required=True, help="General MIDI")
    parser.add_argument("--library", type=Path, required=True, help="recordings of any music")
    parser.add_argument("--tracks", type=int, default=60, help="how many of them are heard")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps what was heard")
    parser.add_argument("--out", type=Path, help="JSON")
    given = parser.parse_args(argv)
    given.work.mkdir(parents=True, exist_ok=True)
    kept = given.work / "affect.npz"
    if not kept.is_file():
        renders = hear_renders(given.data, given.soundfont)
        library = hear_library(given.library, given.tracks)
        np.savez(kept, library=library, **renders._asdict())
    stored = np.load(kept)
    renders = Renders(*(stored[name] for name in Renders._fields))
    print(msgspec.json.format(msgspec.json.encode(report(renders))).decode())
    if given.out:
        encoded = msgspec.json.encode(weights_of(renders, stored["library"]))
        given.out.write_bytes(msgspec.json.format(encoded) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
