"""The embedded backend: music by rules, prompt -> plan -> notes -> sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from musiscene.generate.aims import MusicAims, as_heard
from musiscene.generate.composer.midi import write_midi
from musiscene.generate.composer.notes import write_notes
from musiscene.generate.composer.plan import make_plan
from musiscene.generate.composer.render import SAMPLE_RATE, render
from musiscene.generate.protocol import GeneratedMusic, Provenance, check_request, go_on
from musiscene.generate.reading import read_prompt

if TYPE_CHECKING:
    from threading import Event

    from musiscene.generate.protocol import GenerationProgress, MusicRequest
    from musiscene.scene_reader import SceneReader

VERSION: Final = "composer-3"
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
        self, request: MusicRequest, *, progress: GenerationProgress, stop: Event
    ) -> GeneratedMusic:
        """Compose a piece; see `MusicGenerator.generate`."""
        check_request(request)
        progress("planning", 0.0)
        wish = read_prompt(request.prompt, self._reader)
        plan = make_plan(wish, seconds=request.seconds, seed=request.seed, hits=request.hits)
        go_on(stop)
        progress("composing", 0.1)
        notes = write_notes(plan)
        go_on(stop)
        progress("rendering", 0.2)
        waveform = render(plan, notes)
        go_on(stop)
        progress("rendered", 1.0)
        valence, arousal = as_heard(wish.valence, wish.arousal)
        return GeneratedMusic(
            waveform=waveform,
            sample_rate=SAMPLE_RATE,
            provenance=Provenance(
                backend=self.name,
                model=VERSION,
                weights_licence=LICENCE,
                commercial_use="yes",
                prompt=request.prompt,
                seconds=request.seconds,
                seed=request.seed,
                hits=request.hits,
                aims=MusicAims(
                    tempo_bpm=plan.tempo_bpm,
                    mode=plan.mode,
                    arousal=round(plan.arousal, 3),
                    valence=round(valence, 3),
                ),
                details={
                    "wished_arousal": round(arousal, 3),
                    "tempo_bpm": plan.tempo_bpm,
                    "key": plan.key,
                    "ensemble": plan.ensemble.name,
                    "players": [player.name for player in plan.ensemble.players],
                    "bars": len(plan.form.bars),
                    "metre": plan.metre.name,
                    "form": [
                        {
                            "name": section.name,
                            "start_seconds": round(
                                plan.form.seconds_of(plan.form.bars[section.first_bar].start), 3
                            ),
                        }
                        for section in plan.form.sections
                    ],
                    "hits_met": [
                        {"seconds": hit.seconds, "kind": hit.kind} for hit in plan.form.met
                    ],
                },
            ),
        )

    def midi(self, request: MusicRequest) -> bytes:
        """Write the piece that `generate` plays as a MIDI file.

        Args:
            request: What is wanted.

        Returns:
            A standard MIDI file with tempo, metre, key, players' names and section markers.

        Raises:
            GenerationError: If it cannot be made.
        """
        check_request(request)
        wish = read_prompt(request.prompt, self._reader)
        plan = make_plan(wish, seconds=request.seconds, seed=request.seed, hits=request.hits)
        return write_midi(plan, write_notes(plan))
