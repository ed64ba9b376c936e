from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import HubertModel

from musiscene.encoders.mert import (
    MIN_SAMPLES,
    SAMPLE_RATE,
    MertEncoder,
    equal_windows,
    normalise,
    original_windows,
)
from musiscene.errors import ModelIntegrityError
from tests.support.audio import noise
from tests.support.mu_llama import Sizes, mert_config

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.encoders.features import AudioFeatures

SIZES = Sizes()
HOP, FIELD = 320, 400


def untrained() -> HubertModel:
    """A HuBERT in which no two layers and no two norms are alike."""
    model = HubertModel(mert_config(SIZES))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "layer_norm" in name:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def sound(seconds: float, *, seed: int = 0) -> NDArray[np.float32]:
    return noise(seconds=seconds, sample_rate=SAMPLE_RATE, seed=seed) + np.float32(0.2)


def frames_by_hand(encoder: MertEncoder, window: NDArray[np.float32]) -> NDArray[np.float64]:
    """All states of one window, (layers, frames, width)."""
    with torch.no_grad():
        states = encoder.hidden_states(torch.from_numpy(normalise(window)))
    return torch.cat(list(states)).double().numpy()


def is_close(one: NDArray[np.float32], other: NDArray[Any]) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=1e-5))


@pytest.fixture(scope="module")
def encoder() -> MertEncoder:
    return MertEncoder(untrained())


@pytest.fixture(scope="module")
def long_track() -> NDArray[np.float32]:
    """Of 75 s, growing louder, so that no two of its minutes are alike."""
    track = sound(75.0)
    return (track * np.linspace(0.2, 1.0, track.size)).astype(np.float32)


@pytest.fixture(scope="module")
def heard(encoder: MertEncoder, long_track: NDArray[np.float32]) -> AudioFeatures:
    return encoder.encode(long_track, spans_seconds=[(0.0, 75.0), (30.0, 45.0), (0.0, 10.0)])


class TestHiddenStates:
    def test_the_last_one_is_taken_after_the_final_norm(self, encoder: MertEncoder):
        samples = torch.from_numpy(sound(0.5))
        with torch.no_grad():
            states = encoder.hidden_states(samples)
            output = encoder.model(samples[None], output_hidden_states=True)
        norm = encoder.model.encoder.layer_norm
        plain = (states[-1] - norm.bias) / norm.weight
        assert torch.equal(states[-1], output.last_hidden_state)
        assert plain.mean(-1).abs().max() < 1e-4
        assert plain.var(-1, unbiased=False).sub(1).abs().max() < 1e-2

    def test_there_is_one_of_each_layer_and_one_before(self, encoder: MertEncoder):
        states = encoder.hidden_states(torch.from_numpy(sound(0.5)))
        assert len(states) == encoder.layer_count == SIZES.encoder_layers
        assert {state.shape for state in states} == {(1, 37, SIZES.encoder_width)}


class TestEncode:
    def test_a_short_track_is_the_mean_of_its_frames(self, encoder: MertEncoder):
        track = sound(3.0)
        features = encoder.encode(track)
        assert features.track.dtype == np.float32
        assert features.track.shape == (SIZES.encoder_layers, SIZES.encoder_width)
        assert features.segments.shape == (0, SIZES.encoder_layers, SIZES.encoder_width)
        assert is_close(features.track, frames_by_hand(encoder, track).mean(1))

    def test_a_long_track_is_the_mean_of_equal_windows(
        self, encoder: MertEncoder, long_track: NDArray[np.float32], heard: AudioFeatures
    ):
        halves = [frames_by_hand(encoder, half).mean(1) for half in np.split(long_track, 2)]
        assert not is_close(halves[0].astype(np.float32), halves[1])
        assert is_close(heard.track, np.mean(halves, axis=0))

    def test_a_long_track_is_heard_to_its_end(
        self, encoder: MertEncoder, long_track: NDArray[np.float32], heard: AudioFeatures
    ):
        changed = long_track.copy()
        changed[-2 * SAMPLE_RATE :] *= -3.0
        assert np.abs(encoder.encode(changed).track - heard.track).max() > 1e-4

    def test_the_first_minute_is_all_that_the_original_hears(
        self, encoder: MertEncoder, long_track: NDArray[np.float32], heard: AudioFeatures
    ):
        changed = long_track.copy()
        changed[60 * SAMPLE_RATE :] *= -3.0
        first = encoder.encode(long_track, hear="first-60-seconds").track
        assert np.array_equal(encoder.encode(changed, hear="first-60-seconds").track, first)
        minute = frames_by_hand(encoder, long_track[: 60 * SAMPLE_RATE])
        assert is_close(first, minute.mean(1))
        assert not is_close(first, heard.track)

    def test_a_span_of_the_whole_track_is_the_track(self, heard: AudioFeatures):
        assert is_close(heard.segments[0], heard.track)

    def test_a_span_is_the_mean_of_the_frames_whose_middle_it_holds(
        self, encoder: MertEncoder, long_track: NDArray[np.float32], heard: AudioFeatures
    ):
        """From 30 s to 45 s, over the border of the two windows at 37.5 s."""
        held = []
        for start, window in zip((0.0, 37.5), np.split(long_track, 2), strict=True):
            states = frames_by_hand(encoder, window)
            middles = start + (np.arange(states.shape[1]) * HOP + FIELD / 2) / SAMPLE_RATE
            held.append(states[:, (middles >= 30.0) & (middles < 45.0)])
        assert is_close(heard.segments[1], np.concatenate(held, axis=1).mean(1))
        assert not is_close(heard.segments[1], heard.track)

    def test_spans_that_part_a_window_average_back_to_it(self, encoder: MertEncoder):
        track = sound(10.0)  # 749 frames
        edges = [0.0, 400 * HOP / SAMPLE_RATE, 500 * HOP / SAMPLE_RATE, 10.0]
        spans = list(pairwise(edges))
        features = encoder.encode(track, spans_seconds=spans)
        together = np.average(features.segments, axis=0, weights=[400, 100, 249])
        assert is_close(features.track, together)

    def test_a_span_that_is_not_heard_gets_the_tracks_features(
        self, encoder: MertEncoder, long_track: NDArray[np.float32]
    ):
        spans = [(61.0, 75.0), (50.0, 60.0)]
        features = encoder.encode(long_track, spans_seconds=spans, hear="first-60-seconds")
        assert np.array_equal(features.segments[0], features.track)
        assert not is_close(features.segments[1], features.track)

    @pytest.mark.parametrize("count", [0, MIN_SAMPLES - 1])
    def test_refuses_what_is_too_short(self, encoder: MertEncoder, count: int):
        with pytest.raises(ValueError, match="too few"):
            encoder.encode(np.ones(count, dtype=np.float32))

    def test_hears_two_frames(self, encoder: MertEncoder):
        assert np.isfinite(encoder.encode(sound(1.0)[:MIN_SAMPLES]).track).all()

    def test_loudness_and_offset_do_not_matter_if_it_is_normalised(self, encoder: MertEncoder):
        track = sound(1.0)
        louder = (3.0 * track + 0.5).astype(np.float32)
        plain = MertEncoder(untrained(), is_normalised=False)
        assert np.allclose(encoder.encode(louder).track, encoder.encode(track).track, atol=1e-3)
        assert not np.allclose(plain.encode(louder).track, plain.encode(track).track, atol=1e-3)

    def test_nothing_is_left_to_chance_even_if_the_model_comes_in_training_mode(self):
        model = untrained()
        model.train()
        encoder = MertEncoder(model)
        assert not any(module.training for module in encoder.model.modules())
        first, second = (encoder.encode(sound(1.0)).track for _ in range(2))
        assert np.array_equal(first, second)
        assert not any(module.training for module in encoder.model.modules())


class TestNormalise:
    def test_gives_mean_0_and_variance_1(self):
        scaled = normalise(sound(1.0))
        assert scaled.dtype == np.float32
        assert scaled.mean() == pytest.approx(0.0, abs=1e-4)
        assert scaled.var() == pytest.approx(1.0, abs=1e-3)

    def test_keeps_silence_silent(self):
        assert not normalise(np.full(1000, 0.3, dtype=np.float32)).round(2).any()


class TestLoad:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        untrained().save_pretrained(tmp_path)
        (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": true}')
        return tmp_path

    def test_hears_what_the_saved_model_hears(self, folder: Path, encoder: MertEncoder):
        loaded = MertEncoder.load(folder)
        assert not loaded.model.training
        assert is_close(loaded.encode(sound(1.0)).track, encoder.encode(sound(1.0)).track)

    @pytest.mark.parametrize(
        ("settings", "is_normalised"),
        [({"do_normalize": True}, True), ({"do_normalize": False}, False), ({}, True)],
    )
    def test_normalises_as_the_preprocessor_does(
        self,
        folder: Path,
        settings: dict[str, bool],
        is_normalised: bool,  # noqa: FBT001
    ):
        (folder / "preprocessor_config.json").write_text(json.dumps(settings))
        expected = MertEncoder(untrained(), is_normalised=is_normalised).encode(sound(1.0))
        assert is_close(MertEncoder.load(folder).encode(sound(1.0)).track, expected.track)

    def test_refuses_a_model_that_lacks_a_weight(self, folder: Path):
        path = folder / "model.safetensors"
        tensors = load_file(path)
        del tensors["encoder.layers.1.attention.k_proj.weight"]
        save_file(tensors, path, metadata={"format": "pt"})
        with pytest.raises(ModelIntegrityError, match=r"lacks weights: .*k_proj\.weight"):
            MertEncoder.load(folder)

    @pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json"])
    def test_names_the_folder_in_which_a_file_is_missing(self, folder: Path, name: str):
        (folder / name).unlink()
        with pytest.raises(ModelIntegrityError, match=str(folder)):
            MertEncoder.load(folder)

    def test_refuses_a_damaged_weights_file(self, folder: Path):
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(ModelIntegrityError, match=str(folder)):
            MertEncoder.load(folder)


class TestEqualWindows:
    @pytest.mark.parametrize("count", [720, 1_439_999, 1_440_000, 1_440_001, 5_000_003])
    def test_cover_the_track_in_order_with_equal_lengths_of_a_minute_at_most(self, count: int):
        windows = equal_windows(count)
        lengths = [end - start for start, end in windows]
        assert [start for start, _ in windows] == [0, *(end for _, end in windows[:-1])]
        assert windows[-1][1] == count
        assert max(lengths) <= 60 * SAMPLE_RATE
        assert max(lengths) - min(lengths) <= 1
        assert len(windows) == -(-count // (60 * SAMPLE_RATE))


class TestOriginalWindows:
    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [
            (59, [(0, 59)]),
            (60, [(0, 60)]),
            (3599, [(0, 60)]),
            (3600, [(0, 60), (60, 120)]),
            (7199, [(0, 60), (60, 120)]),
            (7200, [(0, 60), (60, 120), (120, 180)]),
        ],
    )
    def test_each_hour_adds_a_minute(self, seconds: int, expected: list[tuple[int, int]]):
        windows = original_windows(seconds * SAMPLE_RATE)
        assert windows == [(start * SAMPLE_RATE, end * SAMPLE_RATE) for start, end in expected]
