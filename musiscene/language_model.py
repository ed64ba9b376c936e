"""Text from a LLaMA-family language model in a local folder: sampled, greedy, or scored.

Every request has one long prefix (instructions and examples) and many short continuations. The
prefix is read once and its keys and values are kept between calls. They are never copied to the
rows of a batch: attention over the prefix is one product for all rows, and only a row's own tokens
have a key-value cache of their own.

Source: Juravsky et al. 2024, Hydragen, arXiv:2402.05099, section 3 (attention split at a shared
prefix); Holtzman et al. 2020, arXiv:1904.09751, section 3.1 (top-p sampling).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec
import torch
from msgspec import Meta
from transformers import AttentionInterface, AutoModelForCausalLM, AutoTokenizer, DynamicCache

from musiscene.errors import ModelIntegrityError, ModelUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from transformers.cache_utils import DynamicLayer

ATTENTION_NAME = "musiscene_shared_prefix"
ROWS_PER_BATCH = 32
PREFIXES_KEPT = 4
SAMPLED_TOKENS = 256
"""Sampling looks at this many of the most likely tokens: sorting all of them costs more than the
layer that makes them, and what lies beyond is not worth saying."""

PrefixStates = list[tuple["Tensor", "Tensor"]]
"""Keys and values of every layer, each (kv_heads, prefix_tokens, head_width)."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How continuations are drawn."""

    max_new_tokens: Annotated[int, Meta(ge=1)] = 40
    """A row that has not stopped by then is cut and marked unfinished."""
    temperature: Annotated[float, Meta(ge=0.0)] = 0.8
    """Divides the logits; 0 always takes the likeliest token."""
    top_p: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.95
    """Only the likeliest tokens that together hold this probability are drawn."""
    seed: int = 0
    """Together with a row's text and its number it decides every draw of that row."""
    stop: tuple[str, ...] = ("\n",)
    """A row ends at the first of these; it is not part of the text."""
    samples_per_prompt: Annotated[int, Meta(ge=1)] = 1
    """Completions of each continuation."""


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What the model wrote after one continuation."""

    text: str
    """Without the stop that ended it."""
    log_likelihood: float
    """Natural log of the model's own probability of the tokens drawn, at temperature 1."""
    token_count: int
    """Tokens drawn, the ending included."""
    is_finished: bool
    """True if a stop or the model's end token came before `max_new_tokens`."""


class LanguageModel:
    """A causal language model and its tokenizer.

    Rows do not depend on what else is in a batch or in which order, up to the rounding of float
    arithmetic: each has its own generator, padding is masked, and positions are counted per row.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        AttentionInterface.register(ATTENTION_NAME, _attend)
        model.set_attn_implementation(ATTENTION_NAME)
        model.train(mode=False)
        self._model = model
        self._tokenizer = tokenizer
        ends = model.generation_config.eos_token_id if model.generation_config else None
        ends = tokenizer.eos_token_id if ends is None else ends
        self._end_ids = frozenset(ends if isinstance(ends, list) else [ends])
        self._prefixes: OrderedDict[str, PrefixStates] = OrderedDict()

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
        except (OSError, ValueError, KeyError) as error:
            reason = f"{folder} is not a causal language model that transformers can read: {error}"
            raise ModelIntegrityError(folder.name, reason) from error
        return cls(cast("Any", model).to(device), tokenizer)

    def complete(
        self, prefix: str, continuations: Sequence[str], sampling: Sampling
    ) -> list[list[Completion]]:
        """What the model writes after prefix and continuation.

        Args:
            prefix: The same for all rows; best ended at a line break, since tokens are not joined
                across its end.
            continuations: The rows; equal rows get equal completions.
            sampling: How tokens are drawn and when a row ends.

        Returns:
            For each continuation in order, its `samples_per_prompt` completions.
        """
        prompts = [self._encode(text) for text in continuations]
        completions: list[list[Completion]] = [[] for _ in prompts]
        per_batch = max(1, ROWS_PER_BATCH // sampling.samples_per_prompt)
        by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        with torch.inference_mode():
            states = self._read_prefix(prefix)
            for places in _batched(by_length, per_batch):
                rows = [
                    _Row(place, sample, _uniforms(continuations[place], sample, sampling))
                    for place in places
                    for sample in range(sampling.samples_per_prompt)
                ]
                self._decode(states, [prompts[place] for place in places], rows, sampling)
                for row in rows:
                    completions[row.place].append(self._completion(row, sampling))
        return completions

    def log_likelihoods(
        self, prefix: str, continuations: Sequence[str], targets: Sequence[str]
    ) -> list[float]:
        """Natural log of the probability of each target after prefix and its continuation.

        Args:
            prefix: The same for all rows.
            continuations: What stands between prefix and target, one a row, at least one token.
            targets: The text that is scored, one a row, at least one token each.

        Returns:
            The sum over the target's tokens, one number a row.
        """
        pairs = list(zip(continuations, targets, strict=True))
        encoded = [(self._encode(context), self._encode(target)) for context, target in pairs]
        by_length = sorted(range(len(pairs)), key=lambda place: sum(map(len, encoded[place])))
        totals = [0.0] * len(pairs)
        with torch.inference_mode():
            states = self._read_prefix(prefix)
            for places in _batched(by_length, ROWS_PER_BATCH):
                batch = [encoded[place] for place in places]
                longest = max(len(target) for _, target in batch)
                logits, _, _ = self._read(states, [a + b for a, b in batch], keep=longest + 1)
                log_probabilities = logits[:, :-1].float().log_softmax(-1)  # (rows, longest, vocab)
                for row, (place, (_, target)) in enumerate(zip(places, batch, strict=True)):
                    own = log_probabilities[row, -len(target) :]  # (target, vocab)
                    chosen = torch.tensor(target, device=own.device)[:, None]
                    totals[place] = float(own.gather(1, chosen).sum())
        return totals

    def _encode(self, text: str) -> list[int]:
        return cast("list[int]", self._tokenizer.encode(text, add_special_tokens=False))

    def _read_prefix(self, prefix: str) -> PrefixStates:
        """Keys and values of the prefix, from the store of the last few where possible."""
        if prefix not in self._prefixes:
            token_ids = cast("list[int]", self._tokenizer.encode(prefix))
            states: PrefixStates = []
            if token_ids:
                _, cache, _ = self._read([], [token_ids], keep=1)
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
        self, states: PrefixStates, token_ids: list[list[int]], *, keep: int
    ) -> tuple[Tensor, DynamicCache, Tensor]:
        """Run rows of unequal length, padded on the left.

        Args:
            states: Of the prefix before them; may be empty.
            token_ids: At least one token a row.
            keep: Logits of this many last positions are computed.

        Returns:
            Logits (rows, keep, vocab); the rows' own cache; which of its columns hold a token of
            the row, bool, (rows, longest).
        """
        device = self._model.device
        longest = max(len(row) for row in token_ids)
        padded = torch.zeros(len(token_ids), longest, dtype=torch.long)
        visible = torch.zeros(len(token_ids), longest, dtype=torch.bool)
        for row, own in enumerate(token_ids):
            padded[row, longest - len(own) :] = torch.tensor(own)
            visible[row, longest - len(own) :] = True
        visible = visible.to(device)
        cache = DynamicCache()
        logits = self._step(states, cache, padded.to(device), visible, keep=keep)
        return logits, cache, visible

    def _step(
        self,
        states: PrefixStates,
        cache: DynamicCache,
        token_ids: Tensor,
        visible: Tensor,
        *,
        keep: int,
    ) -> Tensor:
        """Logits (rows, keep, vocab) of `token_ids` (rows, new); they are added to the cache."""
        new, known = token_ids.shape[1], visible.shape[1]
        prefix_tokens = states[0][0].shape[1] if states else 0
        positions = (visible.long().cumsum(1) - 1).clamp(min=0)[:, -new:] + prefix_tokens
        causal = torch.ones(new, known, dtype=torch.bool, device=visible.device)
        causal = causal.tril(diagonal=known - new)
        output: Any = self._model(
            input_ids=token_ids,
            attention_mask=(causal & visible[:, None, :])[:, None],  # (rows, 1, new, known)
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
            prefix_states=states,
        )
        return cast("Tensor", output.logits)

    def _decode(
        self,
        states: PrefixStates,
        prompts: list[list[int]],
        rows: list[_Row],
        sampling: Sampling,
    ) -> None:
        """Draw tokens into `rows`; a row that has ended leaves the batch."""
        logits, cache, visible = self._read(states, prompts, keep=1)
        cache.batch_repeat_interleave(sampling.samples_per_prompt)
        visible = visible.repeat_interleave(sampling.samples_per_prompt, dim=0)
        logits = logits[:, -1].repeat_interleave(sampling.samples_per_prompt, dim=0)
        running = rows
        for step in range(sampling.max_new_tokens):
            uniforms = torch.stack([row.uniforms[step] for row in running]).to(logits.device)
            drawn = draw_tokens(logits, uniforms, sampling.temperature, sampling.top_p)
            gains = logits.float().log_softmax(-1).gather(1, drawn[:, None])[:, 0]
            for row, token_id, gain in zip(running, drawn.tolist(), gains.tolist(), strict=True):
                row.token_ids.append(token_id)
                row.log_likelihood += gain
                row.is_finished = token_id in self._end_ids or any(
                    stop in self._tokenizer.decode(row.token_ids) for stop in sampling.stop
                )
            going = [place for place, row in enumerate(running) if not row.is_finished]
            if not going or step + 1 == sampling.max_new_tokens:
                return
            if len(going) < len(running):
                kept = torch.tensor(going, device=logits.device)
                cache.batch_select_indices(kept)
                drawn, visible = drawn[kept], visible[kept]
                running = [running[place] for place in going]
            visible = torch.cat([visible, visible.new_ones(len(running), 1)], dim=1)
            logits = self._step(states, cache, drawn[:, None], visible, keep=1)[:, -1]

    def _completion(self, row: _Row, sampling: Sampling) -> Completion:
        text = cast("str", self._tokenizer.decode(row.token_ids, skip_special_tokens=True))
        ends = [text.find(stop) for stop in sampling.stop if stop in text]
        return Completion(
            text=text[: min(ends)] if ends else text,
            log_likelihood=row.log_likelihood,
            token_count=len(row.token_ids),
            is_finished=row.is_finished,
        )


class _Row:
    """One completion while it is drawn."""

    def __init__(self, place: int, sample: int, uniforms: Tensor) -> None:
        self.place = place
        self.sample = sample
        self.uniforms = uniforms
        self.token_ids: list[int] = []
        self.log_likelihood = 0.0
        self.is_finished = False


def draw_tokens(logits: Tensor, uniforms: Tensor, temperature: float, top_p: float) -> Tensor:
    """One token a row, by inverting the cumulative distribution at a given number.

    Args:
        logits: Float, (rows, vocab).
        uniforms: In [0, 1), (rows,); the only source of chance.
        temperature: 0 takes the likeliest token whatever the numbers are.
        top_p: Tokens are drawn from the smallest set of likeliest tokens that holds this share.

    Returns:
        Token ids, int64, (rows,).

    Example:
        >>> logits = torch.tensor([[0.0, 3.0, 2.0]])
        >>> draw_tokens(logits, torch.tensor([0.99]), 1.0, 0.95).item()
        2
        >>> draw_tokens(logits, torch.tensor([0.99]), 0.0, 0.95).item()
        1
    """
    if temperature == 0.0:
        return logits.argmax(-1)
    scaled = logits.float() / temperature
    best, token_ids = scaled.topk(min(SAMPLED_TOKENS, scaled.shape[-1]), dim=-1)
    probabilities = (best - scaled.logsumexp(-1, keepdim=True)).exp()  # (rows, candidates)
    before = probabilities.cumsum(-1) - probabilities
    cumulative = (probabilities * (before < top_p)).cumsum(-1)
    target = uniforms[:, None] * cumulative[:, -1:]
    place = (cumulative <= target).sum(-1, keepdim=True).clamp(max=best.shape[-1] - 1)
    return token_ids.gather(1, place)[:, 0]


def _uniforms(text: str, sample: int, sampling: Sampling) -> Tensor:
    """The random numbers of one row, (max_new_tokens,): a function of seed, text and number."""
    key = f"{sampling.seed}\n{sample}\n{text}".encode()
    seed = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big", signed=True)
    return torch.rand(sampling.max_new_tokens, generator=torch.Generator().manual_seed(seed))


def _batched(places: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(places), size):
        yield places[start : start + size]


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    *,
    scaling: float,
    prefix_states: PrefixStates,
    **_: object,
) -> tuple[Tensor, None]:
    """Attention over a prefix that all rows share and over each row's own tokens.

    Args:
        module: The attention block; its `layer_idx` picks the layer.
        query: (rows, heads, new, head_width).
        key: Own tokens, (rows, kv_heads, known, head_width).
        value: As `key`.
        attention_mask: Which own tokens each new one sees, bool, (rows, 1, new, known).
        scaling: Of the scores.
        prefix_states: Empty, or keys and values of every layer.

    Returns:
        (rows, new, heads, head_width), and None in place of the weights.
    """
    rows, heads, new, width = query.shape
    kv_heads, known = key.shape[1], key.shape[2]
    groups = heads // kv_heads
    grouped = query.reshape(rows, kv_heads, groups * new, width) * scaling
    own = (grouped @ key.transpose(2, 3)).view(rows, kv_heads, groups, new, known).float()
    own = own.masked_fill(~attention_mask[:, :, None], torch.finfo(own.dtype).min)
    own = own.view(rows, kv_heads, groups * new, known)
    if not prefix_states:
        out = own.softmax(-1).to(value.dtype) @ value
    else:
        prefix_key, prefix_value = prefix_states[cast("int", module.layer_idx)]
        folded = grouped.transpose(0, 1).reshape(kv_heads, rows * groups * new, width)
        shared = (folded @ prefix_key.transpose(1, 2)).float()
        shared = shared.view(kv_heads, rows, groups * new, -1).transpose(0, 1)
        weights = torch.cat([shared, own], dim=-1).softmax(-1).to(value.dtype)
        over_prefix, over_own = torch.split(weights, [shared.shape[-1], known], dim=-1)
        folded = over_prefix.transpose(0, 1).reshape(kv_heads, rows * groups * new, -1)
        out = (folded @ prefix_value).view(kv_heads, rows, groups * new, width).transpose(0, 1)
        out = out + over_own @ value
    return out.reshape(rows, heads, new, width).transpose(1, 2).contiguous(), None
