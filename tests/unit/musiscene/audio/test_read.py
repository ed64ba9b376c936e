from __future__ import annotations

import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING, Self

import numpy as np
import pytest

from musiscene.audio.limits import AudioLimits
from musiscene.audio.read import AudioInfo, probe_audio, read_audio
from musiscene.errors import CorruptAudioError, UnreadableAudioError
from tests.support.audio import (
    dominant_hertz,
    noise,
    remux,
    silence,
    sine,
    write_audio,
    write_video,
)

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_RATE = 16_000
STEREO_TONE = np.stack([sine(440, seconds=3)] * 2)
FORMATS = [
    pytest.param(".wav", "pcm_u8", id="wav u8"),
    pytest.param(".wav", "pcm_s16le", id="wav s16"),
    pytest.param(".wav", "pcm_s24le", id="wav s24"),
    pytest.param(".wav", "pcm_s32le", id="wav s32"),
    pytest.param(".wav", "pcm_f32le", id="wav f32"),
    pytest.param(".wav", "pcm_f64le", id="wav f64"),
    pytest.param(".flac", "flac", id="flac"),
    pytest.param(".mp3", "libmp3lame", id="mp3"),
    pytest.param(".ogg", "vorbis", id="ogg vorbis"),
    pytest.param(".ogg", "flac", id="ogg flac"),
    pytest.param(".opus", "libopus", id="opus"),
    pytest.param(".m4a", "aac", id="m4a aac"),
    pytest.param(".m4a", "alac", id="m4a alac"),
    pytest.param(".aac", "aac", id="adts aac"),
    pytest.param(".aiff", "pcm_s16be", id="aiff"),
    pytest.param(".caf", "pcm_s16le", id="caf"),
    pytest.param(".wma", "wmav2", id="wma"),
    pytest.param(".wv", "wavpack", id="wavpack"),
    pytest.param(".ac3", "ac3", id="ac3"),
    pytest.param(".mkv", "flac", id="mkv"),
    pytest.param(".webm", "libopus", id="webm"),
]


@pytest.fixture(scope="module")
def tone_lufs(tmp_path_factory: pytest.TempPathFactory) -> float | None:
    path = tmp_path_factory.mktemp("wav") / "tone.wav"
    write_audio(path, STEREO_TONE, sample_rate=44_100)
    return read_audio(path, sample_rate=SAMPLE_RATE).loudness_lufs


class TestFormats:
    @pytest.mark.parametrize(("suffix", "codec"), FORMATS)
    def test_gives_the_tone_its_length_and_loudness(
        self, tmp_path: Path, tone_lufs: float, suffix: str, codec: str
    ):
        path = tmp_path / f"tone{suffix}"
        write_audio(path, STEREO_TONE, sample_rate=44_100, codec=codec, bit_rate=320_000)
        recording = read_audio(path, sample_rate=SAMPLE_RATE)
        assert recording.info.duration_seconds == pytest.approx(3, abs=0.1)
        assert recording.waveform.dtype == np.float32
        expected_samples = recording.info.duration_seconds * SAMPLE_RATE
        assert recording.waveform.shape == (pytest.approx(expected_samples, abs=1),)
        assert dominant_hertz(recording.waveform, sample_rate=SAMPLE_RATE) == pytest.approx(
            440, 1e-3
        )
        assert recording.loudness_lufs == pytest.approx(tone_lufs, abs=0.5)
        assert np.abs(recording.waveform).max() == pytest.approx(0.5, abs=0.05)

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
    def test_gives_the_sound_of_a_film(self, tmp_path: Path, suffix: str):
        first, second = sine(440, seconds=3, sample_rate=48_000), noise(seconds=3)
        path = write_video(tmp_path / f"film{suffix}", first, second, seconds=3)
        recording = read_audio(path, sample_rate=SAMPLE_RATE)
        assert recording.info.duration_seconds == pytest.approx(3, abs=0.1)
        assert dominant_hertz(recording.waveform, sample_rate=SAMPLE_RATE) == pytest.approx(
            440, 1e-3
        )

    @pytest.mark.parametrize("sample_rate", [4_000, 8_000, 11_025, 37_800, 96_000, 384_000])
    def test_odd_sample_rates_keep_pitch_and_length(self, tmp_path: Path, sample_rate: int):
        tone = sine(440, seconds=2, sample_rate=sample_rate)
        path = write_audio(tmp_path / "tone.wav", tone, sample_rate=sample_rate)
        recording = read_audio(path, sample_rate=SAMPLE_RATE)
        assert recording.waveform.size == pytest.approx(2 * SAMPLE_RATE, abs=1)
        assert dominant_hertz(recording.waveform, sample_rate=SAMPLE_RATE) == pytest.approx(
            440, 1e-3
        )

    @pytest.mark.parametrize(
        ("suffix", "wrong"), [(".flac", ".mp3"), (".mp3", ".txt"), (".ogg", "")]
    )
    def test_the_name_does_not_matter(self, tmp_path: Path, suffix: str, wrong: str):
        path = write_audio(tmp_path / f"tone{suffix}", STEREO_TONE, sample_rate=44_100)
        renamed = path.rename(tmp_path / f"other{wrong}")
        assert read_audio(renamed, sample_rate=SAMPLE_RATE).info.duration_seconds > 2.9

    def test_follows_a_link(self, tmp_path: Path):
        path = write_audio(tmp_path / "tone.wav", STEREO_TONE, sample_rate=44_100)
        (tmp_path / "link").symlink_to(path)
        assert read_audio(tmp_path / "link", sample_rate=SAMPLE_RATE).waveform.size

    def test_cover_picture_is_no_obstacle(self, tmp_path: Path):
        path = write_audio(tmp_path / "tone.mp3", STEREO_TONE, sample_rate=44_100, cover=True)
        assert read_audio(path, sample_rate=SAMPLE_RATE).info.duration_seconds == pytest.approx(3)


class TestMix:
    def test_is_the_mean_of_the_channels(self, tmp_path: Path):
        samples = np.stack([np.full(SAMPLE_RATE, 0.5), np.full(SAMPLE_RATE, 0.25)])
        path = tmp_path / "steps.wav"
        write_audio(path, samples.astype(np.float32), sample_rate=SAMPLE_RATE, codec="pcm_f32le")
        recording = read_audio(path, sample_rate=SAMPLE_RATE)
        np.testing.assert_allclose(recording.waveform, 0.375)

    def test_surround_gives_one_channel(self, tmp_path: Path):
        samples = np.stack([sine(440, seconds=2), *[silence(seconds=2)] * 5])
        path = write_audio(tmp_path / "surround.flac", samples, sample_rate=44_100)
        recording = read_audio(path, sample_rate=44_100)
        assert recording.info.channels == 6
        assert np.abs(recording.waveform).max() == pytest.approx(0.5 / 6, abs=1e-3)

    def test_unchanged_where_nothing_is_to_be_done(self, tmp_path: Path):
        waveform = noise(seconds=3, sample_rate=SAMPLE_RATE)
        path = tmp_path / "noise.wav"
        write_audio(path, waveform, sample_rate=SAMPLE_RATE, codec="pcm_f32le")
        np.testing.assert_array_equal(read_audio(path, sample_rate=SAMPLE_RATE).waveform, waveform)

    def test_equals_resampling_the_whole_at_once(self, tmp_path: Path):
        import soxr

        waveform = noise(seconds=5)
        path = write_audio(tmp_path / "n.wav", waveform, sample_rate=44_100, codec="pcm_f32le")
        whole = soxr.resample(waveform, 44_100, SAMPLE_RATE, quality="HQ")
        streamed = read_audio(path, sample_rate=SAMPLE_RATE).waveform
        np.testing.assert_allclose(streamed, whole, atol=1e-5)

    def test_goes_on_through_a_change_of_rate_and_channels(self, tmp_path: Path):
        """MP3 frames describe themselves: two files put together are one recording."""
        one = write_audio(tmp_path / "1.mp3", sine(440, seconds=2), sample_rate=44_100)
        tone = sine(440, seconds=2, sample_rate=22_050)
        two = write_audio(tmp_path / "2.mp3", np.stack([tone, tone]), sample_rate=22_050)
        data = [path.read_bytes() for path in (one, two)]
        frames = [each[each.index(b"\xff", 10 + int(each[9])) :] for each in data]
        joined = tmp_path / "joined.mp3"
        joined.write_bytes(b"".join(frames))
        recording = read_audio(joined, sample_rate=SAMPLE_RATE)
        assert recording.waveform.size == pytest.approx(4 * SAMPLE_RATE, rel=0.05)
        for half in np.split(recording.waveform[: recording.waveform.size // 2 * 2], 2):
            assert dominant_hertz(half, sample_rate=SAMPLE_RATE) == pytest.approx(440, 2e-3)


class TestAudioHash:
    @pytest.mark.parametrize(
        ("suffix", "other"),
        [
            (".mp3", ".mka"),
            (".flac", ".ogg"),
            (".opus", ".webm"),
            (".m4a", ".mkv"),
            (".ogg", ".mkv"),
        ],
    )
    def test_survives_retagging_and_another_container(
        self, tmp_path: Path, suffix: str, other: str
    ):
        path = tmp_path / f"one{suffix}"
        write_audio(path, STEREO_TONE, sample_rate=44_100, metadata={"title": "One"})
        retagged = remux(
            path, tmp_path / f"two{suffix}", metadata={"title": "Two", "artist": "x" * 999}
        )
        moved = remux(path, tmp_path / f"three{other}")
        assert retagged.read_bytes() != path.read_bytes()
        hashes = {
            read_audio(each, sample_rate=8_000).audio_hash for each in (path, retagged, moved)
        }
        assert len(hashes) == 1
        assert len(hashes.pop()) == 64

    def test_survives_a_tag_at_the_end(self, tmp_path: Path):
        path = write_audio(tmp_path / "one.mp3", STEREO_TONE, sample_rate=44_100)
        before = read_audio(path, sample_rate=8_000).audio_hash
        path.write_bytes(path.read_bytes() + b"TAG" + b"x" * 125)
        assert read_audio(path, sample_rate=8_000).audio_hash == before

    def test_differs_with_the_sound(self, tmp_path: Path):
        one = write_audio(tmp_path / "one.wav", STEREO_TONE, sample_rate=44_100)
        two = write_audio(tmp_path / "two.wav", STEREO_TONE[:, ::-1], sample_rate=44_100)
        assert (
            read_audio(one, sample_rate=8_000).audio_hash
            != read_audio(two, sample_rate=8_000).audio_hash
        )

    def test_differs_where_the_same_bytes_mean_another_sound(self, tmp_path: Path):
        """Raw samples at another rate are another recording, byte for byte alike."""
        slow = write_audio(tmp_path / "slow.wav", STEREO_TONE, sample_rate=22_050)
        fast = write_audio(tmp_path / "fast.wav", STEREO_TONE, sample_rate=44_100)
        assert (
            read_audio(slow, sample_rate=8_000).audio_hash
            != read_audio(fast, sample_rate=8_000).audio_hash
        )


class TestInfo:
    def test_states_the_file_and_its_tags(self, tmp_path: Path):
        tags = {"title": "Rain", "artist": "Ann", "album": "Days", "copyright": "CC BY 4.0"}
        path = write_audio(tmp_path / "a.mp3", STEREO_TONE, sample_rate=44_100, metadata=tags)
        info = probe_audio(path)
        assert info == AudioInfo(
            path=str(path),
            size_bytes=path.stat().st_size,
            container="mp3",
            codec="mp3",
            duration_seconds=3.0,
            sample_rate=44_100,
            channels=2,
            title="Rain",
            artist="Ann",
            album="Days",
            licence="CC BY 4.0",
        )
        assert read_audio(path, sample_rate=SAMPLE_RATE).info == info

    def test_reads_the_tags_of_ogg(self, tmp_path: Path):
        tags = {"TITLE": "Rain", "LICENSE": "GPL"}
        path = write_audio(tmp_path / "a.ogg", STEREO_TONE, sample_rate=44_100, metadata=tags)
        info = probe_audio(path)
        assert (info.title, info.licence) == ("Rain", "GPL")

    def test_a_bare_copyright_line_is_no_licence(self, tmp_path: Path):
        tags = {"copyright": "(C) 2007 Somebody"}
        path = write_audio(tmp_path / "a.flac", STEREO_TONE, sample_rate=44_100, metadata=tags)
        assert probe_audio(path).licence is None

    def test_tags_are_one_printable_line_of_a_sane_length(self, tmp_path: Path):
        tags = {"title": "Night\n\x1b[31m\u202e  Rain\x07", "artist": "y" * 100_000, "album": " \n"}
        path = write_audio(tmp_path / "a.flac", STEREO_TONE, sample_rate=44_100, metadata=tags)
        info = probe_audio(path)
        assert info.title == "Night [31m Rain"
        assert info.artist == "y" * 300
        assert info.album is None

    def test_measures_what_a_live_recording_does_not_state(self, tmp_path: Path):
        path = write_audio(tmp_path / "a.webm", STEREO_TONE, sample_rate=48_000)
        data = path.read_bytes()
        place = data.index(b"\x44\x89\x88")  # Matroska's Duration, a float of 8 bytes
        path.write_bytes(data[:place] + b"\xec\x89" + data[place + 2 :])  # a Void instead
        assert probe_audio(path).duration_seconds == pytest.approx(
            STEREO_TONE.shape[1] / 48_000, abs=0.1
        )


class TestDamage:
    def test_a_few_broken_packets_are_forgiven(self, tmp_path: Path):
        path = write_audio(
            tmp_path / "a.flac", np.stack([noise(seconds=30)] * 2), sample_rate=44_100
        )
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 64] = bytes(64)
        path.write_bytes(data)
        recording = read_audio(path, sample_rate=SAMPLE_RATE)
        assert recording.info.duration_seconds == pytest.approx(30, abs=0.5)

    def test_a_few_samples_that_are_no_numbers_become_silence(self, tmp_path: Path):
        waveform = noise(seconds=3)
        waveform[1_000:1_010] = np.nan
        path = write_audio(tmp_path / "a.wav", waveform, sample_rate=44_100, codec="pcm_f32le")
        recording = read_audio(path, sample_rate=44_100)
        np.testing.assert_array_equal(recording.waveform[1_000:1_010], 0)
        assert np.isfinite(recording.waveform).all()
        assert recording.loudness_lufs is not None

    def test_variable_bit_rate_without_a_count_of_frames_is_no_promise(self, tmp_path: Path):
        """FFmpeg takes the first frames' bit rate for the whole and is wrong by a factor."""
        quiet_then_loud = np.concatenate([noise(seconds=3), noise(seconds=3, amplitude=0.3)])
        parts = []
        for index, bit_rate in enumerate((320_000, 32_000)):
            part = quiet_then_loud[index * 132_300 : (index + 1) * 132_300]
            path = tmp_path / f"{index}.mp3"
            write_audio(path, part, sample_rate=44_100, bit_rate=bit_rate)
            data = path.read_bytes()
            parts.append(data[data.index(b"\xff", 10 + int(data[9])) :].replace(b"Info", b"None"))
        joined = tmp_path / "joined.mp3"
        joined.write_bytes(parts[1] + parts[0])
        assert probe_audio(joined).duration_seconds > 15
        assert read_audio(joined, sample_rate=SAMPLE_RATE).info.duration_seconds < 7

    def test_a_reading_error_names_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        path = write_audio(tmp_path / "a.wav", STEREO_TONE, sample_rate=44_100)
        monkeypatch.setattr("musiscene.audio.container._open_file", lambda _: FailingFile(path))
        with pytest.raises(UnreadableAudioError, match=r"a\.wav: reading failed: .*I/O error"):
            read_audio(path, sample_rate=SAMPLE_RATE)

    def test_an_error_leaves_nothing_behind_for_the_next_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        path = write_audio(tmp_path / "a.wav", STEREO_TONE, sample_rate=44_100)
        with monkeypatch.context() as patch:
            patch.setattr("musiscene.audio.container._open_file", lambda _: FailingFile(path))
            with pytest.raises(UnreadableAudioError):
                read_audio(path, sample_rate=SAMPLE_RATE)
        assert read_audio(path, sample_rate=SAMPLE_RATE).info.duration_seconds == 3

    @pytest.mark.parametrize("operation", ["stat", "open"])
    def test_no_permission(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str):
        """Simulated: the suite may run as root, whom nothing is forbidden."""

        def forbid(*_args: object, **_keywords: object) -> None:
            raise PermissionError(13, "Permission denied")

        path = write_audio(tmp_path / "a.wav", STEREO_TONE, sample_rate=44_100)
        with monkeypatch.context() as patch:
            patch.setattr(f"pathlib.Path.{operation}", forbid)
            with pytest.raises(UnreadableAudioError, match="no permission to read it"):
                read_audio(path, sample_rate=SAMPLE_RATE)


class FailingFile:
    """Gives the first bytes of a file and then fails as a broken disk does."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int) -> bytes | None:
        if self._file.tell() > 200_000:
            raise OSError(5, "I/O error")
        return self._file.read(size)


class TestQuiet:
    def test_nothing_is_written_to_the_terminal(self, tmp_path: Path):
        path = write_audio(tmp_path / "a.mp3", STEREO_TONE, sample_rate=44_100)
        data = bytearray(path.read_bytes())
        data[20_000:40_000] = bytes(20_000)
        path.write_bytes(data)
        script = (
            "import sys; from musiscene.audio.read import read_audio\n"
            "from musiscene.errors import AudioError\n"
            "try: read_audio(sys.argv[1], sample_rate=16000)\n"
            "except AudioError: pass\n"
        )
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-c", script, str(path)], capture_output=True, check=True
        )
        assert run.stdout == run.stderr == b""

    def test_probing_is_light(self):
        script = (
            "import sys, musiscene.audio.read as _\n"
            "heavy = {'torch', 'scipy', 'librosa', 'pyloudnorm', 'soxr'} & set(sys.modules)\n"
            "sys.exit(', '.join(heavy) or None)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603


class TestMemory:
    def test_a_broken_promise_allocates_nothing(self, tmp_path: Path):
        """A header's claim must not be believed before the samples are there."""
        path = write_audio(tmp_path / "a.flac", STEREO_TONE, sample_rate=44_100)
        data = bytearray(path.read_bytes())
        data[22:26] = b"\x7f\xff\xff\xff"
        path.write_bytes(data)
        tracemalloc.start()
        try:
            with pytest.raises(CorruptAudioError, match="ends after"):
                read_audio(path, sample_rate=SAMPLE_RATE, limits=AudioLimits(max_seconds=1e9))
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak_bytes < 20e6
