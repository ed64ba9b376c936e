"""Each mistake that a port of MU-LLaMA can make is made on purpose, to see that parity finds it.

The fixture's README tells by how much each of them moved three arrays when it was made in another
port. Where it says nothing moved, the arrays that come before the mistake must still be exact.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import peft
import pytest
import torch
from torch.nn import functional as F

from musiscene import adapter, music_language_model
from musiscene.adapter import AudioAdapter
from musiscene.checkpoints import llama_base, mu_llama, mu_llama_tensors
from musiscene.encoders import mert
from musiscene.encoders.mert import MertEncoder
from musiscene.language_model import AudioStates
from musiscene.music_language_model import MusicLanguageModel
from musiscene.training.examples import pad_examples
from tests.support.mu_llama import FIXTURE, FIXTURE_REASON
from tools.check_mu_llama import (
    differences,
    encode,
    examples,
    import_fixture,
    waveform,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musiscene.checkpoints.llama_base import PlannedBase
    from musiscene.checkpoints.mu_llama_tensors import MappedCheckpoint
    from tools.check_mu_llama import Fixture

    Patch = pytest.MonkeyPatch
    Change = Callable[..., object]
    Slots = tuple[dict[str, tuple[object, ...]], dict[str, int]]

pytestmark = [
    pytest.mark.golden,
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(not FIXTURE.is_dir(), reason=FIXTURE_REASON),
]

ROUNDING = 0.1
"""Of the table, which gives two digits."""
RANDOM_EFFECT = 0.1
"""A random mistake moves an array by more than this."""


class Effect(NamedTuple):
    """How far a mistake moves the arrays."""

    encode_audio_a: float
    forward_audio_a: float
    logits_ft_a: float


def after(patch: Patch, owner: object, name: str, change: Change) -> None:
    """Let `change` have the result of a function, and its arguments."""
    original = getattr(owner, name)

    def changed(*given: object, **named: object) -> object:
        return change(original(*given, **named), *given)

    patch.setattr(owner, name, changed)


# In the encoder.


def last_state_before_norm(patch: Patch) -> None:
    def hidden_states(encoder: MertEncoder, samples: torch.Tensor) -> Sequence[torch.Tensor]:
        output = encoder.model(samples[None], output_hidden_states=True)
        return cast("Sequence[torch.Tensor]", output.hidden_states)

    patch.setattr(MertEncoder, "hidden_states", hidden_states)


def train_mode(patch: Patch) -> None:
    original = MertEncoder.hidden_states

    def hidden_states(encoder: MertEncoder, samples: torch.Tensor) -> Sequence[torch.Tensor]:
        encoder.model.train()
        # A dropped layer gives no hidden state at all, which nobody could fail to notice.
        encoder.model.config.layerdrop = 0.0
        return original(encoder, samples)

    patch.setattr(MertEncoder, "hidden_states", hidden_states)


def waveform_not_normalised(patch: Patch) -> None:
    patch.setattr(mert, "normalise", lambda window: window)


# In the adapter.


def no_mix_bias(patch: Patch) -> None:
    after(patch, AudioAdapter, "mix_layers", lambda mixed, own, _: mixed - own.layer_mix.bias)


def no_unit_length(patch: Patch) -> None:
    patch.setattr(F, "normalize", lambda features, **_: features)


def no_weight_eps(patch: Patch) -> None:
    patch.setattr(adapter, "WEIGHT_EPS", 0.0)


def coarse_bridge_eps(patch: Patch) -> None:
    patch.setattr(adapter, "BRIDGE_NORM_EPS", 1e-5)


def swapped_bridge(patch: Patch) -> None:
    def swap(result: Slots, *_: object) -> Slots:
        slots, sizes = result
        for block in (1, 2, 3):
            names = f"mu_mert_f1_{block}.weight", f"mu_mert_f3_{block}.weight"
            slots |= dict(zip(names, [slots[name] for name in reversed(names)], strict=True))
        return slots, sizes

    after(patch, mu_llama_tensors, "_adapter_slots", swap)


def reversed_queries(patch: Patch) -> None:
    def turn(loaded: AudioAdapter, *_: object) -> AudioAdapter:
        loaded.layer_queries.data = loaded.layer_queries.data.flip(0)
        return loaded

    after(patch, music_language_model, "_adapter_of", turn)


# Where the adapter meets the language model.


def first_layers_hear(patch: Patch) -> None:
    def projections(model: MusicLanguageModel) -> tuple[torch.Tensor, ...]:
        layers = model.backbone.model.layers[: model.adapter.shape.layers]
        return tuple(layer.self_attn.v_proj.base_layer.weight for layer in layers)

    gate_rows = mu_llama_tensors._gate_rows
    patch.setattr(
        mu_llama_tensors,
        "_gate_rows",
        lambda gates, adapted: gate_rows(gates, range(len(adapted))),
    )
    patch.setattr(MusicLanguageModel, "first_hearing_layer", 0)
    patch.setattr(MusicLanguageModel, "value_projections", projections)


def carried_by(patch: Patch, carry: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
    """Let `carry` make a layer's values of the audio token and the layer's query."""

    def listen_to(model: MusicLanguageModel, audio: torch.Tensor) -> AudioStates:
        own = model.adapter
        layers = model.backbone.model.layers[model.first_hearing_layer :]
        values = [
            carry(layer, audio + query).view(len(audio), len(gates), -1) * gates.tanh()[:, None]
            for layer, query, gates in zip(layers, own.layer_queries, own.gates, strict=True)
        ]
        return AudioStates(torch.stack(values, dim=1), model.first_hearing_layer)

    patch.setattr(MusicLanguageModel, "listen_to", listen_to)


def through_attention_norm(patch: Patch) -> None:
    carried_by(
        patch, lambda layer, token: layer.self_attn.v_proj.base_layer(layer.input_layernorm(token))
    )


def value_with_lora(patch: Patch) -> None:
    carried_by(patch, lambda layer, token: layer.self_attn.v_proj(token))


def no_tanh(patch: Patch) -> None:
    patch.setattr(torch, "tanh", lambda gates: gates)


def unseen_by_output_lora(patch: Patch) -> None:
    def hide(heard: AudioStates, model: MusicLanguageModel, _: object) -> AudioStates:
        for place, layer in enumerate(model.backbone.model.layers):
            values = heard.of_layer(place)
            if values is not None:
                own = layer.self_attn.o_proj
                seen = own.lora_B.default(own.lora_A.default(values.flatten(-2)))
                own.register_forward_hook(lambda _, __, out, seen=seen: out - seen)
        return heard

    after(patch, MusicLanguageModel, "listen_to", hide)


# In the import.


def eps_of_llama_2(patch: Patch) -> None:
    def change(base: PlannedBase, *_: object) -> PlannedBase:
        base.config.rms_norm_eps = 1e-6
        return base

    after(patch, mu_llama, "plan_base", change)


def weights_not_permuted(patch: Patch) -> None:
    patch.setattr(llama_base, "HalfSplitRows", lambda tensor, _: tensor)


def not_permuted(patch: Patch, slots: str) -> None:
    after(
        patch,
        mu_llama_tensors,
        slots,
        lambda found, *_: {name: slot._replace(heads=0) for name, slot in found.items()},
    )


def lora_not_permuted(patch: Patch) -> None:
    not_permuted(patch, "_lora_slots")


def bias_not_permuted(patch: Patch) -> None:
    not_permuted(patch, "_bias_slots")


def base_norms(patch: Patch) -> None:
    def forget(mapped: MappedCheckpoint, *_: object) -> MappedCheckpoint:
        mapped.norms.clear()
        return mapped

    after(patch, mu_llama, "map_checkpoint", forget)


def lora_scale_2(patch: Patch) -> None:
    original = peft.LoraConfig
    patch.setattr(
        peft, "LoraConfig", lambda **given: original(**given | {"lora_alpha": 2 * given["r"]})
    )


MISTAKES: dict[str, Callable[[Patch], None]] = {
    "last MERT state taken before the final LayerNorm (transformers 5 default)": (
        last_state_before_norm
    ),
    "MERT left in train mode (random)": train_mode,
    "waveform not normalised": waveform_not_normalised,
    "layer-sum bias dropped": no_mix_bias,
    "no L2 norm": no_unit_length,
    "factor 0.999999 dropped (invisible in float32)": no_weight_eps,
    "bridge eps 1e-5": coarse_bridge_eps,
    "f1 and f3 swapped": swapped_bridge,
    "model eps 1e-6 instead of params.json": eps_of_llama_2,
    "adapter in the first layers": first_layers_hear,
    "prefix rows reversed": reversed_queries,
    "adapter through attention_norm": through_attention_norm,
    "adapter value with LoRA": value_with_lora,
    "gate without tanh": no_tanh,
    "adapter not seen by the LoRA of wo": unseen_by_output_lora,
    "q/k weights not permuted": weights_not_permuted,
    "q/k LoRA not permuted": lora_not_permuted,
    "q bias not permuted": bias_not_permuted,
    "norms of the checkpoint ignored": base_norms,
    "LoRA scale 2": lora_scale_2,
}
"""By the names of the fixture's README."""
CORRECT = "(correct)"
INVISIBLE = "factor 0.999999 dropped (invisible in float32)"


@pytest.fixture(scope="module")
def known() -> dict[str, Effect]:
    """The README's table."""
    text = (FIXTURE / "README.md").read_text()
    header = f"| mistake | {' | '.join(Effect._fields)} |\n"
    rows = text.partition(header)[2].partition("\n\n")[0].splitlines()[1:]
    cells = [re.split(r"\s*\|\s*", row.strip("| ")) for row in rows]
    return {name: Effect(*map(float, effects)) for name, *effects in cells}


def effect(golden: Fixture, out: Path) -> tuple[Effect, Effect]:
    """Differences from the golden arrays after a new import, and their tolerances."""
    model, encoder = import_fixture(golden, out)
    heard = encode(encoder, waveform(golden, "audio.wav"))
    token_ids, _ = pad_examples(examples(golden, model)[:1])
    with torch.inference_mode():
        own = {
            "encode_audio_a": model.adapter.mix_layers(heard)[0],
            "forward_audio_a": model.adapter(heard)[:, None],
            "logits_ft_a": model.logits(token_ids, model.hear(heard))[0],
        }
    expected = {name: golden.arrays[name] for name in Effect._fields}
    _, far, allowed = zip(*differences(expected, own), strict=True)
    return Effect(*far), Effect(*allowed)


def test_every_known_mistake_is_made(known: dict[str, Effect]) -> None:
    assert known.keys() == {CORRECT, *MISTAKES}


def test_without_a_mistake_nothing_moves(golden: Fixture, tmp_path: Path) -> None:
    far, allowed = effect(golden, tmp_path / "checkpoint")
    assert all(moved <= limit for moved, limit in zip(far, allowed, strict=True))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_moves_what_comes_after_it(
    golden: Fixture,
    known: dict[str, Effect],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As far as the table says; what comes before stays exact."""
    MISTAKES[name](monkeypatch)
    far, allowed = effect(golden, tmp_path / "checkpoint")
    for moved, limit, expected in zip(far, allowed, known[name], strict=True):
        if expected <= limit:
            assert moved <= limit
        elif name.endswith("(random)"):
            assert moved > RANDOM_EFFECT
        else:
            assert moved == pytest.approx(expected, rel=ROUNDING)
    is_found = any(moved > limit for moved, limit in zip(far, allowed, strict=True))
    assert is_found == (name != INVISIBLE)
