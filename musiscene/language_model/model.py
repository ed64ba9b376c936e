"""Text from a LLaMA-family language model in a local folder: sampled or greedy, whole or streamed.

Requests share what they can. Without music they have one long prefix (instructions and examples)
whose keys and values are kept between calls and never copied to the rows of a batch. With music
every position depends on what is heard, so a prompt's beginning is read once for each different
track and its keys and values are then handed to the rows that ask about that track. Prompts without
either are written by a `PackedLlama` where the model is one.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from musiscene.errors import ModelIntegrityError, ModelUnavailableError
from musiscene.language_model.attention import AudioStates, PrefixStates, use_attention
from musiscene.language_model.endings import Endings
from musiscene.language_model.packed import LONGEST_TOKENS, PackedLlama, can_pack
from musiscene.language_model.rows import Read, Row, batched, shared_length, unambiguous
from musiscene.language_model.sampling import Completion, Sampling, draw_tokens, draw_uniforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.cache_utils import DynamicLayer

ROWS_PER_BATCH = 32
PACKED_ROWS = 128
"""At once, where nothing is heard: from fewer on, the weights are read too often; more take memory.
"""
CROWDED = 0.8
"""Rows that have ended leave a batch when so small a share is still running: moving costs too."""
PREFIXES_KEPT = 4


class LanguageModel:
    """A causal language model and its tokenizer.

    Rows do not depend on what else is in a batch or in which order, up to the rounding of float
    arithmetic: each has its own generator, padding is masked, and positions are counted per row.

    Args:
        model: Any LLaMA-family model of transformers; its attention is replaced.
        tokenizer: Its tokenizer.

    Attributes:
        model: As given.
        tokenizer: As given.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        use_attention(model)
        model.train(mode=False)
        self.model = model
        self.tokenizer = tokenizer
        ends = model.generation_config.eos_token_id if model.generation_config else None
        ends = tokenizer.eos_token_id if ends is None else ends
        self._end_ids = frozenset(ends if isinstance(ends, list) else [ends])
        self._endings = Endings(tokenizer, cast("Any", model.config).vocab_size)
        self._prefixes: OrderedDict[str, PrefixStates] = OrderedDict()
        self._packed: PackedLlama | None = None

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> LanguageModel:
        """The model in a folder that transformers wrote (config, safetensors, tokenizer).

        Args:
            folder: Local; nothing is fetched and no code from it is run.
            device: As torch spells it.
            dtype: Of the weights and of the arithmetic.

        Returns:
            The model, ready to complete.

        Raises:
            ModelUnavailableError: If the folder does not exist.
            ModelIntegrityError: If its files cannot be read as a causal language model.
        """
        if not folder.is_dir():
            raise ModelUnavailableError(folder.name, f"no such folder: {folder}")
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model = AutoModelForCausalLM.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, dtype=dtype
            )
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            reason = f"{folder} is not a causal language model that transformers can read: {error}"
            raise ModelIntegrityError(folder.name, reason) from error
        return cls(cast("Any", model).to(device), tokenizer)

    def complete(
        self,
        prefix: str,
        continuations: Sequence[str],
        sampling: Sampling,
        *,
        audio: AudioStates | None = None,
        audio_rows: Sequence[int] | None = None,
    ) -> list[list[Completion]]:
        """What the model writes after prefix and continuation.

        Args:
            prefix: The same for all rows; best ended at a line break, since without audio tokens
                are not joined across its end.
            continuations: The rows; equal rows that hear the same get equal completions.
            sampling: How tokens are drawn and when a row ends.
            audio: What is heard; None for text alone.
            audio_rows: Which row of `audio` each continuation hears; by default its own.

        Returns:
            For each continuation in order, its `samples_per_prompt` completions.

        Raises:
            ValueError: If `audio_rows` does not name a row of `audio` for each continuation, or a
                prompt has no token.
        """
        prompts = [self.encode(text, is_start=False) for text in continuations]
        is_prefix_shared = audio is None and all(prompts)
        if not is_prefix_shared:
            prompts = [self.encode(prefix + text) for text in continuations]
            if not all(prompts):
                raise ValueError("there is nothing to go on from: no token in a prompt")
        if audio is not None:
            audio_rows = range(len(prompts)) if audio_rows is None else audio_rows
            if len(audio_rows) != len(prompts) or not all(
                0 <= row < audio.row_count for row in audio_rows
            ):
                raise ValueError(
                    f"{len(prompts)} continuations hear rows {list(audio_rows)} of"
                    f" {audio.row_count}"
                )
        states = self._read_prefix(prefix) if is_prefix_shared else []
        longest = max(map(len, prompts), default=0) + sampling.max_new_tokens
        packed = (
            self._pack() if audio is None and not states and longest <= LONGEST_TOKENS else None
        )
        samples = sampling.samples_per_prompt
        row_count = ROWS_PER_BATCH if packed is None else PACKED_ROWS
        completions: list[list[Completion]] = [[] for _ in prompts]
        by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        for places in batched(by_length, max(1, row_count // samples)):
            rows = [
                Row(place, draw_uniforms(continuations[place], sample, sampling))
                for place in places
                for sample in range(samples)
            ]
            batch = [prompts[place] for place in places]
            if packed is not None:
                self._write_packed(packed, batch, rows, sampling)
            else:
                heard = None
                if audio is not None and audio_rows is not None:
                    same = [audio_rows[place] for place in places]
                    heard = audio.rows(same)
                    start = self._read_heard(batch, audio, same)
                else:
                    start = self._read(states, batch)
                for _ in self._decode(states, start, rows, sampling, heard):
                    pass
            for row in rows:
                completions[row.place].append(self._completion(row, sampling))
        return completions

    def stream(
        self, prompt: str, sampling: Sampling, *, audio: AudioStates | None = None
    ) -> Iterator[str]:
        """What the model writes after a prompt, piece by piece as it is drawn.

        Args:
            prompt: From its very beginning.
            sampling: As `complete` takes it; one sample is drawn.
            audio: What is heard, one row; None for text alone.

        Yields:
            Pieces of text, never an incomplete character; together what `complete` gives.

        Raises:
            ValueError: If the prompt has no token.
        """
        row = Row(0, draw_uniforms(prompt, 0, sampling))
        token_ids = [self.encode(prompt)]
        if not token_ids[0]:
            raise ValueError("there is nothing to go on from: no token in the prompt")
        start = (
            self._read([], token_ids) if audio is None else self._read_heard(token_ids, audio, [0])
        )
        sent = 0
        for _ in self._decode([], start, [row], sampling, audio):
            ready = unambiguous(self._endings.settled(row.token_ids), sampling.stop)
            if not row.is_finished and len(ready) > sent:
                yield ready[sent:]
                sent = len(ready)
        rest = self._completion(row, sampling).text[sent:]
        if rest:
            yield rest

    def encode(self, text: str, *, is_start: bool = True) -> list[int]:
        """Token ids of a text.

        Args:
            text: Any.
            is_start: Whether the tokens that begin a text are put before it.

        Returns:
            The ids.
        """
        return cast("list[int]", self.tokenizer.encode(text, add_special_tokens=is_start))

    def _read_prefix(self, prefix: str) -> PrefixStates:
        """Keys and values of the prefix, from the store of the last few where possible."""
        if prefix not in self._prefixes:
            token_ids = self.encode(prefix)
            states: PrefixStates = []
            if token_ids:
                cache = self._read([], [token_ids]).cache
                layers = cast("list[DynamicLayer]", cache.layers)
                states = [
                    (cast("Tensor", layer.keys)[0], cast("Tensor", layer.values)[0])
                    for layer in layers
                ]
            self._prefixes[prefix] = states
        self._prefixes.move_to_end(prefix)
        while len(self._prefixes) > PREFIXES_KEPT:
            self._prefixes.popitem(last=False)
        return self._prefixes[prefix]

    def _read(
        self,
        states: PrefixStates,
        token_ids: Sequence[Sequence[int]],
        *,
        after: Read | None = None,
        audio: AudioStates | None = None,
    ) -> Read:
        """Run rows of unequal length, padded on the left.

        Args:
            states: Of the prefix before them; may be empty.
            token_ids: At least one token a row.
            after: What the same rows have read already.
            audio: What the rows hear.

        Returns:
            The model's state after the last token of each row.
        """
        device = self.model.device
        longest = max(len(row) for row in token_ids)
        padded = torch.zeros(len(token_ids), longest, dtype=torch.long)
        visible = torch.zeros(len(token_ids), longest, dtype=torch.bool)
        for row, own in enumerate(token_ids):
            padded[row, longest - len(own) :] = torch.tensor(own)
            visible[row, longest - len(own) :] = True
        visible = visible.to(device)
        cache = DynamicCache() if after is None else after.cache
        if after is not None:
            visible = torch.cat([after.visible, visible], dim=1)
        logits = self._step(states, cache, padded.to(device), visible, audio)
        return Read(logits, cache, visible)

    def _read_heard(
        self, prompts: Sequence[list[int]], audio: AudioStates, audio_rows: Sequence[int]
    ) -> Read:
        """Run prompts that hear music; a beginning that all share is read once for each track."""
        tracks = list(dict.fromkeys(audio_rows))
        shared = shared_length(prompts)
        if len(tracks) == len(prompts) or shared == 0:
            return self._read([], prompts, audio=audio.rows(audio_rows))
        beginning = [prompts[0][:shared]] * len(tracks)
        after = self._read([], beginning, audio=audio.rows(tracks))
        handed = torch.tensor([tracks.index(row) for row in audio_rows], device=self.model.device)
        after.cache.batch_select_indices(handed)
        after = Read(after.logits[handed], after.cache, after.visible[handed])
        rest = [prompt[shared:] for prompt in prompts]
        return self._read([], rest, after=after, audio=audio.rows(audio_rows))

    @torch.inference_mode()
    def _step(
        self,
        states: PrefixStates,
        cache: DynamicCache,
        token_ids: Tensor,
        visible: Tensor,
        audio: AudioStates | None,
    ) -> Tensor:
        """Logits after the last of `token_ids` (rows, new), which are added to the cache.

        `visible`, bool, (rows, known), says which columns of the cache hold a token of the row.
        """
        new, known = token_ids.shape[1], visible.shape[1]
        prefix_tokens = states[0][0].shape[1] if states else 0
        positions = (visible.long().cumsum(1) - 1).clamp(min=0)[:, -new:] + prefix_tokens
        place = torch.arange(known, device=visible.device)
        own = place[known - new :, None]
        # Padding sees itself, lest a softmax over nothing make its keys and values not a number.
        mask = ((place <= own) & visible[:, None, :]) | (place == own)
        output: Any = self.model(
            input_ids=token_ids,
            attention_mask=mask[:, None],  # (rows, 1, new, known)
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            prefix_states=states,
            audio_states=audio,
        )
        return cast("Tensor", output.logits)[:, -1]

    def _pack(self) -> PackedLlama | None:
        """The model's layers joined, if they can be and as long as the weights are the same."""
        if not can_pack(self.model):
            return None
        if self._packed is None or not self._packed.is_of(self.model):
            self._packed = PackedLlama(self.model)
        return self._packed

    def _write_packed(
        self,
        packed: PackedLlama,
        prompts: Sequence[list[int]],
        rows: list[Row],
        sampling: Sampling,
    ) -> None:
        """Draw tokens into `rows` until all have ended."""
        written = packed.read(prompts, samples=len(rows) // len(prompts))
        for step in range(sampling.max_new_tokens):
            drawn = self._draw(written.logits, rows, step, sampling)
            going = [place for place, row in enumerate(rows) if not row.is_finished]
            if not going or step + 1 == sampling.max_new_tokens:
                return
            if len(going) <= CROWDED * len(rows):
                kept = torch.tensor(going)
                written, drawn = packed.keep(written, kept), drawn[kept]
                rows = [rows[place] for place in going]
            packed.step(written, drawn)

    def _decode(
        self,
        states: PrefixStates,
        start: Read,
        rows: list[Row],
        sampling: Sampling,
        audio: AudioStates | None,
    ) -> Iterator[None]:
        """Draw tokens into `rows`, one each at a time; a row that has ended leaves the batch."""
        samples = sampling.samples_per_prompt if len(rows) > 1 else 1
        cache, logits, visible = start.cache, start.logits, start.visible
        if samples > 1:
            cache.batch_repeat_interleave(samples)
            logits = logits.repeat_interleave(samples, dim=0)
            visible = visible.repeat_interleave(samples, dim=0)
        places = torch.arange(len(rows), device=logits.device) // samples
        running = rows
        for step in range(sampling.max_new_tokens):
            drawn = self._draw(logits, running, step, sampling)
            yield
            going = [place for place, row in enumerate(running) if not row.is_finished]
            if not going or step + 1 == sampling.max_new_tokens:
                return
            if len(going) < len(running):
                kept = torch.tensor(going, device=logits.device)
                cache.batch_select_indices(kept)
                drawn, visible, places = drawn[kept], visible[kept], places[kept]
                running = [running[place] for place in going]
            visible = torch.cat([visible, visible.new_ones(len(running), 1)], dim=1)
            heard = audio.rows(places) if audio is not None and audio.row_count > 1 else audio
            logits = self._step(states, cache, drawn[:, None], visible, heard)

    @torch.inference_mode()
    def _draw(self, logits: Tensor, rows: list[Row], step: int, sampling: Sampling) -> Tensor:
        """The next token of each row, noted in the row."""
        uniforms = torch.tensor([row.uniforms[step] for row in rows], device=logits.device)
        drawn, gains = draw_tokens(logits, uniforms, sampling.temperature, sampling.top_p)
        for row, token_id, gain in zip(rows, drawn.tolist(), gains.tolist(), strict=True):
            if row.is_finished:
                continue
            row.token_ids.append(token_id)
            row.log_likelihood += gain
            row.is_finished = token_id in self._end_ids or self._endings.has_stop(
                row.token_ids, sampling.stop
            )
        return drawn

    def _completion(self, row: Row, sampling: Sampling) -> Completion:
        text = cast("str", self.tokenizer.decode(row.token_ids, skip_special_tokens=True))
        ends = [text.find(stop) for stop in sampling.stop if stop in text]
        return Completion(
            text=text[: min(ends)] if ends else text,
            token_ids=tuple(row.token_ids),
            log_likelihood=row.log_likelihood,
            is_finished=row.is_finished,
        )
