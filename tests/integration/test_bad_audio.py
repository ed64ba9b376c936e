"""No file crashes, hangs or fools the reader: each gives a recording or one clear line."""

from __future__ import annotations

import pickle
import socket
import time
from functools import partial
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from musiscene.audio.read import probe_audio, read_audio
from musiscene.errors import AudioError, UnsupportedAudioError
from tests.support.audio import noise, write_audio
from tests.support.bad_audio import BAD_FILES, BadFile, mutations, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.integration

MUTATIONS_PER_FORMAT = 18
FUZZED = (
    (".wav", "pcm_f32le"),
    (".flac", "flac"),
    (".mp3", "libmp3lame"),
    (".ogg", "vorbis"),
    (".opus", "libopus"),
    (".m4a", "aac"),
    (".m4a", "alac"),
    (".aiff", "pcm_s16be"),
    (".wma", "wmav2"),
    (".mkv", "flac"),
    (".webm", "libopus"),
    (".wv", "wavpack"),
)


def _error_of(read: Callable[[], object]) -> AudioError | None:
    try:
        read()
    except AudioError as error:
        return error
    return None


def _read_soundly(path: Path) -> None:
    recording = read_audio(path, sample_rate=16_000)
    assert np.isfinite(recording.waveform).all()
    assert recording.loudness_lufs is None or np.isfinite(recording.loudness_lufs)


class TestBadFiles:
    @pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD_FILES])
    def test_gives_its_own_error_in_one_line(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str], bad: BadFile
    ):
        path = bad.build(tmp_path)
        start = time.monotonic()
        with pytest.raises(AudioError) as caught:
            read_audio(path, sample_rate=16_000, limits=bad.limits)
        assert type(caught.value) is bad.error
        assert bad.says in caught.value.reason
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)
        assert time.monotonic() - start < 5
        assert capfd.readouterr() == ("", "")
        copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - as a worker process does
        assert str(copied) == str(caught.value)

    @pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD_FILES])
    def test_probing_gives_the_same_error_or_none_yet(self, tmp_path: Path, bad: BadFile):
        path = bad.build(tmp_path)
        error = _error_of(lambda: probe_audio(path, limits=bad.limits))
        assert error is None or (type(error) is bad.error and bad.says in error.reason)


class TestReachingOut:
    def test_a_list_of_files_would_open_them_elsewhere(self, tmp_path: Path):
        """The control: FFmpeg left to itself does follow such a list."""
        path = tmp_path / "list.mp3"
        path.write_text(f"ffconcat version 1.0\nfile {whole(tmp_path, '.wav').name}\n")
        with av.open(str(path), options={"safe": "0"}) as container:
            assert sum(frame.samples for frame in container.decode(audio=0)) > 0
        with pytest.raises(UnsupportedAudioError):
            read_audio(path, sample_rate=16_000)

    @pytest.mark.parametrize(
        "template",
        [
            "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:3,\n{address}\n#EXT-X-ENDLIST\n",
            "ffconcat version 1.0\nfile {address}\n",
            "\nffconcat version 1.0\nfile {address}\n",
            '<?xml version="1.0"?><MPD><Period><BaseURL>{address}</BaseURL></Period></MPD>',
            "[playlist]\nFile1={address}\n",
        ],
    )
    def test_nobody_is_called(self, tmp_path: Path, template: str):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
            path = tmp_path / "list.m3u8"
            path.write_text(template.format(address=address))
            with pytest.raises(UnsupportedAudioError):
                read_audio(path, sample_rate=16_000)
            server.settimeout(0)
            with pytest.raises(BlockingIOError):
                server.accept()

    def test_a_name_like_an_address_is_a_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.chdir(tmp_path)
        path = whole(tmp_path, ".wav").rename(tmp_path / "concat:a.wav|b.wav")
        assert read_audio(path.name, sample_rate=16_000).info.duration_seconds == 3


class TestFuzz:
    @pytest.mark.parametrize(
        ("seed", "suffix", "codec"), [(index, *case) for index, case in enumerate(FUZZED)]
    )
    def test_damaged_copies_give_a_recording_or_an_audio_error(
        self, tmp_path: Path, seed: int, suffix: str, codec: str
    ):
        waveform = np.stack([noise(seconds=1.5, sample_rate=48_000)] * 2)
        good = tmp_path / f"good{suffix}"
        write_audio(good, waveform, sample_rate=48_000, codec=codec)
        data = good.read_bytes()
        refused = 0
        for index, damaged in enumerate(mutations(data, count=MUTATIONS_PER_FORMAT, seed=seed)):
            path = tmp_path / f"{index}{suffix}"
            path.write_bytes(damaged)
            start = time.monotonic()
            refused += _error_of(partial(_read_soundly, path)) is not None
            assert time.monotonic() - start < 5
        assert 0 < refused < MUTATIONS_PER_FORMAT
