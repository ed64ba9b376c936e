from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from musiscene.encoders.log_mel import log_mel_spectrogram
from musiscene.encoders.musicnn import FilterBank, Musicnn, load_musicnn
from musiscene.errors import ModelIntegrityError
from tests.support.golden_audio import chords_bursts_and_sweep
from tests.support.musicnn import reference_musicnn, tiny_musicnn_variables

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PATCH_SECONDS = 2.992


def network(variables: dict[str, NDArray[np.float32]]) -> Musicnn:
    return Musicnn({name: torch.from_numpy(values) for name, values in variables.items()})


def bank(
    kernel: torch.Tensor,
    *,
    bias: float = 0.0,
    scale: float = 1.0,
    shift: float = 0.0,
    input_bound: float = 1.0,
) -> FilterBank:
    """A bank of one filter from its kernel, shape (frames, bands)."""
    one = [torch.tensor([value]) for value in (bias, scale, shift)]
    return FilterBank(kernel[None, None], *one, input_bound=input_bound)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_file(tiny_musicnn_variables(seed=1), tmp_path / "mtt.safetensors")
    save_file(tiny_musicnn_variables(seed=2), tmp_path / "msd.safetensors")
    return tmp_path


class TestFilterBank:
    def test_an_even_kernel_is_padded_once_more_at_the_end(self):
        """TensorFlow's 'same': an impulse at frame 2 under the taps (1, 2, 4, 8)."""
        impulse = torch.zeros(1, 1, 6, 1)
        impulse[0, 0, 2] = 1
        taps = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
        assert bank(taps)(impulse).flatten().tolist() == [8.0, 4.0, 2.0, 1.0, 0.0, 0.0]

    def test_a_negative_gain_takes_the_smallest_response(self):
        """Bands answer 1, 3 and 2: after a gain of -1 the largest is -1."""
        bands = torch.tensor([1.0, 3.0, 2.0]).reshape(1, 1, 1, 3)
        assert bank(torch.ones(1, 1), scale=-1.0, input_bound=3.0)(bands).item() == -1.0

    @pytest.mark.parametrize(("bias", "expected"), [(-0.5, 7.0), (0.5, 8.0)])
    def test_a_dead_filter_says_its_constant(self, bias: float, expected: float):
        dead = bank(torch.full((3, 1), 1e-28), bias=bias, scale=2.0, shift=7.0)
        assert len(dead.live) == 0
        assert dead(torch.rand(2, 1, 5, 4)).unique().tolist() == [expected]

    def test_a_filter_that_could_just_speak_is_kept(self):
        kernel = torch.full((1, 1), 0.5)
        assert len(bank(kernel, bias=-0.49).live) == 1
        assert len(bank(kernel, bias=-0.5).live) == 0

    @pytest.mark.parametrize("scale", [0.7, -0.7])
    def test_no_output_passes_the_bound(self, scale: float):
        generator = torch.Generator().manual_seed(0)
        kernel = torch.randn(3, 2, generator=generator)
        filters = bank(kernel, bias=0.3, scale=scale, shift=-0.2, input_bound=2.0)
        loudest = 2 * torch.sign(kernel)[None, None]  # whatever the sign of the gain
        peak = float(filters(loudest).abs().max())
        assert peak <= filters.output_bound <= peak + 0.5


class TestMusicnn:
    @pytest.mark.parametrize("frames", [187, 40])
    def test_equals_the_plain_network(self, frames: int):
        variables = tiny_musicnn_variables()
        patches = log_mel_spectrogram(chords_bursts_and_sweep())[: 2 * frames]
        patches = patches.reshape(2, frames, 96)
        tags, penultimate = network(variables)(patches)
        for row, patch in enumerate(patches.numpy()):
            expected_tags, expected_penultimate = reference_musicnn(variables, patch)
            np.testing.assert_allclose(tags[row], expected_tags, atol=1e-5)
            np.testing.assert_allclose(penultimate[row], expected_penultimate, atol=1e-4)

    def test_computes_only_the_filters_that_vary(self):
        front = network(tiny_musicnn_variables()).front
        assert [bank.get_buffer("live").tolist() for bank in front] == [[2, 3]] * 5

    def test_is_frozen(self):
        assert not any(
            each.requires_grad for each in network(tiny_musicnn_variables()).parameters()
        )


class TestListen:
    def test_patches_follow_each_other_and_the_last_ends_with_the_track(self, folder: Path):
        heard = load_musicnn(folder).listen(chords_bursts_and_sweep())
        np.testing.assert_allclose(
            heard.starts_seconds, [0, PATCH_SECONDS, 2 * PATCH_SECONDS, 7.024]
        )
        assert {name: tags.shape for name, tags in heard.tags.items()} == {
            "mtt": (4, 50), "msd": (4, 50),
        }  # fmt: skip
        assert heard.penultimate["msd"].shape == (4, 6)
        assert heard.tags["mtt"].dtype == heard.penultimate["mtt"].dtype == np.float32

    def test_a_whole_number_of_patches_is_heard_once(self, folder: Path):
        waveform = chords_bursts_and_sweep()[: 256 * (2 * 187 - 1)]
        starts = load_musicnn(folder).listen(waveform).starts_seconds
        np.testing.assert_allclose(starts, [0, PATCH_SECONDS])

    def test_each_vocabulary_has_its_own_network(self, folder: Path):
        waveform = chords_bursts_and_sweep()
        tagger = load_musicnn(folder, dtype=torch.float32)
        tags = tagger.listen(waveform, starts_seconds=[1.6]).tags
        patch = log_mel_spectrogram(waveform)[100:287].numpy()
        for heard, seed in ((tags["mtt"], 1), (tags["msd"], 2)):
            expected, _ = reference_musicnn(tiny_musicnn_variables(seed=seed), patch)
            np.testing.assert_allclose(heard[0], expected, atol=1e-5)

    def test_starts_are_kept_in_order_and_moved_back_from_the_end(self, folder: Path):
        tagger = load_musicnn(folder)
        waveform = chords_bursts_and_sweep()
        heard = tagger.listen(waveform, starts_seconds=[9.9, 0.0, 7.024])
        np.testing.assert_allclose(heard.starts_seconds, [7.024, 0, 7.024])
        np.testing.assert_allclose(heard.tags["mtt"][0], heard.tags["mtt"][2], atol=1e-6)

    def test_the_batch_size_changes_nothing(self, folder: Path):
        tagger = load_musicnn(folder)
        waveform = chords_bursts_and_sweep()
        singly = tagger.listen(waveform, batch_size=1)
        together = tagger.listen(waveform, batch_size=99)
        np.testing.assert_allclose(singly.tags["msd"], together.tags["msd"], atol=1e-6)

    def test_a_short_track_is_repeated(self, folder: Path):
        tagger = load_musicnn(folder)
        second = chords_bursts_and_sweep()[:16_000]
        heard = tagger.listen(second)
        assert heard.starts_seconds.tolist() == [0.0]
        repeated = tagger.listen(np.tile(second, 3)[: 186 * 256])
        np.testing.assert_allclose(heard.tags["mtt"], repeated.tags["mtt"], atol=1e-6)

    @pytest.mark.parametrize("start", [-0.1, 10.0])
    def test_refuses_a_start_outside_the_track(self, folder: Path, start: float):
        with pytest.raises(ValueError, match="patches start at"):
            load_musicnn(folder).listen(chords_bursts_and_sweep(), starts_seconds=[start])

    @pytest.mark.parametrize("shape", [(0,), (2, 100_000)])
    def test_refuses_what_is_no_waveform(self, folder: Path, shape: tuple[int, ...]):
        with pytest.raises(ValueError, match="shape"):
            load_musicnn(folder).listen(np.zeros(shape, dtype=np.float32))

    def test_refuses_no_starts(self, folder: Path):
        with pytest.raises(ValueError, match="no patches"):
            load_musicnn(folder).listen(chords_bursts_and_sweep(), starts_seconds=[])


class TestLoadMusicnn:
    def test_names_a_missing_file(self, folder: Path):
        (folder / "msd.safetensors").unlink()
        with pytest.raises(ModelIntegrityError, match=r"msd\.safetensors"):
            load_musicnn(folder)

    def test_refuses_a_torn_file(self, folder: Path):
        path = folder / "mtt.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(ModelIntegrityError, match=r"mtt\.safetensors"):
            load_musicnn(folder)

    def test_refuses_other_variables(self, folder: Path):
        variables = tiny_musicnn_variables()
        del variables["conv2d_4/kernel"]
        save_file(variables, folder / "mtt.safetensors")
        with pytest.raises(ModelIntegrityError, match="conv2d_4/kernel"):
            load_musicnn(folder)

    def test_refuses_layers_that_do_not_fit_each_other(self, folder: Path):
        variables = tiny_musicnn_variables()
        variables["dense/kernel"] = variables["dense/kernel"][:-2]
        save_file(variables, folder / "mtt.safetensors")
        with pytest.raises(ModelIntegrityError, match=r"mtt\.safetensors"):
            load_musicnn(folder)
