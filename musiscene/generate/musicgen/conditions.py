"""Prompts and a melody -> what the decoder is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch

from musiscene.generate.musicgen.decoding import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from musiscene.generate.musicgen.weights import LoadedMusicGen

CHROMA_WINDOW: Final = 16_384
"""Samples of one spectrum of a melody (as MusicGen was trained)."""
CHROMA_HOP: Final = 4_096
MOST_TOKENS: Final = 512


class TextConditioner:
    """Conditions out of prompts.

    Args:
        loaded: The model.
        prompts: Of the requests; to a melody model all must have as many tokens, since it attends
            to padding as well.
        melody: For a melody model: mono, shape (samples,), at the model's rate; None for none.
        is_guided: Whether the rows without a prompt are wanted too.
    """

    def __init__(
        self,
        loaded: LoadedMusicGen,
        prompts: Sequence[str],
        *,
        melody: Tensor | None = None,
        is_guided: bool = True,
    ) -> None:
        self._model = loaded.model
        self._loaded = loaded
        self._melody = melody
        self._is_guided = is_guided
        self._hidden, self._mask = _text_states(loaded, prompts)

    def __call__(self, rows: Sequence[int], start_frame: int) -> Condition:
        """The conditions of some requests from a frame on; see `Conditioner`."""
        hidden, mask = self._hidden[list(rows)], self._mask[list(rows)]
        if self._is_guided:
            # Zeros give zero through the cross-attention with and without a mask.
            hidden = torch.cat([hidden, torch.zeros_like(hidden)])
            mask = torch.cat([mask, torch.ones_like(mask)])
        if self._loaded.is_melody:
            hidden = torch.cat([self._chroma_states(len(rows), start_frame), hidden], dim=1)
            return Condition(hidden=hidden.to(self._loaded.dtype))
        is_padded = not bool(mask.all())
        return Condition(hidden=hidden.to(self._loaded.dtype), mask=mask if is_padded else None)

    @torch.inference_mode()
    def _chroma_states(self, rows: int, start_frame: int) -> Tensor:
        model = self._model
        settings = model.config
        none = torch.zeros((1, 1, settings.num_chroma), device=self._loaded.device)
        none[..., 0] = 1
        chroma = none
        if self._melody is not None:
            rate, frame_rate = self._loaded.sample_rate, self._loaded.frame_rate
            start = round(start_frame / frame_rate * rate) % len(self._melody)
            # As long as the model can hear, from where the window begins, and then over again.
            chroma = chroma_of(
                torch.roll(self._melody, -start)[: (settings.chroma_length + 1) * CHROMA_HOP],
                sample_rate=rate,
                bins=settings.num_chroma,
            )[None].to(self._loaded.device)
        both = [chroma.expand(rows, -1, -1)]
        if self._is_guided:
            both.append(none.expand(rows, chroma.shape[1], -1))
        states = torch.cat(both)
        if settings.num_chroma != settings.decoder.hidden_size:
            states = model.audio_enc_to_dec_proj(states)
        repeats = -(-settings.chroma_length // states.shape[1])
        return states.repeat(1, repeats, 1)[:, : settings.chroma_length]


def token_counts(loaded: LoadedMusicGen, prompts: Sequence[str]) -> list[int]:
    """How many tokens prompts have."""
    return [len(one) for one in _tokens(loaded, prompts, padding=False)["input_ids"]]


def chroma_of(melody: Tensor, *, sample_rate: int, bins: int) -> Tensor:
    """The loudest pitch class of every step of a melody.

    The same as transformers' `MusicgenMelodyFeatureExtractor`, which cannot be used here: it needs
    torchaudio. Voices and drums are not taken apart first, as the model's authors did.

    Args:
        melody: Mono, shape (samples,).
        sample_rate: In Hz.
        bins: Pitch classes.

    Returns:
        One 1 per row, float32, shape (steps, bins).

    Source: Copet et al. 2023, arXiv:2306.05284, section 2.3.
    """
    from transformers.audio_utils import chroma_filter_bank

    short = max(0, CHROMA_WINDOW - len(melody))
    padded = torch.nn.functional.pad(melody.float(), (short // 2, short - short // 2))
    window = torch.hann_window(CHROMA_WINDOW)
    spectrum = torch.stft(
        padded, CHROMA_WINDOW, CHROMA_HOP, window=window, center=True, return_complex=True
    )
    filters = chroma_filter_bank(
        sampling_rate=sample_rate, num_frequency_bins=CHROMA_WINDOW, tuning=0, num_chroma=bins
    )
    chroma = torch.from_numpy(filters).float() @ spectrum.abs().square()  # (bins, steps)
    return torch.nn.functional.one_hot(chroma.argmax(0), bins).float()


def _tokens(loaded: LoadedMusicGen, prompts: Sequence[str], **options: Any) -> Any:  # noqa: ANN401
    return loaded.tokenizer(list(prompts), truncation=True, max_length=MOST_TOKENS, **options)


@torch.inference_mode()
def _text_states(loaded: LoadedMusicGen, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Hidden states of prompts as the decoder takes them, zero where padded, and their mask."""
    model = loaded.model
    tokens = _tokens(loaded, prompts, padding=True, return_tensors="pt").to(loaded.device)
    hidden = model.text_encoder(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
    ).last_hidden_state
    if model.text_encoder.config.hidden_size != model.decoder.config.hidden_size:
        hidden = model.enc_to_dec_proj(hidden)
    return hidden * tokens["attention_mask"][..., None], tokens["attention_mask"]
