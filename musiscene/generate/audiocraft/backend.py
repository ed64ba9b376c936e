"""The backend itself: requests -> music, made by a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from musiscene.audio.read import read_audio
from musiscene.checkpoints.manifest import sha256_of
from musiscene.errors import GenerationError
from musiscene.generate.mastering import to_loudness
from musiscene.generate.musicgen.sound import alive_to_its_end, cut_to
from musiscene.generate.musicgen.variants import LICENCE, VARIANTS
from musiscene.generate.protocol import GeneratedMusic, Provenance, check_request

if TYPE_CHECKING:
    from threading import Event

    from musiscene.generate.audiocraft.client import AudiocraftWorker, Sound
    from musiscene.generate.protocol import GenerationProgress, MusicRequest

GUIDANCE: Final = 3.0
TOP_K: Final = 250
TINY: Final = "tiny"
"""A few random layers, to see that an environment works."""
STATE_FILES: Final = ("state_dict.bin", "compression_state_dict.bin")
MELODY_RATE: Final = 32_000


class Audiocraft:
    """Makes music with audiocraft in its own environment; see `MusicGenerator`.

    Args:
        worker: Asks it.
        model: A variant of MusicGen, a repository of the hub, a folder with audiocraft's own
            checkpoint, or `tiny`.
        melody: A recording to follow; for melody models.
    """

    name = "audiocraft"

    def __init__(
        self, worker: AudiocraftWorker, *, model: str | None = None, melody: Path | None = None
    ) -> None:
        self._worker = worker
        self._model, self._version = _model_of(model or "small")
        self._melody = melody

    def generate(
        self, request: MusicRequest, *, progress: GenerationProgress, stop: Event
    ) -> GeneratedMusic:
        """Make a piece of music; see `MusicGenerator.generate`."""
        check_request(request)
        progress("starting", 0.0)
        made: list[Sound] = []

        def make(seed: int) -> Any:  # noqa: ANN401 - an array
            made.append(self._make(request, seed, progress, stop))
            return made[-1].waveform, made[-1].sample_rate

        wave, seed = alive_to_its_end(make, seed=request.seed)
        sound = made[-1]
        cut = cut_to(wave, sample_rate=sound.sample_rate, seconds=request.seconds)
        details: dict[str, Any] = {
            "audiocraft": sound.hello.audiocraft,
            "torch": sound.hello.torch,
            "device": sound.hello.device,
            "guidance": GUIDANCE,
            "top_k": TOP_K,
        }
        if seed != request.seed:
            details["died_away"] = f"with seed {request.seed}; made again with seed {seed}"
        if self._melody is not None:
            details["melody"] = self._melody.name
        if request.hits:
            details["hits"] = "not met: MusicGen cannot place them"
        is_tiny = self._model == TINY
        progress("done", 1.0)
        return GeneratedMusic(
            waveform=to_loudness(cut, sample_rate=sound.sample_rate),
            sample_rate=sound.sample_rate,
            provenance=Provenance(
                backend=self.name,
                model=f"{self._version}, audiocraft {sound.hello.audiocraft}",
                weights_licence="none: random weights" if is_tiny else LICENCE,
                commercial_use="yes" if is_tiny else "no",
                prompt=request.prompt,
                seconds=request.seconds,
                seed=request.seed,
                hits=request.hits,
                details=details,
            ),
        )

    def _make(
        self, request: MusicRequest, seed: int, progress: GenerationProgress, stop: Event
    ) -> Sound:
        import tempfile

        wanted: dict[str, Any] = {
            "model": self._model,
            "prompt": request.prompt,
            "seconds": request.seconds,
            "seed": seed,
            "guidance": GUIDANCE,
            "top_k": TOP_K,
            "melody": None,
        }
        if self._melody is None:
            return self._worker.make(wanted, progress=progress, stop=stop)
        heard = read_audio(self._melody, sample_rate=MELODY_RATE)
        with tempfile.TemporaryDirectory(prefix="musiscene-melody-") as folder:
            file = Path(folder) / "melody.f32"
            heard.waveform.tofile(file)
            wanted["melody"] = {"file": str(file), "sample_rate": MELODY_RATE}
            return self._worker.make(wanted, progress=progress, stop=stop)


def _model_of(wanted: str) -> tuple[str, str]:
    """How the worker is told of a model, and how people are.

    Args:
        wanted: As it was asked for.

    Returns:
        Both.

    Raises:
        GenerationError: If a folder has no checkpoint of audiocraft, or there is no such variant.
    """
    folder = Path(wanted)
    if folder.is_dir():
        missing = [name for name in STATE_FILES if not (folder / name).is_file()]
        if missing:
            raise GenerationError(
                f"{folder}: has no {' and no '.join(missing)}, which audiocraft needs; a folder of"
                " safetensors is for --backend musicgen"
            )
        digest = sha256_of(folder / STATE_FILES[0])
        return str(folder.resolve()), f"{folder.resolve().name} (sha256:{digest[:16]})"
    if wanted == TINY:
        return TINY, "tiny"
    variant = wanted.removeprefix("facebook/").removeprefix("musicgen-")
    if variant not in VARIANTS:
        raise GenerationError(
            f"{wanted}: neither a folder nor a MusicGen model; there are {', '.join(VARIANTS)}"
        )
    return f"facebook/musicgen-{variant}", f"musicgen-{variant}"
