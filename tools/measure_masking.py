"""What music takes from a voice, before and after ducking, by an independent measure.

Sentences read by espeak-ng lie over excerpts of the demo library's tracks at equal loudness. STOI
and ESTOI (Taal et al. 2011; Jensen and Taal 2016; pystoi) compare the mix with the clean voice.
Half of the tracks and of the sentences are for tuning, the other half for the report.

    python tools/measure_masking.py --half report --figure docs/masking.png
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from musiscene.audio.energy import second_powers
from musiscene.audio.masking import band_levels_db, masking, needed_gain_db
from musiscene.audio.read import read_audio
from musiscene.metrics.bootstrap import Interval, bootstrap_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

RATE: Final = 16_000
LOUDNESS_DB: Final = -23.0
FIXED_DUCK_DB: Final = -12.0
BOUNDS: Final = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
SENTENCES: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "The committee met on Tuesday to discuss the new harbour and its boats.",
        "Nobody could say how long the repairs of the old bridge would take.",
        "She closed the door, walked down to the water and waited for the morning.",
        "Our guests arrived late because the last train had been cancelled.",
    ),
    "de": (
        "Am Dienstag traf sich der Ausschuss wegen des neuen Hafens.",
        "Niemand wusste, wie lange die Arbeiten an der Brücke dauern würden.",
        "Sie schloss die Tür und ging hinunter zum Wasser.",
        "Unsere Gäste kamen spät, weil der letzte Zug ausgefallen war.",
    ),
    "fr": (
        "Le comité s'est réuni mardi pour parler du nouveau port.",
        "Personne ne savait combien de temps dureraient les travaux.",
        "Elle ferma la porte et descendit vers la rivière.",
        "Nos invités sont arrivés tard à cause du dernier train.",
    ),
    "es": (
        "El comité se reunió el martes para hablar del nuevo puerto.",
        "Nadie sabía cuánto tiempo durarían las obras del puente.",
        "Ella cerró la puerta y bajó hasta el agua.",
        "Nuestros invitados llegaron tarde por culpa del último tren.",
    ),
}
VOICES: Final = ("", "+f2", "+m7", "+f4")


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence under one track."""

    track: str
    masking: float
    gain_db: float
    stoi: dict[str, float]
    """By condition: `alone`, `full`, `ducked`, `fixed`."""
    estoi: dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--bounds", action="store_true", help="try every bound on what may be lost")
    parser.add_argument("--figure", type=Path, help="where the figure goes")
    options = parser.parse_args()
    place = 0 if options.half == "tune" else 1
    voices, tracks = read_voices()[place], read_tracks()[place::2]
    print(f"{options.half}: {len(voices)} sentences, {len(tracks)} tracks")
    if options.bounds:
        for bound in BOUNDS:
            print(f"bound {bound:.2f}", summary(measure(voices, tracks[::2], bound))["ducked"])
        return
    pairs = measure(voices, tracks, None)
    report(pairs)
    if options.figure is not None:
        draw(pairs, options.figure)


def read_voices() -> tuple[list[NDArray[np.float32]], ...]:
    """Every sentence by one voice, at `LOUDNESS_DB`, in two halves.

    Returns:
        For tuning and for the report: float32, each of shape (samples,).

    Raises:
        SystemExit: If espeak-ng is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise SystemExit("espeak-ng is not installed")
    halves: tuple[list[NDArray[np.float32]], ...] = ([], [])
    for turn, (language, sentences) in enumerate(SENTENCES.items()):
        for place, (sentence, voice) in enumerate(zip(sentences, VOICES, strict=True)):
            command = [program, "-v", language + voice, "--stdout", sentence]
            said = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout  # noqa: S603
            # Every language and every voice is in both halves.
            halves[(turn + place) % 2].append(levelled(_at_rate(said)))
    return halves


def read_tracks() -> list[tuple[str, NDArray[np.float32]]]:
    """The tracks of the demo library.

    Returns:
        Name and waveform at `RATE` of each.

    Raises:
        SystemExit: If it is not installed.
    """
    spec = find_spec("immich_memories_music")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not folders:
        raise SystemExit("the demo library is not installed: pip install 'musiscene[demo]'")
    paths = sorted(path for path in Path(folders[0], "tracks").rglob("*") if path.is_file())
    return [(path.stem, read_audio(path, sample_rate=RATE).waveform) for path in paths]


def levelled(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a sound to `LOUDNESS_DB`, K-weighted and without gates."""
    power = second_powers(waveform, sample_rate=RATE).mean()
    scaled: NDArray[np.float32] = (
        waveform * 10 ** ((LOUDNESS_DB - 10 * np.log10(power)) / 20)
    ).astype(np.float32)
    return scaled


def measure(
    voices: Sequence[NDArray[np.float32]],
    tracks: Sequence[tuple[str, NDArray[np.float32]]],
    bound: float | None,
) -> list[Pair]:
    """Measure every sentence under every track.

    Args:
        voices: Levelled.
        tracks: With their names.
        bound: On what may be lost; None for the default of `needed_gain_db`.

    Returns:
        One pair each.
    """
    from pystoi import stoi

    pairs = []
    for number, (name, track) in enumerate(tracks):
        for place, voice in enumerate(voices):
            start = (7 * number + 3 * place) * RATE % max(1, len(track) - len(voice) - RATE)
            music = levelled(track[start : start + len(voice)])
            voice_db, music_db = band_levels_db(voice, RATE), band_levels_db(music, RATE)
            limit = {} if bound is None else {"most_masking": bound}
            gain = float(needed_gain_db(voice_db, music_db, **limit))
            gains = {"alone": None, "full": 0.0, "ducked": gain, "fixed": FIXED_DUCK_DB}
            mixes = {
                what: voice if db is None else voice + music * np.float32(10 ** (db / 20))
                for what, db in gains.items()
            }
            pairs.append(
                Pair(
                    track=name,
                    masking=float(masking(voice_db, music_db)),
                    gain_db=gain,
                    stoi={what: float(stoi(voice, mix, RATE)) for what, mix in mixes.items()},
                    estoi={
                        what: float(stoi(voice, mix, RATE, extended=True))
                        for what, mix in mixes.items()
                    },
                )
            )
    return pairs


def summary(pairs: Sequence[Pair]) -> dict[str, str]:
    """Means, the worst tenth and the gain of each condition, as text."""
    lines = {}
    for what in ("alone", "full", "ducked", "fixed"):
        stoi = np.array([pair.stoi[what] for pair in pairs])
        estoi = np.array([pair.estoi[what] for pair in pairs])
        gain = {"ducked": np.mean([pair.gain_db for pair in pairs]), "fixed": FIXED_DUCK_DB}
        lines[what] = (
            f"STOI {_by_track(pairs, stoi)}, worst tenth {np.percentile(stoi, 10):.3f}; "
            f"ESTOI {_by_track(pairs, estoi)}, worst tenth {np.percentile(estoi, 10):.3f}; "
            f"music {gain.get(what, 0.0):+.1f} dB"
        )
    return lines


def report(pairs: Sequence[Pair]) -> None:
    """Print what was measured."""
    from scipy.stats import spearmanr

    for what, line in summary(pairs).items():
        print(f"{what:7}", line)
    gains = np.array([pair.gain_db for pair in pairs])
    print(f"needed gain from {gains.min():.1f} to {gains.max():.1f} dB")
    names = sorted({pair.track for pair in pairs})
    lost = np.array([pair.masking for pair in pairs])
    for measure_name in ("stoi", "estoi"):
        left = np.array([getattr(pair, measure_name)["full"] for pair in pairs])
        means = [
            (lost[of_track].mean(), left[of_track].mean())
            for name in names
            if (of_track := np.array([pair.track == name for pair in pairs])).any()
        ]
        over_tracks = spearmanr([a for a, _ in means], [b for _, b in means]).statistic
        over_pairs = spearmanr(lost, left).statistic
        print(
            f"rank correlation of masking with {measure_name.upper()}: {over_tracks:.2f} over"
            f" {len(names)} tracks, {over_pairs:.2f} over {len(pairs)} pairs"
        )


def draw(pairs: Sequence[Pair], path: Path) -> None:
    """Draw masking beside what is left of the voice, and every condition.

    Args:
        pairs: As measured.
        path: Of the picture.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    lost = [pair.masking for pair in pairs]
    left.scatter(
        lost,
        [pair.estoi["full"] for pair in pairs],
        s=14,
        color="#b33",
        label="music at full level",
    )
    after = [pair.estoi["ducked"] for pair in pairs]
    left.scatter(lost, after, s=14, color="#27a", label="ducked as needed")
    left.set(xlabel="masking before ducking", ylabel="ESTOI of the voice", ylim=(0, 1.02))
    left.legend(loc="lower left")
    conditions = {
        "full": "full level",
        "ducked": "as needed",
        "fixed": "-12 dB always",
        "alone": "no music",
    }
    right.boxplot([[pair.estoi[what] for pair in pairs] for what in conditions], widths=0.6)
    right.set_xticks(range(1, 5), list(conditions.values()))
    right.set(ylabel="ESTOI of the voice", ylim=(0, 1.02))
    for axes in (left, right):
        axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=110)


def _by_track(pairs: Sequence[Pair], values: NDArray[np.float64]) -> str:
    """Mean with its 95 % interval, resampled by track."""
    names = [pair.track for pair in pairs]
    means = np.array(
        [values[[name == one for name in names]].mean() for one in dict.fromkeys(names)]
    )
    interval: Interval = bootstrap_mean(means)
    return f"{values.mean():.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _at_rate(said: bytes) -> NDArray[np.float32]:
    import soxr

    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(2**31 - 1), dtype=np.int16)
    resampled: NDArray[np.float32] = soxr.resample(samples.astype(np.float32) / 2**15, rate, RATE)
    return resampled


if __name__ == "__main__":
    main()
