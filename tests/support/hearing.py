"""A language model with an ear, of the real classes, small enough to build in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from musiscene.language_model import LanguageModel, Sampling
from musiscene.music_language_model import MusicLanguageModel

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.language_model import AudioStates

BEGINNING = "Below is a question about a piece of music. "
QUESTIONS = ["How fast is it?", "Who?", "Which instruments can be heard?", "What mood, then?"]
GREEDY = Sampling(max_new_tokens=12, temperature=0.0, stop=())

Ids = list[list[tuple[int, ...]]]

ENCODER_LAYERS = 3
ENCODER_WIDTH = 6


def tiny_hearing_model(folder: Path, *, has_open_gates: bool = True) -> MusicLanguageModel:
    """A model from `write_tiny_language_model` whose two layers hear, on the same weights always.

    With open gates, what is written depends on what is heard and on the prompt: wider ones would
    drown the prompt.
    """
    torch.manual_seed(1)
    model = MusicLanguageModel.fresh(
        LanguageModel.load(folder),
        encoder_layers=ENCODER_LAYERS,
        encoder_width=ENCODER_WIDTH,
        layers=2,
    )
    if has_open_gates:
        torch.nn.init.uniform_(model.adapter.gates, 0.05, 0.2)
    return model.eval()


def made_features(rows: int, *, seed: int = 0) -> torch.Tensor:
    """What an encoder might hear in some tracks, float32, (rows, layers, width)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, ENCODER_LAYERS, ENCODER_WIDTH, generator=generator)


def token_ids(
    model: MusicLanguageModel,
    questions: list[str],
    sampling: Sampling,
    *,
    audio: AudioStates,
    audio_rows: list[int] | None = None,
    prefix: str = BEGINNING,
) -> Ids:
    """What the model answers to each question, as token ids of each of its samples."""
    answers = model.language_model.complete(
        prefix, questions, sampling, audio=audio, audio_rows=audio_rows
    )
    return [[answer.token_ids for answer in samples] for samples in answers]
