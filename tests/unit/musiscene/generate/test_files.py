from __future__ import annotations

from typing import TYPE_CHECKING

import av
import msgspec
import numpy as np
import pytest

from musiscene.audio.read import probe_audio, read_audio
from musiscene.errors import GenerationError
from musiscene.generate.files import sidecar_of, write_music, write_sidecar
from musiscene.generate.protocol import GeneratedMusic, Provenance

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def music() -> GeneratedMusic:
    times = np.arange(44_100) / 44_100
    wave = np.stack([np.sin(2 * np.pi * hertz * times) for hertz in (440, 660)]) * 0.5
    provenance = Provenance(
        backend="b", model="m-1", weights_licence="CC0-1.0", commercial_use="yes", prompt="p",
        seconds=1.0, seed=3,
    )  # fmt: skip
    return GeneratedMusic(
        waveform=wave.astype(np.float32), sample_rate=44_100, provenance=provenance
    )


class TestWriteMusic:
    @pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3"])
    def test_the_file_holds_the_music(self, music: GeneratedMusic, tmp_path: Path, suffix: str):
        path = tmp_path / "new" / f"a{suffix}"
        write_music(music, path, title="Rain")
        info = probe_audio(path)
        assert (info.title, info.channels, info.sample_rate) == ("Rain", 2, 44_100)
        heard = read_audio(path, sample_rate=44_100).waveform
        assert np.sqrt(np.square(heard[2_000:40_000]).mean()) == pytest.approx(0.25, rel=0.1)
        assert sorted(one.name for one in path.parent.iterdir()) == [path.name]

    def test_a_lossless_file_is_as_long_as_the_music(self, music: GeneratedMusic, tmp_path: Path):
        write_music(music, tmp_path / "a.flac", title="Rain")
        assert probe_audio(tmp_path / "a.flac").duration_seconds == 1.0

    @pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3"])
    def test_the_tags_say_where_it_comes_from(
        self, music: GeneratedMusic, tmp_path: Path, suffix: str
    ):
        path = tmp_path / f"a{suffix}"
        write_music(music, path, title="Rain")
        licence = probe_audio(path).licence
        assert licence is not None
        assert "CC0-1.0" in licence
        assert "commercial use: yes" in licence
        with av.open(str(path)) as container:
            tags = container.metadata
        assert (tags["comment"], tags["encoded_by"]) == ("p", "MusiScene b, m-1, seed 3")

    def test_the_provenance_lies_beside_it(self, music: GeneratedMusic, tmp_path: Path):
        path = tmp_path / "a.flac"
        assert write_sidecar(music, path) == sidecar_of(path)
        found = msgspec.json.decode(sidecar_of(path).read_bytes(), type=Provenance)
        assert found == music.provenance

    def test_an_unknown_format_and_a_folder_that_is_a_file_are_said(
        self, music: GeneratedMusic, tmp_path: Path
    ):
        with pytest.raises(GenerationError, match="must end with"):
            write_music(music, tmp_path / "a.xyz", title="")
        (tmp_path / "file").touch()
        with pytest.raises(GenerationError, match="cannot be written"):
            write_music(music, tmp_path / "file" / "a.flac", title="")
