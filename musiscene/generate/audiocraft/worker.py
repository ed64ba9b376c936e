"""Runs in the environment of audiocraft, and is never imported: reads requests, makes music.

    python worker.py

Lines of JSON come in, lines of JSON go out; `client.py` has the other end.

    out  {"kind": "hello", "protocol": 1, "audiocraft": "1.3.0", "torch": "2.11.0", "device": "cpu"}
    in   {"kind": "generate", "id": 1, "model": "/models/musicgen-small", "prompt": "folk",
          "seconds": 12.0, "seed": 7, "guidance": 3.0, "top_k": 250, "melody": null,
          "out": "/tmp/x.f32"}
    out  {"kind": "progress", "id": 1, "done": 50, "total": 600}
    out  {"kind": "done", "id": 1, "channels": 1, "sample_rate": 32000, "samples": 384000}
    out  {"kind": "error", "id": 1, "message": "what happened"}
    in   {"kind": "cancel", "id": 1}
    out  {"kind": "cancelled", "id": 1}

Sound goes through the file `out`: float32 in this machine's byte order, a channel after the other.
Needs the standard library, torch and audiocraft, nothing of MusiScene.

Weights are pickles. They are loaded with torch's `weights_only=True` alone, which builds tensors
and plain values and runs no code; audiocraft itself does not ask for that. Its settings lie in the
checkpoint as text.
"""

from __future__ import annotations

import functools
import json
import os
import queue
import sys
import threading
import traceback
from typing import IO, Any

PROTOCOL = 1
PROGRESS_EVERY = 5
"""Frames between two lines of progress."""


class CancelledError(Exception):
    """The music is not wanted any more."""


class Worker:
    """Holds one model at a time.

    Args:
        out: Where lines go.
    """

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._models: dict[str, Any] = {}
        self.requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[int] = set()

    def say(self, **line: Any) -> None:  # noqa: ANN401 - what JSON can hold
        """Write one line."""
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    def read(self, lines: IO[str]) -> None:
        """Take in requests until there are no more, and then end the process: the parent is gone.

        Args:
            lines: Standard input.
        """
        for line in lines:
            request = json.loads(line)
            if request["kind"] == "cancel":
                self.cancelled.add(request["id"])
            else:
                self.requests.put(request)
        os._exit(0)  # a model that is at work cannot be asked to end

    def answer(self, request: dict[str, Any]) -> None:
        """Do one request, whatever comes of it.

        Args:
            request: As above.
        """
        number = request["id"]
        try:
            self.say(kind="done", id=number, **self._generate(request))
        except CancelledError:
            self.say(kind="cancelled", id=number)
        except Exception as error:  # noqa: BLE001 - the client tells the person
            traceback.print_exc()
            self.say(kind="error", id=number, message=f"{type(error).__name__}: {error}")

    def _generate(self, request: dict[str, Any]) -> dict[str, int]:
        import torch

        model = self._model(request["model"])
        number = request["id"]

        total = int(request["seconds"] * model.frame_rate)

        def progress(done: int, _: int) -> None:
            if number in self.cancelled:
                raise CancelledError
            if done % PROGRESS_EVERY == 0:
                self.say(kind="progress", id=number, done=done, total=total)

        torch.manual_seed(request["seed"])
        model.set_custom_progress_callback(progress)
        # One frame more than asked for: audiocraft rounds down.
        model.set_generation_params(
            duration=request["seconds"] + 1 / model.frame_rate,
            top_k=request["top_k"],
            cfg_coef=request["guidance"],
            extend_stride=min(18.0, model.max_duration * 0.6),
        )
        if request["melody"]:
            sound, rate = self._melody(request["melody"])
            made = model.generate_with_chroma([request["prompt"]], sound, rate, progress=True)
        else:
            made = model.generate([request["prompt"]], progress=True)
        wave = made[0].float().cpu().contiguous()
        with open(request["out"], "wb") as file:  # noqa: PTH123
            file.write(wave.numpy().astype("float32").tobytes())
        return {
            "channels": wave.shape[0],
            "samples": wave.shape[1],
            "sample_rate": int(model.sample_rate),
        }

    def _model(self, name: str) -> Any:  # noqa: ANN401 - audiocraft's MusicGen
        if name not in self._models:
            self._models.clear()
            self._models[name] = load_model(name)
        return self._models[name]

    @staticmethod
    def _melody(melody: dict[str, Any]) -> tuple[Any, int]:
        import torch

        with open(melody["file"], "rb") as file:  # noqa: PTH123
            sound = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
        return sound[None], int(melody["sample_rate"])


def load_model(name: str) -> Any:  # noqa: ANN401
    """Load a model.

    Args:
        name: A folder with `state_dict.bin` and `compression_state_dict.bin`, or, for trying things
            out, `tiny`: a few random layers of audiocraft's own classes.

    Returns:
        audiocraft's `MusicGen`.
    """
    if name == "tiny":
        return tiny_model()
    import torch
    from audiocraft.models import MusicGen

    load = torch.load
    torch.load = functools.partial(load, weights_only=True)
    try:
        return MusicGen.get_pretrained(name)
    finally:
        torch.load = load


def tiny_model() -> Any:  # noqa: ANN401
    """A model of audiocraft's own classes with a few random layers.

    `MusicGen.get_pretrained("debug")` would be one, but it downloads a model of spacy.
    """
    import torch
    from audiocraft.models import MusicGen
    from audiocraft.models.builders import get_debug_compression_model
    from audiocraft.models.lm import LMModel
    from audiocraft.modules.codebooks_patterns import DelayedPatternProvider
    from audiocraft.modules.conditioners import (
        ConditionFuser,
        ConditioningProvider,
        LUTConditioner,
    )

    torch.manual_seed(0)
    width = 16
    words = LUTConditioner(n_bins=128, dim=width, output_dim=width, tokenizer="noop")
    places = {"cross": ["description"], "prepend": [], "sum": [], "input_interpolate": []}
    decoder = LMModel(
        DelayedPatternProvider(n_q=4),
        ConditioningProvider({"description": words}),
        ConditionFuser(places),
        n_q=4,
        card=400,
        dim=width,
        num_heads=4,
        custom=True,
        num_layers=2,
        cross_attention=True,
        causal=True,
    )
    return MusicGen("tiny", get_debug_compression_model(), decoder.eval(), max_duration=20)


def main() -> None:
    """Say hello, and do one request after the other."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    import audiocraft
    import torch

    worker = Worker(out)
    worker.say(
        kind="hello",
        protocol=PROTOCOL,
        audiocraft=audiocraft.__version__,
        torch=torch.__version__,
        device="cuda" if torch.cuda.is_available() else "cpu",
    )
    threading.Thread(target=worker.read, args=(sys.stdin,), daemon=True).start()
    while True:
        worker.answer(worker.requests.get())


if __name__ == "__main__":
    main()
