"""Where somebody speaks: Silero VAD, run on sound that arrives in pieces.

The network is the 16 kHz "sequence" file of the package `silero-vad` (MIT), which takes many frames
in one call and gives its state back. The package itself imports torch, so only its file is used.

Source: Silero Team 2024, github.com/snakers4/silero-vad; the two thresholds are its own.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from musiscene.errors import VideoToolsMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SPEECH_RATE: Final = 16_000
"""Hz."""
FRAME_SAMPLES: Final = 512
SPEECH_BEGINS: Final = 0.5
"""Probability at which speech begins."""
SPEECH_ENDS: Final = 0.35
"""Probability below which it ends."""
LEAST_SPEECH_SECONDS: Final = 0.25
LEAST_GAP_SECONDS: Final = 0.3

_CONTEXT_SAMPLES = 64  # of the frame before, which the network sees again
_FRAMES_AT_ONCE = 512
_STATE_SHAPE = (1, 1, 128)


class _Network(Protocol):
    def run(
        self, wanted: list[str], given: dict[str, NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]: ...


class SpeechDetector:
    """Says for each frame of 32 ms how likely somebody speaks in it.

    Raises:
        VideoToolsMissingError: If the network is not installed.
    """

    def __init__(self) -> None:
        self._network = _network()
        self._hidden = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._cell = np.zeros(_STATE_SHAPE, dtype=np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)
        self._pending = np.zeros(0, dtype=np.float32)

    def add(self, samples: NDArray[np.float32], *, last: bool = False) -> NDArray[np.float32]:
        """Hear the next samples.

        Args:
            samples: Mono audio at `SPEECH_RATE`, float32, shape (samples,); any number of them.
            last: Whether the sound ends with them: what is left is then filled up with silence.

        Returns:
            Probabilities of the frames that are complete by now, float32, shape (frames,).
        """
        waiting = np.concatenate([self._pending, samples])
        if last and waiting.size % FRAME_SAMPLES:
            waiting = np.pad(waiting, (0, -waiting.size % FRAME_SAMPLES))
        whole = waiting.size // FRAME_SAMPLES * FRAME_SAMPLES
        self._pending = waiting[whole:]
        frames = waiting[:whole].reshape(-1, FRAME_SAMPLES)
        heard = [
            self._hear(frames[start : start + _FRAMES_AT_ONCE])
            for start in range(0, len(frames), _FRAMES_AT_ONCE)
        ]
        return np.concatenate(heard) if heard else np.zeros(0, dtype=np.float32)

    def _hear(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        contexts = np.vstack([self._context, frames[:-1, -_CONTEXT_SAMPLES:]])
        self._context = frames[-1, -_CONTEXT_SAMPLES:].copy()
        probabilities, self._hidden, self._cell = self._network.run(
            ["speech_probs", "hn", "cn"],
            {"input": np.hstack([contexts, frames]), "h": self._hidden, "c": self._cell},
        )
        heard: NDArray[np.float32] = probabilities.reshape(-1)
        return heard


def speech_stretches(
    blocks: Iterable[NDArray[np.float32]],
    *,
    begins: float = SPEECH_BEGINS,
    ends: float = SPEECH_ENDS,
) -> tuple[tuple[float, float], ...]:
    """Find where somebody speaks.

    Args:
        blocks: Mono audio at `SPEECH_RATE` in consecutive pieces of any length, float32.
        begins: Probability at which speech begins.
        ends: Probability below which it ends.

    Returns:
        Beginning and end of each stretch in seconds, in order: each at least
        `LEAST_SPEECH_SECONDS` long, and at least `LEAST_GAP_SECONDS` after the one before.

    Raises:
        VideoToolsMissingError: If the network is not installed.
    """
    detector = SpeechDetector()
    heard = [detector.add(block) for block in blocks]
    heard.append(detector.add(np.zeros(0, dtype=np.float32), last=True))
    return stretches_of(np.concatenate(heard), begins=begins, ends=ends)


def stretches_of(
    probabilities: NDArray[np.float32],
    *,
    begins: float = SPEECH_BEGINS,
    ends: float = SPEECH_ENDS,
) -> tuple[tuple[float, float], ...]:
    """Join frames to stretches.

    Args:
        probabilities: As `SpeechDetector.add` gives them, float32, shape (frames,).
        begins: Probability at which speech begins.
        ends: Probability below which it ends.

    Returns:
        As `speech_stretches` gives them.

    Example:
        >>> frames = np.zeros(100, dtype=np.float32)
        >>> frames[10:30], frames[35:60], frames[90:92] = 0.9, 0.4, 0.9
        >>> stretches_of(frames)
        ((0.32, 0.96),)
    """
    # From where it is likely, on to where it is unlikely: frames in between keep what was before.
    turns = np.where(probabilities >= begins, 1, np.where(probabilities < ends, 0, -1))
    settled = np.maximum.accumulate(np.where(turns >= 0, np.arange(turns.size), -1))
    speaks = np.where(settled >= 0, turns[np.maximum(settled, 0)], 0)
    edges = np.flatnonzero(np.diff(speaks, prepend=0, append=0))
    spans = edges.reshape(-1, 2) * (FRAME_SAMPLES / SPEECH_RATE)
    joined: list[tuple[float, float]] = []
    for start, end in spans.tolist():
        if joined and start - joined[-1][1] < LEAST_GAP_SECONDS:
            joined[-1] = (joined[-1][0], round(end, 3))
        else:
            joined.append((round(start, 3), round(end, 3)))
    return tuple(span for span in joined if span[1] - span[0] >= LEAST_SPEECH_SECONDS)


@lru_cache(maxsize=1)
def _network() -> _Network:
    spec = find_spec("silero_vad")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    path = Path(folders[0], "data", "silero_vad_16k_sequence.onnx") if folders else None
    if path is None or not path.is_file():
        raise VideoToolsMissingError
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # it warns of numbers that the file holds for nothing
    network: _Network = onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
    return network
