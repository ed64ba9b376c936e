"""A checkpoint that has one track folded in: a plain LLaMA on disk that any runtime can serve.

What the adapter adds for a fixed track is a constant in each layer, so it can be stored as a bias.
The result knows nothing of audio files, adapters or this package, and speaks about that track only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import torch
from transformers.utils.logging import disable_progress_bar

from musiscene.audio.read import read_audio
from musiscene.checkpoints.making import making
from musiscene.checkpoints.manifest import flush
from musiscene.checkpoints.native import ENCODER_FOLDER, read_settings
from musiscene.encoders.mert import MertEncoder
from musiscene.errors import ModelIntegrityError
from musiscene.music_language_model import MusicLanguageModel

if TYPE_CHECKING:
    from pathlib import Path

    from musiscene.checkpoints.progress import PullProgress

TRACK_NOTE = "track.json"
BYTES_PER_WEIGHT = 4


def write_track_model(folder: Path, track: Path, out: Path, *, progress: PullProgress) -> None:
    """Fold one track into a checkpoint and write the plain LLaMA that results.

    The whole track is heard. All weights are in memory once, in float32.

    Args:
        folder: A checkpoint whose encoder is MERT.
        track: An audio file.
        out: Folder to make: a LLaMA and its tokenizer as transformers writes them, and a note of
            the track and of the licences.
        progress: Told about each step.

    Raises:
        AudioError: If the track cannot be heard.
        ModelUnavailableError: If there is no such checkpoint.
        ModelIntegrityError: If it is damaged, or its encoder is not MERT.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]  # ours is shown
    settings = read_settings(folder)
    if settings.encoder != "mert":
        raise ModelIntegrityError(str(folder), f"its encoder is {settings.encoder}, not mert")
    progress("hear the track", 0, None)
    encoder = MertEncoder.load(folder / ENCODER_FOLDER)
    recording = read_audio(track, sample_rate=encoder.sample_rate, resampler="hann")
    features = encoder.encode(recording.waveform)
    progress("fold it in", 0, None)
    model = MusicLanguageModel.load(folder)
    with torch.inference_mode():
        plain = model.fold_track(model.hear(torch.from_numpy(features.track)[None]))
    needed_bytes = BYTES_PER_WEIGHT * sum(weights.numel() for weights in plain.parameters())
    with making(out, needed_bytes=needed_bytes, progress=progress) as part:
        progress("write the language model", 0, None)
        plain.save_pretrained(part)
        model.language_model.tokenizer.save_pretrained(part)
        note = {
            "track": track.name,
            "audio_hash": recording.audio_hash,
            "parts": settings.parts,
        }
        (part / TRACK_NOTE).write_bytes(msgspec.json.format(msgspec.json.encode(note)))
        for path in part.iterdir():
            path.chmod(0o644)  # safetensors writes 0600, and a model may be shared
            flush(path)
