from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig

from musiscene.adapter import AdapterShape, AudioAdapter, Prototypes, adapter_shape
from tests.support.hearing import (
    ENCODER_LAYERS,
    ENCODER_WIDTH,
    made_features,
    tiny_hearing_model,
)
from tests.support.language_model import write_tiny_language_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.music_language_model import MusicLanguageModel

WIDTH, HEADS, KV_HEADS, HEARING = 16, 4, 2, 3
SHAPE = AdapterShape(
    encoder_layers=ENCODER_LAYERS,
    encoder_width=ENCODER_WIDTH,
    width=WIDTH,
    bridge_width=24,
    layers=HEARING,
    heads=HEADS,
)


@pytest.fixture
def adapter() -> AudioAdapter:
    """One with open gates."""
    torch.manual_seed(0)
    adapter = AudioAdapter(SHAPE)
    torch.nn.init.normal_(adapter.gates)
    return adapter


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_language_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture
def deaf(folder: Path) -> MusicLanguageModel:
    """A language model with a new adapter."""
    return tiny_hearing_model(folder, has_open_gates=False)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    normed: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return normed


def by_hand(adapter: AudioAdapter, features: torch.Tensor, weight: float) -> NDArray[np.float64]:
    """The audio token of one track (N, M), in float64 and a loop over the blocks."""
    weights = {name: tensor.double().numpy() for name, tensor in adapter.state_dict().items()}
    mixed = weights["layer_mix.weight"][0, :, 0] @ features.double().numpy()
    mixed = unit(mixed + weights["layer_mix.bias"]) * weight / (weight + 1e-6)
    audio = weights["projection.weight"] @ mixed + weights["projection.bias"]
    for block in range(3):
        own = {
            name.split(".", 2)[2]: values
            for name, values in weights.items()
            if name.startswith(f"bridge.{block}.")
        }
        normed = audio / np.sqrt(np.mean(audio**2) + 1e-6) * own["norm.weight"]
        gate = own["gate_proj.weight"] @ normed
        inner = gate / (1 + np.exp(-gate)) * (own["up_proj.weight"] @ normed)
        audio = audio + own["down_proj.weight"] @ inner
    return np.asarray(audio, dtype=np.float64)


class TestForward:
    @pytest.mark.parametrize("weight", [1.0, 1e-6])
    def test_is_the_formula(self, adapter: AudioAdapter, weight: float):
        features = made_features(1)
        with torch.no_grad():
            audio = adapter(features, weight=weight)[0]
        np.testing.assert_allclose(audio, by_hand(adapter, features[0], weight), atol=1e-5)

    def test_a_row_is_what_it_is_alone(self, adapter: AudioAdapter):
        features = made_features(4)
        prototypes = Prototypes(vectors=torch.nn.functional.normalize(torch.randn(20, 6)))
        for known in (None, prototypes):
            together = adapter(features, prototypes=known)
            alone = [adapter(row[None], prototypes=known)[0] for row in features]
            torch.testing.assert_close(together, torch.stack(alone))
        assert (together[0] - together[1]).abs().max() > 1e-2

    def test_without_a_bias_only_the_direction_of_the_features_counts(self, adapter: AudioAdapter):
        adapter.layer_mix.bias = None
        features = made_features(1)
        torch.testing.assert_close(adapter(features), adapter(7.0 * features))

    def test_prototypes_change_what_is_heard(self, adapter: AudioAdapter):
        prototypes = Prototypes(vectors=torch.eye(ENCODER_WIDTH), count=2)
        features = made_features(1)
        change = adapter(features, prototypes=prototypes) - adapter(features)
        assert change.abs().max() > 1e-3


class TestAudioStates:
    def test_heads_that_share_a_value_head_hear_what_a_loop_computes(self, adapter: AudioAdapter):
        size = WIDTH // HEADS
        audio = torch.randn(2, WIDTH)
        projections = [torch.randn(KV_HEADS * size, WIDTH) for _ in range(HEARING)]
        states = adapter.audio_states(audio, projections, first_layer=5)
        assert states.values.shape == (2, HEARING, HEADS, size)
        assert states.first_layer == 5
        for row in range(2):
            for layer in range(HEARING):
                token = projections[layer] @ (audio[row] + adapter.layer_queries[layer])
                for head in range(HEADS):
                    own = head * KV_HEADS // HEADS
                    value = token[own * size : (own + 1) * size]
                    expected = value * adapter.gates[layer, head].tanh()
                    torch.testing.assert_close(states.values[row, layer, head], expected)

    def test_is_of_the_type_of_the_projections(self, adapter: AudioAdapter):
        projections = [torch.randn(WIDTH, WIDTH).bfloat16()] * HEARING
        states = adapter.audio_states(torch.randn(1, WIDTH), projections, first_layer=0)
        assert states.values.dtype == torch.bfloat16

    def test_refuses_projections_for_another_number_of_layers(self, adapter: AudioAdapter):
        with pytest.raises(ValueError, match="zip"):
            adapter.audio_states(torch.randn(1, WIDTH), [torch.randn(WIDTH, WIDTH)], 0)


class TestNewAdapter:
    def test_adds_exactly_nothing(self, deaf: MusicLanguageModel):
        states = deaf.hear(made_features(2))
        assert torch.count_nonzero(states.values) == 0

    def test_changes_no_logit(self, deaf: MusicLanguageModel):
        token_ids = torch.arange(20).view(2, 10)
        with torch.no_grad():
            silent = deaf.logits(token_ids, None)
            assert torch.equal(deaf.logits(token_ids, deaf.hear(made_features(2))), silent)

    def test_learns_its_gates_first(self, deaf: MusicLanguageModel):
        deaf.start_phase("adapter")
        token_ids = torch.arange(20).view(2, 10)
        loss = deaf.loss(token_ids, token_ids, deaf.hear(made_features(2)))
        torch.autograd.backward(loss)
        moved = {
            name
            for name, parameter in deaf.adapter.named_parameters()
            if parameter.grad is not None and parameter.grad.any()
        }
        assert moved == {"gates"}


class TestPrototypes:
    @pytest.fixture
    def vectors(self) -> torch.Tensor:
        generator = torch.Generator().manual_seed(2)
        return torch.nn.functional.normalize(torch.randn(30, 6, generator=generator), dim=-1)

    @pytest.fixture
    def features(self) -> torch.Tensor:
        generator = torch.Generator().manual_seed(3)
        return torch.nn.functional.normalize(torch.randn(5, 6, generator=generator), dim=-1)

    def test_without_a_share_only_the_length_becomes_1(
        self, vectors: torch.Tensor, features: torch.Tensor
    ):
        blended = Prototypes(vectors=vectors, share=0.0).blend(0.3 * features)
        torch.testing.assert_close(blended, features)

    def test_the_nearest_alone_takes_the_features_place(
        self, vectors: torch.Tensor, features: torch.Tensor
    ):
        blended = Prototypes(vectors=vectors, count=1, share=1.0).blend(features)
        torch.testing.assert_close(blended, vectors[(features @ vectors.T).argmax(-1)])

    def test_mixes_the_nearest_by_the_softmax_of_their_likeness(
        self, vectors: torch.Tensor, features: torch.Tensor
    ):
        blended = Prototypes(vectors=vectors, count=4, sharpness=8.0, share=0.25).blend(features)
        known = vectors.double().numpy()
        for row, own in zip(blended.numpy(), features.double().numpy(), strict=True):
            nearest = np.argsort(known @ own)[-4:]
            shares = np.exp(8.0 * known[nearest] @ own)
            mixed = unit(shares @ known[nearest])
            np.testing.assert_allclose(row, unit(0.75 * own + 0.25 * mixed), atol=1e-6)

    def test_a_batch_is_its_rows(self, vectors: torch.Tensor, features: torch.Tensor):
        prototypes = Prototypes(vectors=vectors)
        alone = [prototypes.blend(row[None])[0] for row in features]
        torch.testing.assert_close(prototypes.blend(features), torch.stack(alone))


class TestAdapterShape:
    def config(self, **changed: int) -> LlamaConfig:
        sizes: dict[str, Any] = {
            "hidden_size": WIDTH,
            "num_attention_heads": HEADS,
            "num_hidden_layers": HEARING,
        }
        return LlamaConfig(**sizes | changed)

    def test_fits_the_language_model(self):
        shape = adapter_shape(
            self.config(), encoder_layers=25, encoder_width=1024, layers=2, bridge_width=24
        )
        assert (shape.width, shape.heads, shape.layers) == (WIDTH, HEADS, 2)
        assert (shape.encoder_layers, shape.encoder_width) == (25, 1024)
        assert shape.bridge_width == 24

    def test_the_bridge_is_four_times_as_wide_as_in_the_paper(self):
        shape = adapter_shape(self.config(), encoder_layers=1, encoder_width=1, layers=HEARING)
        assert shape.bridge_width == 4 * WIDTH

    def test_refuses_more_layers_than_there_are(self):
        with pytest.raises(ValueError, match="4 layers shall hear, there are 3"):
            adapter_shape(self.config(), encoder_layers=1, encoder_width=1, layers=4)

    def test_refuses_heads_of_another_total_width(self):
        config = self.config(head_dim=8)
        with pytest.raises(ValueError, match="4 heads do not make up a width of 16"):
            adapter_shape(config, encoder_layers=1, encoder_width=1, layers=1)
