"""The backend itself: requests -> music."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import torch

from musiscene.errors import GenerationError
from musiscene.generate.mastering import to_loudness
from musiscene.generate.musicgen.conditions import TextConditioner, token_counts
from musiscene.generate.musicgen.decoding import Sampling, Windows, sample_codes
from musiscene.generate.musicgen.sound import (
    alive_to_its_end,
    cut_to,
    to_waveform,
)
from musiscene.generate.musicgen.variants import LICENCE
from musiscene.generate.protocol import GeneratedMusic, Provenance, check_request, go_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from threading import Event

    from musiscene.generate.musicgen.weights import LoadedMusicGen
    from musiscene.generate.protocol import GenerationProgress, MusicRequest

DECODED_SHARE: Final = 0.95
"""How much of all is done when the codes are drawn."""


class MusicGen:
    """Makes music with MusicGen; see `MusicGenerator`.

    Args:
        loaded: The model.
        why: Why this one, for people.
        melody: A recording to follow; for melody models.
        sampling: How tokens are drawn.
        windows: How long windows are; None for the model's.
    """

    name = "musicgen"

    def __init__(
        self,
        loaded: LoadedMusicGen,
        *,
        why: str = "named",
        melody: Path | None = None,
        sampling: Sampling | None = None,
        windows: Windows | None = None,
    ) -> None:
        if melody is not None and not loaded.is_melody:
            raise GenerationError(f"{loaded.name} cannot follow a melody; take --model melody")
        self._loaded = loaded
        self._why = why
        self._melody = melody
        self._sampling = sampling or Sampling()
        self._windows = windows or Windows.at(loaded.frame_rate)

    def generate(
        self, request: MusicRequest, *, progress: GenerationProgress, stop: Event
    ) -> GeneratedMusic:
        """Make a piece of music; see `MusicGenerator.generate`."""
        return self.generate_batch([request], progress=progress, stop=stop)[0]

    def generate_batch(
        self, requests: Sequence[MusicRequest], *, progress: GenerationProgress, stop: Event
    ) -> list[GeneratedMusic]:
        """Make several pieces side by side.

        Each is drawn from its own seed, so it is the same as if it were made alone, as far as the
        processor adds up numbers in the same order for few and for many.

        Args:
            requests: What is wanted.
            progress: Is told how it goes on, once per frame.
            stop: When it is set, the work ends after the frame that is under way.

        Returns:
            The music, in their order.

        Raises:
            GenerationStoppedError: If it was stopped.
            GenerationError: If it cannot be made.
        """
        for request in requests:
            check_request(request)
        waves = self._waves(requests, [one.seed for one in requests], progress, stop)
        finished = []
        for request, wave in zip(requests, waves, strict=True):

            def make(seed: int, request: MusicRequest = request, wave: Any = wave) -> Any:  # noqa: ANN401
                again = seed != request.seed
                made = self._waves([request], [seed], progress, stop)[0] if again else wave
                return made, self._loaded.sample_rate

            finished.append(self._finished(request, *alive_to_its_end(make, seed=request.seed)))
        progress("done", 1.0)
        return finished

    def _waves(
        self,
        requests: Sequence[MusicRequest],
        seeds: Sequence[int],
        progress: GenerationProgress,
        stop: Event,
    ) -> list[Any]:
        """Sound of every request, with nothing cut and nothing mastered."""
        groups = list(self._groups(requests))
        total = sum(self._columns(requests[row] for row in rows) for rows in groups)
        done = 0

        def after_frame() -> None:
            nonlocal done
            go_on(stop)
            done += 1
            progress("generating", min(1.0, done / total) * DECODED_SHARE)

        go_on(stop)
        waves: dict[int, Any] = {}
        for rows in groups:
            conditioner = TextConditioner(
                self._loaded,
                [requests[row].prompt for row in rows],
                melody=self._melody_samples(),
                is_guided=self._sampling.guidance > 1,
            )
            codes = sample_codes(
                self._loaded.model.decoder,
                conditioner,
                [(self._frames(requests[row]), seeds[row]) for row in rows],
                windows=self._windows,
                sampling=self._sampling,
                after_frame=after_frame,
            )
            for row, one in zip(rows, codes, strict=True):
                go_on(stop)
                progress("decoding", DECODED_SHARE)
                waves[row] = to_waveform(self._loaded, one)
        return [waves[row] for row in range(len(requests))]

    def _groups(self, requests: Sequence[MusicRequest]) -> Iterable[list[int]]:
        """Requests that are made side by side."""
        rows = list(range(len(requests)))
        if not self._loaded.is_melody:
            return [rows]
        groups = defaultdict(list)
        counts = token_counts(self._loaded, [one.prompt for one in requests])
        for row, count in zip(rows, counts, strict=True):
            groups[count].append(row)
        return groups.values()

    def _melody_samples(self) -> torch.Tensor | None:
        if self._melody is None:
            return None
        from musiscene.audio.read import read_audio

        recording = read_audio(self._melody, sample_rate=self._loaded.sample_rate)
        return torch.from_numpy(recording.waveform)

    def _frames(self, request: MusicRequest) -> int:
        samples = round(request.seconds * self._loaded.sample_rate)
        return math.ceil(samples / self._loaded.samples_per_frame)

    def _columns(self, requests: Iterable[MusicRequest]) -> int:
        """How often `after_frame` is called for a group."""
        longest = max(self._frames(one) for one in requests)
        settings = self._loaded.model.decoder.config
        delay = int(settings.num_codebooks - 1) // int(settings.audio_channels)
        return longest + len(self._windows.starts(longest)) * delay

    def _finished(self, request: MusicRequest, wave: Any, seed: int) -> GeneratedMusic:  # noqa: ANN401
        rate = self._loaded.sample_rate
        cut = cut_to(wave, sample_rate=rate, seconds=request.seconds)
        return GeneratedMusic(
            waveform=to_loudness(cut, sample_rate=rate),
            sample_rate=rate,
            provenance=Provenance(
                backend=self.name,
                model=f"{self._loaded.name} ({self._loaded.source})",
                weights_licence=LICENCE,
                commercial_use="no",
                prompt=request.prompt,
                seconds=request.seconds,
                seed=request.seed,
                hits=request.hits,
                details=self._details(request, seed),
            ),
        )

    def _details(self, request: MusicRequest, seed: int) -> dict[str, Any]:
        details: dict[str, Any] = {
            "variant": self._loaded.name,
            "chosen": self._why,
            "windows": len(self._windows.starts(self._frames(request))),
            "guidance": self._sampling.guidance,
            "top_k": self._sampling.top_k,
            "dtype": str(self._loaded.dtype).removeprefix("torch."),
            "device": self._loaded.device,
        }
        if seed != request.seed:
            details["died_away"] = f"with seed {request.seed}; made again with seed {seed}"
        if self._melody is not None:
            details["melody"] = self._melody.name
        if request.hits:
            details["hits"] = "not met: MusicGen cannot place them"
        return details
