from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from musiscene.errors import GenerationError, GenerationStoppedError
from musiscene.generate.aims import MusicAims
from musiscene.generate.check import HeardTake
from musiscene.generate.protocol import GeneratedMusic, MusicRequest, Provenance
from musiscene.generate.takes import MOST_SECONDS_HELD, MOST_TAKES, Takes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REQUEST = MusicRequest(prompt="calm, no vocals", seconds=5.0, seed=7)
GOOD = HeardTake(tempo_bpm=90.0, mode="major", valence=0.0, arousal=0.0, vocals=0.0, silences=())


class Whistle:
    """A backend that aims at 90 bpm; each seed gives another tone."""

    name = "whistle"

    def generate(self, request: MusicRequest, *, progress, stop: Event) -> GeneratedMusic:  # noqa: ANN001, ARG002
        progress("whistling", 1.0)
        rate = 8_000
        times = np.arange(int(request.seconds * rate)) / rate
        tone = 0.1 * np.sin(2 * np.pi * (300 + request.seed % 97) * times)
        return GeneratedMusic(
            waveform=tone[None].astype(np.float32),
            sample_rate=rate,
            provenance=Provenance(
                backend="whistle",
                model="lips",
                weights_licence="none",
                commercial_use="yes",
                prompt=request.prompt,
                seconds=request.seconds,
                seed=request.seed,
                aims=MusicAims(tempo_bpm=90.0),
            ),
        )


def takes(heard: Sequence[HeardTake]) -> Takes:
    def hear(paths: Sequence[Path], *, stop: Event) -> Sequence[HeardTake]:  # noqa: ARG001
        assert all(path.stat().st_size > 0 for path in paths)
        return heard[: len(paths)]

    return Takes(Whistle(), hear, None)


def best(heard: Sequence[HeardTake], request: MusicRequest = REQUEST, **other) -> GeneratedMusic:  # noqa: ANN003
    chosen = {"count": len(heard), "progress": lambda *_: None, "stop": Event(), **other}
    return takes(heard).best(request, **chosen)


def at(bpm: float, **other: object) -> HeardTake:
    return msgspec.structs.replace(GOOD, tempo_bpm=bpm, **other)


class TestTakes:
    def test_the_take_that_sounds_most_as_wanted_is_kept(self):
        music = best([at(120.0), at(90.5), at(45.0)])
        notes = music.provenance.takes
        assert [note.is_kept for note in notes] == [False, True, False]
        assert music.provenance.seed == notes[1].seed
        check = music.provenance.check
        assert check is not None
        assert check.heard.tempo_bpm == 90.5
        assert len({note.seed for note in notes}) == 3

    def test_the_first_of_equals_has_the_seed_that_was_asked_for(self):
        assert best([GOOD, GOOD]).provenance.seed == REQUEST.seed

    def test_a_take_with_a_defect_is_not_kept_however_well_it_fits(self):
        silent = msgspec.structs.replace(GOOD, silences=((1.0, 4.5),))
        music = best([silent, at(120.0)])
        assert [note.is_kept for note in music.provenance.takes] == [False, True]

    def test_when_all_have_defects_it_says_which(self):
        sung = msgspec.structs.replace(GOOD, vocals=0.9)
        with pytest.raises(GenerationError, match=r"none of 2 takes .* somebody sings"):
            best([sung, sung])

    def test_a_long_piece_has_fewer_takes(self):
        request = msgspec.structs.replace(REQUEST, seconds=MOST_SECONDS_HELD / 2)
        assert len(best([GOOD] * 5, request, count=5).provenance.takes) == 2

    @pytest.mark.parametrize("count", [0, MOST_TAKES + 1])
    def test_refuses_a_count_that_makes_no_sense(self, count: int):
        with pytest.raises(GenerationError, match="takes"):
            best([GOOD], count=count)

    def test_stops_before_a_choice_is_made(self):
        stop = Event()
        stop.set()
        with pytest.raises(GenerationStoppedError):
            best([GOOD], stop=stop)

    def test_progress_rises_from_take_to_take(self):
        told: list[tuple[str, float]] = []
        best([GOOD, GOOD], progress=lambda *step: told.append(step))
        assert [share for _, share in told] == sorted(share for _, share in told)
        assert told[0][0] == "take 1 of 2: whistling"
        assert told[-1] == ("heard", 1.0)
