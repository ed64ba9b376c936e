from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from musiscene.errors import GenerationError, GenerationStoppedError
from musiscene.generate.musicgen.backend import MusicGen
from musiscene.generate.musicgen.conditions import TextConditioner
from musiscene.generate.musicgen.decoding import Sampling, Windows, sample_codes
from musiscene.generate.musicgen.narrow import NarrowLinear
from musiscene.generate.musicgen.sound import to_waveform
from musiscene.generate.musicgen.weights import load_weights
from musiscene.generate.protocol import HitPoint, MusicRequest
from tests.support.musicgen import CODES, SAMPLE_RATE, save_tiny_musicgen

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from musiscene.generate.musicgen.weights import LoadedMusicGen
    from musiscene.generate.protocol import GeneratedMusic

SHORT = Windows(window=30, overlap=10)
LIKELIEST = Sampling(top_k=1)


@pytest.fixture(scope="module")
def mono(tmp_path_factory: pytest.TempPathFactory) -> LoadedMusicGen:
    return _loaded(tmp_path_factory.mktemp("mono"))


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> LoadedMusicGen:
    return _loaded(tmp_path_factory.mktemp("stereo"), stereo=True)


@pytest.fixture(scope="module")
def melodic(tmp_path_factory: pytest.TempPathFactory) -> LoadedMusicGen:
    return _loaded(tmp_path_factory.mktemp("melody"), melody=True)


def _loaded(folder: Path, **kind: bool) -> LoadedMusicGen:
    return load_weights(save_tiny_musicgen(folder, **kind), name="tiny", device="cpu")


def _request(prompt: str = "calm piano", *, seconds: float = 5.0, seed: int = 5) -> MusicRequest:
    return MusicRequest(prompt=prompt, seconds=seconds, seed=seed)


def _make(
    loaded: LoadedMusicGen, *requests: MusicRequest, melody: Path | None = None
) -> list[GeneratedMusic]:
    backend = MusicGen(loaded, windows=SHORT, melody=melody)
    return backend.generate_batch(requests, progress=lambda *_: None, stop=Event())


def _codes(
    loaded: LoadedMusicGen, *requests: tuple[int, int], sampling: Sampling, windows: Windows = SHORT
) -> list[torch.Tensor]:
    conditioner = TextConditioner(loaded, ["calm piano"] * len(requests))
    return sample_codes(
        loaded.model.decoder, conditioner, requests, windows=windows, sampling=sampling,
        after_frame=lambda: None,
    )  # fmt: skip


def _codes_of_transformers(
    loaded: LoadedMusicGen, frames: int, **more: torch.Tensor
) -> torch.Tensor:
    """What `generate` hands to the codec."""
    decoded: list[torch.Tensor] = []
    codec = loaded.model.audio_encoder
    decode = codec.decode

    def remember(codes: torch.Tensor, **options: object) -> object:
        decoded.append(codes[0, 0])
        return decode(codes, **options)

    codec.decode = remember
    settings = loaded.model.decoder.config
    delays = settings.num_codebooks // settings.audio_channels - 1
    try:
        loaded.model.generate(
            **loaded.tokenizer(["calm piano"], return_tensors="pt"),
            do_sample=False, guidance_scale=3.0, max_length=frames + delays + 1,
            max_new_tokens=None, **more,
        )  # fmt: skip
    finally:
        codec.decode = decode
    if settings.audio_channels == 1:
        return decoded[0]
    both = torch.empty((settings.num_codebooks, frames), dtype=torch.long)
    both[::2], both[1::2] = decoded
    return both


class TestSampleCodes:
    @pytest.mark.parametrize("kind", ["mono", "stereo", "melodic"])
    def test_the_likeliest_codes_are_those_of_transformers(
        self, kind: str, request: pytest.FixtureRequest
    ):
        loaded = request.getfixturevalue(kind)
        (ours,) = _codes(loaded, (24, 1), sampling=LIKELIEST)
        theirs = _codes_of_transformers(loaded, 24)
        assert ours.shape == (8 if kind == "stereo" else 4, 24)
        assert len(set(ours.flatten().tolist())) > 5
        assert torch.equal(ours, theirs)

    def test_the_next_window_goes_on_where_transformers_would(self, mono: LoadedMusicGen):
        (ours,) = _codes(mono, (40, 1), sampling=LIKELIEST)
        (first,) = _codes(mono, (30, 1), sampling=LIKELIEST)
        assert torch.equal(ours[:, :30], first)
        prompt = first[:, 20:]
        theirs = _codes_of_transformers(mono, 20, decoder_input_ids=prompt)
        assert torch.equal(theirs[:, :10], prompt)
        assert torch.equal(ours[:, 20:], theirs)

    def test_one_window_holds_what_the_last_frames_hear(self, mono: LoadedMusicGen):
        (long,) = _codes(mono, (40, 1), sampling=LIKELIEST, windows=Windows(window=40, overlap=10))
        (cut,) = _codes(mono, (40, 1), sampling=LIKELIEST)
        assert not torch.equal(long[:, 30:], cut[:, 30:])

    def test_a_row_is_the_same_alone_and_among_others(self, mono: LoadedMusicGen):
        wanted = [(40, 1), (17, 2), (55, 3)]
        together = _codes(mono, *wanted, sampling=Sampling())
        for one, alone in zip(together, wanted, strict=True):
            assert torch.equal(one, _codes(mono, alone, sampling=Sampling())[0])
            assert one.shape == (4, alone[0])
            assert 0 <= int(one.min()) <= int(one.max()) < CODES

    def test_a_seed_says_all(self, mono: LoadedMusicGen):
        first, again, other = _codes(mono, (15, 1), (15, 1), (15, 2), sampling=Sampling())
        assert torch.equal(first, again)
        assert not torch.equal(first, other)


class TestMusicGen:
    @pytest.mark.parametrize("kind", ["mono", "stereo", "melodic"])
    def test_all_products_of_a_step_are_narrow(self, kind: str, request: pytest.FixtureRequest):
        decoder = request.getfixturevalue(kind).model.decoder
        products = [one for one in decoder.modules() if isinstance(one, torch.nn.Linear)]
        assert len(products) > 10
        assert {type(one) for one in products} == {NarrowLinear}

    @pytest.mark.parametrize(("kind", "channels"), [("mono", 1), ("stereo", 2), ("melodic", 1)])
    def test_music_is_exactly_as_long_and_as_loud_as_asked(
        self, kind: str, channels: int, request: pytest.FixtureRequest
    ):
        loaded = request.getfixturevalue(kind)
        (music,) = _make(loaded, _request(seconds=5.013))
        assert music.waveform.shape == (channels, round(5.013 * SAMPLE_RATE))
        assert music.waveform.dtype == np.float32
        assert music.sample_rate == SAMPLE_RATE
        assert 0.1 < np.abs(music.waveform).max() < 0.9
        assert music.waveform[:, -1] == pytest.approx(0.0, abs=1e-6)

    def test_provenance_says_what_may_not_be_done_with_it(self, mono: LoadedMusicGen):
        hits = (HitPoint(seconds=2.0, kind="swell"),)
        request = MusicRequest(prompt="folk", seconds=5.0, seed=9, hits=hits)
        made = _make(mono, request)[0].provenance
        assert (made.backend, made.seed, made.prompt) == ("musicgen", 9, "folk")
        assert (made.weights_licence, made.commercial_use) == ("CC-BY-NC-4.0", "no")
        assert made.model.startswith("tiny (sha256:")
        assert made.details["windows"] == 2
        assert made.details["dtype"] == "float32"
        assert "not met" in made.details["hits"]

    def test_a_batch_is_what_each_would_be_alone(self, mono: LoadedMusicGen):
        wanted = [_request("calm piano", seed=1), _request("folk joyful guitar", seconds=6, seed=2)]
        for one, alone in zip(_make(mono, *wanted), wanted, strict=True):
            np.testing.assert_allclose(one.waveform, _make(mono, alone)[0].waveform, atol=1e-5)

    def test_a_melody_models_batch_is_too(self, melodic: LoadedMusicGen):
        wanted = [_request("calm", seed=1), _request("folk joyful guitar", seed=2)]
        for one, alone in zip(_make(melodic, *wanted), wanted, strict=True):
            np.testing.assert_allclose(one.waveform, _make(melodic, alone)[0].waveform, atol=1e-5)

    def test_progress_rises_with_every_frame(self, mono: LoadedMusicGen):
        shares: list[float] = []
        MusicGen(mono, windows=SHORT).generate(
            _request(), progress=lambda _, share: shares.append(share), stop=Event()
        )
        assert shares == sorted(shares)
        assert len(shares) >= 50
        assert shares[-1] == 1.0
        assert max(shares[:-1]) == pytest.approx(0.95)

    def test_it_stops_within_a_frame(self, mono: LoadedMusicGen):
        stop, told = Event(), []

        def progress(_: str, share: float) -> None:
            told.append(share)
            if len(told) == 10:
                stop.set()

        with pytest.raises(GenerationStoppedError):
            MusicGen(mono, windows=SHORT).generate(_request(), progress=progress, stop=stop)
        assert len(told) == 10

    def test_a_melody_is_heard_by_melody_models_alone(
        self, mono: LoadedMusicGen, melodic: LoadedMusicGen, tmp_path: Path
    ):
        import soundfile

        tune = tmp_path / "tune.wav"
        times = np.arange(8_000 * 8) / 8_000
        soundfile.write(tune, 0.5 * np.sin(2 * np.pi * 220 * times), 8_000)
        with pytest.raises(GenerationError, match="cannot follow a melody"):
            MusicGen(mono, melody=tune)
        (plain,), (led,) = _make(melodic, _request()), _make(melodic, _request(), melody=tune)
        assert not np.array_equal(plain.waveform, led.waveform)
        assert led.provenance.details["melody"] == "tune.wav"


class TestDyingAway:
    @staticmethod
    def _dying(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
        """The first few waves are silent from their middle on."""
        made: list[int] = []

        def dying(loaded: LoadedMusicGen, codes: torch.Tensor) -> NDArray[np.float32]:
            wave = to_waveform(loaded, codes)
            made.append(1)
            if len(made) <= times:
                wave[:, wave.shape[1] // 2 :] *= 0.001
            return wave

        monkeypatch.setattr("musiscene.generate.musicgen.backend.to_waveform", dying)
        return made

    def test_it_is_made_again_with_the_next_seed(
        self, mono: LoadedMusicGen, monkeypatch: pytest.MonkeyPatch
    ):
        self._dying(monkeypatch, 1)
        (again,) = _make(mono, _request(seed=5))
        (next_one,) = _make(mono, _request(seed=6))
        assert np.array_equal(again.waveform, next_one.waveform)
        assert again.provenance.seed == 5
        assert "made again with seed 6" in again.provenance.details["died_away"]

    def test_twice_is_an_error(self, mono: LoadedMusicGen, monkeypatch: pytest.MonkeyPatch):
        made = self._dying(monkeypatch, 2)
        with pytest.raises(GenerationError, match="died away before its end with seeds 5 and 6"):
            _make(mono, _request(seed=5))
        assert len(made) == 2
