"""Several takes of a piece are made and heard; the best of them is kept, and a bad one never."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from musiscene.errors import GenerationError
from musiscene.generate.aims import MusicAims, as_heard
from musiscene.generate.check import HeardTake, TakeCheck, check_take
from musiscene.generate.files import write_music
from musiscene.generate.protocol import (
    MAX_SEED,
    GeneratedMusic,
    TakeNote,
    check_request,
    go_on,
)
from musiscene.generate.reading import read_prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from musiscene.generate.protocol import GenerationProgress, MusicGenerator, MusicRequest
    from musiscene.scene_reader import SceneReader

MOST_TAKES: Final = 8
DEFAULT_TAKES: Final = 3
MOST_SECONDS_HELD: Final = 1_200.0
"""Of all takes of a piece: they are in memory together, at 0.35 MB a second."""
MAKING_SHARE: Final = 0.7
"""Of all the time, as it is shown; the rest is listening."""
SEED_STEP: Final = 1_000_003
"""Between the seeds of takes, so that neighbouring requests do not share them."""


class TakeListener(Protocol):
    """Hears music that lies in files."""

    def __call__(self, paths: Sequence[Path], *, stop: Event) -> Sequence[HeardTake]:
        """Hear some pieces.

        Args:
            paths: Of the files.
            stop: Set when it is not wanted any more.

        Returns:
            What is heard in each, in their order.
        """


class Takes:
    """Makes a piece several times and keeps the take that is heard to be nearest to its aims.

    Args:
        generator: Makes the music.
        hear: Listens to it.
        reader: Says what scenes call for; None to go by words alone.
    """

    def __init__(
        self, generator: MusicGenerator, hear: TakeListener, reader: SceneReader | None
    ) -> None:
        self._generator = generator
        self._hear = hear
        self._reader = reader

    def best(
        self,
        request: MusicRequest,
        *,
        brief: str | None = None,
        count: int = DEFAULT_TAKES,
        progress: GenerationProgress,
        stop: Event,
    ) -> GeneratedMusic:
        """Make the takes, hear them and choose.

        Args:
            request: What is wanted; the first take has its seed.
            brief: The scene that the music is for; None where there is only the prompt.
            count: How many takes, 1 to `MOST_TAKES`; fewer of a long piece, `MOST_SECONDS_HELD`.
            progress: Is told how it goes on.
            stop: When it is set, no more is made.

        Returns:
            The best take; its provenance has the check of it, and a note of every take.

        Raises:
            GenerationStoppedError: If it was stopped.
            GenerationError: If it cannot be made, or every take has a defect.
        """
        check_request(request)
        if not 1 <= count <= MOST_TAKES:
            raise GenerationError(f"there may be 1 to {MOST_TAKES} takes")
        count = max(1, min(count, int(MOST_SECONDS_HELD // request.seconds)))
        made = [
            self._generator.generate(
                msgspec.structs.replace(
                    request, seed=(request.seed + number * SEED_STEP) % (MAX_SEED + 1)
                ),
                progress=_part(progress, number, count),
                stop=stop,
            )
            for number in range(count)
        ]
        progress("listening", MAKING_SHARE)
        checks = self._checks(request, made, brief or request.prompt, stop)
        go_on(stop)
        order = sorted(
            range(count), key=lambda one: (bool(checks[one].defects), -checks[one].score)
        )
        best = order[0]
        if checks[best].defects:
            reasons = "; ".join(dict.fromkeys(one for check in checks for one in check.defects))
            raise GenerationError(
                f"none of {count} takes can be used: {reasons}; try another seed or prompt"
            )
        progress("heard", 1.0)
        notes = tuple(
            TakeNote(
                seed=music.provenance.seed,
                score=check.score,
                agrees=check.agrees,
                defects=check.defects,
                is_kept=number == best,
            )
            for number, (music, check) in enumerate(zip(made, checks, strict=True))
        )
        provenance = msgspec.structs.replace(made[best].provenance, check=checks[best], takes=notes)
        return msgspec.structs.replace(made[best], provenance=provenance)

    def _checks(
        self, request: MusicRequest, made: Sequence[GeneratedMusic], brief: str, stop: Event
    ) -> list[TakeCheck]:
        """What is heard in each take, beside what it should be."""
        wish = read_prompt(request.prompt, self._reader)
        valence, arousal = as_heard(wish.valence, wish.arousal)
        said = MusicAims(tempo_bpm=wish.tempo_bpm, mode=wish.mode, arousal=arousal, valence=valence)
        with tempfile.TemporaryDirectory(prefix="musiscene-takes-") as folder:
            paths = [Path(folder, f"take-{number}.flac") for number in range(len(made))]
            for music, path in zip(made, paths, strict=True):
                write_music(music, path, title="take")
            heard = self._hear(paths, stop=stop)
        return [
            check_take(
                take,
                music.provenance.aims or said,
                brief=brief,
                hits=music.provenance.hits,
                denied=wish.denied,
                reader=self._reader,
            )
            for take, music in zip(heard, made, strict=True)
        ]


def _part(progress: GenerationProgress, number: int, count: int) -> Callable[[str, float], None]:
    """The progress of one take as a part of all."""
    said = "" if count == 1 else f"take {number + 1} of {count}: "

    def report(stage: str, share: float) -> None:
        progress(said + stage, MAKING_SHARE * (number + share) / count)

    return report
