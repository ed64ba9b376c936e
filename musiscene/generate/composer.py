"""The embedded backend: music by rules, prompt -> plan -> notes -> sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.errors import GenerationStoppedError
from musiscene.generate.notes import write_notes
from musiscene.generate.plan import make_plan
from musiscene.generate.protocol import GeneratedMusic, Provenance, check_request
from musiscene.generate.reading import read_prompt
from musiscene.generate.render import SAMPLE_RATE, render

if TYPE_CHECKING:
    from threading import Event

    from musiscene.generate.protocol import GenerationProgress
    from musiscene.scene_reader import SceneReader

VERSION: Final = "composer-1"
LICENCE: Final = "no weights; sounds of TimGM6mb.sf2 (GPL-2.0), renders are free"


class Composer:
    """Composes by rules; see `MusicGenerator`.

    Args:
        reader: Says what a scene calls for; None to go by the prompt's words alone.
    """

    name = "composer"

    def __init__(self, reader: SceneReader | None = None) -> None:
        self._reader = reader

    def generate(
        self,
        prompt: str,
        seconds: float,
        *,
        seed: int,
        progress: GenerationProgress,
        stop: Event,
    ) -> GeneratedMusic:
        """Compose a piece; see `MusicGenerator.generate`."""
        check_request(prompt, seconds, seed)
        progress("planning", 0.0)
        plan = make_plan(read_prompt(prompt, self._reader), seconds=seconds, seed=seed)
        _go_on(stop)
        progress("composing", 0.1)
        notes = write_notes(plan)
        _go_on(stop)
        progress("rendering", 0.2)
        waveform = render(plan, notes)
        _go_on(stop)
        progress("rendered", 1.0)
        return GeneratedMusic(
            waveform=waveform,
            sample_rate=SAMPLE_RATE,
            provenance=Provenance(
                backend=self.name,
                model=VERSION,
                weights_licence=LICENCE,
                commercial_use="yes",
                prompt=prompt,
                seconds=seconds,
                seed=seed,
                details={
                    "tempo_bpm": plan.tempo_bpm,
                    "key": plan.key,
                    "ensemble": plan.ensemble.name,
                    "bars": len(plan.chords),
                },
            ),
        )


def _go_on(stop: Event) -> None:
    """Raise if the music is not wanted any more.

    Args:
        stop: Set when it is not.

    Raises:
        GenerationStoppedError: If it is set.
    """
    if stop.is_set():
        raise GenerationStoppedError
