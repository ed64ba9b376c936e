from __future__ import annotations

import errno
import threading
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import msgspec
import numpy as np
import pytest

from indexer.spotting.cue_plan import Duck
from indexer.spotting.errors import ExportError
from indexer.spotting.preview import mix as mixing
from indexer.spotting.preview.mix import mix_preview
from indexer.spotting.preview.scratch import Scratch
from indexer.spotting.preview.sources import own_pieces
from musiscene.audio.loudness import LoudnessMeter, integrated_lufs
from musiscene.errors import VideoStoppedError
from musiscene.generate.mastering import CEILING, true_peak
from musiscene.video.limits import VideoLimits
from musiscene.video.probe import first_turn
from musiscene.video.probe_file import open_video
from tests.support.audio import noise, silence, sine, write_audio
from tests.support.exports import chosen, cue, info, plan_of
from tests.support.video import MadeShot, gradient, plain, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from indexer.spotting.cue_plan import Cue, CuePlan

RATE = 48_000
FRAMES = 150
"""Six seconds at 25 frames a second."""
SHOTS = [MadeShot(plain((200, 30, 30)), 80), MadeShot(gradient((0, 0, 90), (9, 200, 9)), 70)]


def film(path: Path, audio: NDArray[np.float32] | None = None, **options: object) -> Path:
    write_video(path, SHOTS, size=(64, 48), audio=audio, **options)  # type: ignore[arg-type]
    return path


def score(*cues: Cue, sound: bool = False, **changes: object) -> CuePlan:
    video = info(frames=FRAMES, audio_codec="aac" if sound else None)
    return plan_of(msgspec.structs.replace(video, **changes), cues)


def click(at: int, *, samples: int, level: float = 0.9) -> NDArray[np.float32]:
    track = np.zeros(samples, np.float32)
    track[at] = level
    return track


def heard(path: Path) -> NDArray[np.float32]:
    """The sound of a file in its place beside the picture, shape (2, samples)."""
    pieces = list(own_pieces(path))
    sound = np.zeros((2, max(at + piece.shape[1] for at, piece in pieces)), np.float32)
    for at, piece in pieces:
        sound[:, max(0, at) : at + piece.shape[1]] = piece[:, max(0, -at) :]
    return sound


def lufs(sound: NDArray[np.float32]) -> float:
    meter = LoudnessMeter(sample_rate=RATE, weights=[1.0, 1.0])
    meter.add(sound)
    return integrated_lufs(meter.block_powers()) or -np.inf


def decibels(sound: NDArray[np.float32], start: float, end: float) -> float:
    part = sound[:, round(start * RATE) : round(end * RATE)]
    return float(10 * np.log10(np.mean(np.square(part))))


def packets(path: Path) -> list[tuple[bytes, int]]:
    with open_video(path, limits=VideoLimits()) as opened:
        found = [
            (bytes(packet), packet.pts * packet.time_base)
            for packet in opened.container.demux(opened.stream)
            if packet.size and packet.pts is not None and packet.time_base is not None
        ]
    first = min(at for _, at in found)
    return [(data, round((at - first) * 1000)) for data, at in found]


class TestPlaces:
    @pytest.mark.parametrize("rate", [44_100, 48_000])
    def test_music_sounds_at_its_very_sample(self, tmp_path: Path, rate: int):
        track = write_audio(
            tmp_path / "a.flac", click(3 * rate, samples=5 * rate), sample_rate=rate
        )
        one = cue(0, (50, 140), chosen(source_start_seconds=1.5))
        out = tmp_path / "mix.wav"
        report = mix_preview(
            score(one), film(tmp_path / "v.mp4"), out, audio_of=lambda _: track, lufs=-30.0
        )
        sound = heard(out)
        assert sound.shape[1] == 6 * RATE
        assert report.seconds == 6.0
        assert int(np.abs(sound[0]).argmax()) == 2 * RATE + round(1.5 * RATE)

    def test_a_cue_sounds_from_its_first_frame_to_its_last(self, tmp_path: Path):
        track = write_audio(tmp_path / "a.flac", sine(440, seconds=9), sample_rate=44_100)
        rate = Fraction(30000, 1001)
        plan = score(
            cue(0, (31, 107), chosen(source_start_seconds=0.0), rate=rate),
            frame_rate=str(rate), duration_seconds=float(FRAMES / rate),
        )  # fmt: skip
        mix_preview(plan, film(tmp_path / "v.mp4"), tmp_path / "mix.wav", audio_of=lambda _: track)
        sounding = np.flatnonzero(np.abs(heard(tmp_path / "mix.wav")[0]) > 1e-4)
        assert abs(int(sounding[0]) - round(31 / rate * RATE)) < 5
        assert abs(int(sounding[-1]) - round(107 / rate * RATE)) < 20

    @pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi"])
    def test_the_own_sound_stays_in_its_place(self, tmp_path: Path, suffix: str):
        codec = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(suffix, "libx264")
        own = click(2 * RATE, samples=6 * RATE)
        video = film(tmp_path / f"v{suffix}", own, codec=codec)
        mix_preview(score(sound=True), video, tmp_path / "mix.wav", audio_of=lambda _: None)
        at = int(np.abs(heard(tmp_path / "mix.wav")[0]).argmax())
        assert abs(at - 2 * RATE) <= RATE // 1000

    def test_both_stay_in_step_under_the_picture(self, tmp_path: Path):
        video = film(tmp_path / "v.mov", click(RATE, samples=6 * RATE))
        track = write_audio(tmp_path / "a.flac", click(RATE, samples=4 * RATE), sample_rate=RATE)
        one = cue(0, (100, 140), chosen(source_start_seconds=0.0))
        out = tmp_path / "mix.mp4"
        mix_preview(score(one, sound=True), video, out, audio_of=lambda _: track, lufs=-30.0)
        sound = np.abs(heard(out)[0])
        first, second = int(sound[: 3 * RATE].argmax()), 3 * RATE + int(sound[3 * RATE :].argmax())
        assert abs(first - RATE) <= RATE // 1000
        assert abs(second - 5 * RATE) <= RATE // 1000


class TestLevels:
    def test_ducks_are_as_deep_as_planned_and_without_a_step(self, tmp_path: Path):
        track = write_audio(tmp_path / "a.flac", sine(1000, seconds=7), sample_rate=44_100)
        duck = Duck(start_seconds=2.5, end_seconds=4.0, gain_db=-12.0)
        one = cue(0, (0, FRAMES), chosen(source_start_seconds=0.0), ducks=(duck,), gain_db=-3.0)
        mix_preview(
            score(one), film(tmp_path / "v.mp4"), tmp_path / "mix.wav", audio_of=lambda _: track,
            lufs=-23.0,
        )  # fmt: skip
        sound = heard(tmp_path / "mix.wav")
        before = decibels(sound, 1.0, 2.0)
        assert decibels(sound, 2.5, 4.0) - before == pytest.approx(-12.0, abs=0.2)
        assert decibels(sound, 5.0, 5.9) - before == pytest.approx(0.0, abs=0.1)
        levels = [decibels(sound, at, at + 0.01) for at in np.arange(2.0, 5.0, 0.01)]
        assert np.abs(np.diff(levels)).max() < 1.0

    def test_fades_keep_their_length_and_equal_power(self, tmp_path: Path):
        track = write_audio(tmp_path / "a.flac", noise(seconds=8), sample_rate=44_100)
        one = cue(
            0, (0, FRAMES), chosen(source_start_seconds=0.0), fade_in_seconds=2.0,
            fade_out_seconds=1.0,
        )  # fmt: skip
        mix_preview(
            score(one), film(tmp_path / "v.mp4"), tmp_path / "mix.wav", audio_of=lambda _: track,
            lufs=-30.0,
        )  # fmt: skip
        sound = heard(tmp_path / "mix.wav")
        full = decibels(sound, 2.5, 4.5)
        assert decibels(sound, 0.95, 1.05) - full == pytest.approx(-3.0, abs=0.3)
        assert decibels(sound, 5.45, 5.55) - full == pytest.approx(-3.0, abs=0.3)

    @pytest.mark.parametrize("target", [-14.0, -23.0])
    def test_reaches_its_loudness_without_clipping(self, tmp_path: Path, target: float):
        own = noise(seconds=6, sample_rate=RATE, amplitude=0.02)
        own[:: RATE // 2] = 0.95
        track = write_audio(tmp_path / "a.flac", noise(seconds=8), sample_rate=44_100)
        one = cue(0, (20, 130), chosen(source_start_seconds=0.5), gain_db=-6.0)
        report = mix_preview(
            score(one, sound=True), film(tmp_path / "v.mp4", own), tmp_path / "mix.wav",
            audio_of=lambda _: track, lufs=target,
        )  # fmt: skip
        sound = heard(tmp_path / "mix.wav")
        assert lufs(sound) == pytest.approx(target, abs=0.5)
        assert report.lufs == pytest.approx(lufs(sound), abs=0.1)
        assert true_peak(sound) <= CEILING * 1.001
        assert report.true_peak_db is not None
        assert report.true_peak_db <= -0.99

    def test_nothing_that_sounds_stays_silent(self, tmp_path: Path):
        report = mix_preview(
            score(), film(tmp_path / "v.mp4"), tmp_path / "mix.flac", audio_of=lambda _: None
        )
        assert report.lufs is None
        assert not heard(tmp_path / "mix.flac").any()


class TestPicture:
    @pytest.mark.parametrize(
        ("source", "codec", "out", "written"),
        [
            (".mp4", "libx264", ".mp4", ".mp4"),
            (".mp4", "libx264", ".mov", ".mov"),
            (".mov", "libx265", ".mkv", ".mkv"),
            (".mov", "prores_ks", ".mov", ".mov"),
            (".mov", "prores_ks", ".mp4", ".mkv"),
            (".webm", "libvpx-vp9", ".mp4", ".mp4"),
            (".webm", "libvpx", ".mp4", ".mkv"),
            (".webm", "libvpx-vp9", ".mov", ".mkv"),
            (".mkv", "libsvtav1", ".mp4", ".mp4"),
            (".avi", "mpeg4", ".mp4", ".mp4"),
            (".avi", "mjpeg", ".mkv", ".mkv"),
        ],
    )
    def test_is_copied_as_it_is(
        self, tmp_path: Path, source: str, codec: str, out: str, written: str
    ):
        video = film(tmp_path / f"v{source}", silence(seconds=6, sample_rate=RATE), codec=codec)
        report = mix_preview(
            score(sound=True), video, tmp_path / f"mix{out}", audio_of=lambda _: None
        )
        assert report.path == str(tmp_path / f"mix{written}")
        before, after = packets(video), packets(tmp_path / f"mix{written}")
        assert [data for data, _ in after] == [data for data, _ in before]
        assert [at for _, at in after] == pytest.approx([at for _, at in before], abs=1)
        with av.open(str(tmp_path / f"mix{written}")) as made:
            assert made.streams.audio[0].codec_context.name == "aac"

    @pytest.mark.parametrize("out", [".mp4", ".mov", ".mkv"])
    def test_stays_upright_in_shape_and_count(self, tmp_path: Path, out: str):
        video = film(
            tmp_path / "v.mov", rotation=90, pixel_aspect=Fraction(4, 3), timecode="01:00:00:00",
            noise=3.0,
        )  # fmt: skip
        plan = score(start_timecode="01:00:00:00")
        mix_preview(plan, video, tmp_path / f"mix{out}", audio_of=lambda _: None)
        with open_video(tmp_path / f"mix{out}", limits=VideoLimits()) as opened:
            assert opened.stream.sample_aspect_ratio == Fraction(4, 3)
            codes = {key.lower(): value for key, value in opened.stream.metadata.items()}
            assert codes.get("timecode") == "01:00:00:00"
            assert first_turn(opened) == 90


class TestCare:
    def test_says_what_is_left_out(self, tmp_path: Path):
        broken = tmp_path / "broken.flac"
        broken.write_bytes(b"fLaC" + bytes(100))
        good, gone, bad = chosen("good"), chosen("gone"), chosen("bad")
        cues = [
            cue(0, (0, 30), good, is_muted=True), cue(1, (30, 60), gone), cue(2, (60, 90), bad),
            cue(3, (90, FRAMES), kind="open"),
        ]  # fmt: skip
        report = mix_preview(
            score(*cues), film(tmp_path / "v.mp4"), tmp_path / "mix.mp3",
            audio_of=lambda track: broken if track == bad.track.id else None,
        )  # fmt: skip
        assert report.left_out[:2] == ("c0: muted", "c1: the file of its track is gone")
        assert report.left_out[2].startswith("c2: ")
        assert (tmp_path / "mix.mp3").stat().st_size > 1000

    def test_stops_and_leaves_nothing(self, tmp_path: Path):
        stop = threading.Event()
        seen: list[float] = []

        def progress(_step: str, share: float) -> None:
            seen.append(share)
            if share > 0.7:
                stop.set()

        with pytest.raises(VideoStoppedError):
            mix_preview(
                score(), film(tmp_path / "v.mp4"), tmp_path / "mix.mp4", audio_of=lambda _: None,
                progress=progress, stop=stop,
            )  # fmt: skip
        assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
        assert seen == sorted(seen)

    def test_a_full_disk_is_a_clear_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Scratch, "write", full)
        old = tmp_path / "mix.wav"
        old.write_bytes(b"old")
        with pytest.raises(ExportError, match=r"mix\.wav: cannot be written \(No space left"):
            mix_preview(score(), film(tmp_path / "v.mp4"), old, audio_of=lambda _: None)
        assert old.read_bytes() == b"old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.wav", "v.mp4"]

    @pytest.mark.parametrize(("name", "target"), [("mix.ogg", -14.0), ("mix.wav", 3.0)])
    def test_what_cannot_be_is_refused(self, tmp_path: Path, name: str, target: float):
        with pytest.raises(ExportError):
            mix_preview(score(), tmp_path / "v.mp4", tmp_path / name, audio_of=lambda _: None,
                        lufs=target)  # fmt: skip

    def test_progress_ends_at_one(self, tmp_path: Path):
        seen: list[float] = []
        mix_preview(
            score(), film(tmp_path / "v.mp4"), tmp_path / "mix.wav", audio_of=lambda _: None,
            progress=lambda _step, share: seen.append(share),
        )  # fmt: skip
        assert seen[-1] == 1.0
        assert mixing.MIXED_SHARE in seen
