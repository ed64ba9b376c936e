"""What is seen in videos whose truth is known to the frame."""

from __future__ import annotations

import hashlib
import threading
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from musiscene.errors import VideoLimitError, VideoStoppedError
from musiscene.video.analysis import SceneFacts, Shot, VideoAnalysis, VideoScene
from musiscene.video.fingerprints import likeness
from musiscene.video.limits import VideoLimits
from musiscene.video.watch import watch_video
from tests.support.audio import sine
from tests.support.video import MadeShot, gradient, plain, shapes, texture, write_video

if TYPE_CHECKING:
    from pathlib import Path

SMALL = (96, 54)
CUT_SHOTS = (
    MadeShot(texture(1, speed=0.005), 20),
    MadeShot(shapes(2), 15),
    MadeShot(texture(3), 22),
)


def starts_of(analysis: VideoAnalysis) -> list[int]:
    return [shot.start_frame for shot in analysis.shots[1:]]


class TestWatchVideo:
    @pytest.mark.parametrize(
        ("name", "codec", "read"),
        [
            pytest.param("a.mp4", "libx264", "h264", id="H.264 in MP4"),
            pytest.param("a.mov", "prores_ks", "prores", id="ProRes in MOV"),
            pytest.param("a.mkv", "libx265", "hevc", id="HEVC in Matroska"),
            pytest.param("a.webm", "libvpx-vp9", "vp9", id="VP9 in WebM"),
            pytest.param("b.mp4", "libsvtav1", "av1", id="AV1 in MP4"),
            pytest.param("a.avi", "mjpeg", "mjpeg", id="MJPEG in AVI"),
            pytest.param("a.ts", "libx264", "h264", id="H.264 in a transport stream"),
        ],
    )
    def test_finds_cuts_to_the_frame_in_every_codec(
        self, tmp_path: Path, name: str, codec: str, read: str
    ):
        made = write_video(tmp_path / name, CUT_SHOTS, size=SMALL, codec=codec)
        analysis = watch_video(made.path)
        assert starts_of(analysis) == made.cuts
        assert [shot.begins for shot in analysis.shots] == ["start", "cut", "cut"]
        assert (analysis.info.codec, analysis.info.frames) == (read, made.frames)
        assert analysis.info.duration_seconds == pytest.approx(made.frames / 25, abs=1e-3)

    @pytest.mark.parametrize(
        "rate",
        [
            Fraction(24000, 1001),
            Fraction(24),
            Fraction(25),
            Fraction(30000, 1001),
            Fraction(30),
            Fraction(50),
            Fraction(60000, 1001),
        ],
    )
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_keeps_the_grid_of_every_rate(self, tmp_path: Path, rate: Fraction, suffix: str):
        made = write_video(tmp_path / f"a{suffix}", CUT_SHOTS, size=SMALL, rate=rate)
        analysis = watch_video(made.path)
        assert analysis.info.rate == rate
        assert not analysis.info.is_variable_rate
        assert starts_of(analysis) == made.cuts

    def test_shots_and_scenes_lie_without_gaps(self, tmp_path: Path):
        made = write_video(tmp_path / "a.mp4", CUT_SHOTS, size=SMALL)
        analysis = watch_video(made.path)
        both: tuple[tuple[Shot | VideoScene, ...], ...] = (analysis.shots, analysis.scenes)
        for parts in both:
            assert parts[0].start_frame == 0
            assert parts[-1].end_frame == analysis.info.frames
            for before, after in pairwise(parts):
                assert before.end_frame == after.start_frame
                assert before.end_seconds == after.start_seconds
        assert analysis.scenes[0].first_shot == 0
        assert analysis.scenes[-1].last_shot == len(analysis.shots) - 1
        assert len(analysis.activity) == 3
        assert analysis.info.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()

    def test_flashes_are_no_cuts(self, tmp_path: Path):
        shots = (
            MadeShot(texture(1), 40, flashes=(10, 20, 21, 30, 31, 32)),
            MadeShot(texture(2), 30, flashes=(0, 1)),
        )
        made = write_video(tmp_path / "a.mp4", shots, size=SMALL)
        seen = watch_video(made.path)
        assert starts_of(seen) in ([40], [42])
        assert [shot.begins for shot in seen.shots] == ["start", "cut"]

    def test_a_fade_through_black_is_where_the_new_picture_appears(self, tmp_path: Path):
        shots = (MadeShot(texture(1), 40), MadeShot(texture(2), 40, "fade", 10))
        seen = watch_video(write_video(tmp_path / "a.mp4", shots, size=SMALL).path)
        assert [shot.begins for shot in seen.shots] == ["start", "fade"]
        assert abs(seen.shots[1].start_frame - 40) <= 1

    def test_a_dissolve_is_in_its_middle(self, tmp_path: Path):
        shots = (MadeShot(texture(1), 50), MadeShot(texture(2), 50, "dissolve", 20))
        made = write_video(tmp_path / "a.mp4", shots, size=SMALL)
        seen = watch_video(made.path)
        assert [shot.begins for shot in seen.shots] == ["start", "fade"]
        assert abs(seen.shots[1].start_frame - made.starts[0].frame) <= 2

    def test_motion_and_noise_are_no_cuts(self, tmp_path: Path):
        shots = (MadeShot(texture(5, speed=0.03), 60),)
        made = write_video(tmp_path / "a.mp4", shots, size=SMALL, noise=20.0)
        assert len(watch_video(made.path).shots) == 1

    def test_a_turned_picture_is_upright(self, tmp_path: Path):
        made = write_video(tmp_path / "a.mp4", CUT_SHOTS[:1], size=SMALL, rotation=90)
        info = watch_video(made.path).info
        assert (info.width, info.height, info.rotation) == (54, 96, 90)

    def test_pixels_that_are_not_square_are_stretched(self, tmp_path: Path):
        made = write_video(
            tmp_path / "a.mp4", CUT_SHOTS[:1], size=SMALL, pixel_aspect=Fraction(4, 3)
        )
        info = watch_video(made.path).info
        assert (info.width, info.height) == (128, 54)

    def test_uneven_times_give_the_seconds_of_each_cut(self, tmp_path: Path):
        steps = np.random.default_rng(0).choice([0.02, 0.04, 0.08], 57)
        times = np.cumsum(steps) - steps[0]
        made = write_video(tmp_path / "a.mp4", CUT_SHOTS, size=SMALL, seconds=times.tolist())
        analysis = watch_video(made.path)
        assert analysis.info.is_variable_rate
        assert [shot.start_seconds for shot in analysis.shots[1:]] == pytest.approx(
            [times[cut] for cut in made.cuts], abs=1e-3
        )
        assert any("uneven" in notice for notice in analysis.notices)

    def test_a_header_that_calls_ticks_frames_is_not_believed(self, tmp_path: Path):
        """Recordings of browsers state a thousand frames a second."""
        times = [number / 30 for number in range(57)]
        made = write_video(
            tmp_path / "a.mkv", CUT_SHOTS, size=SMALL, rate=Fraction(1000), seconds=times
        )
        analysis = watch_video(made.path)
        assert (analysis.info.frame_rate, analysis.info.is_variable_rate) == ("30/1", False)
        assert starts_of(analysis) == made.cuts

    def test_says_what_the_container_says(self, tmp_path: Path):
        tone = (0.2 * sine(440, seconds=2.0, sample_rate=48_000)).astype(np.float32)
        made = write_video(
            tmp_path / "odd.mp4",
            CUT_SHOTS,
            size=(97, 55),
            rate=Fraction(30000, 1001),
            audio=tone,
            more_sounds=1,
            more_pictures=1,
            timecode="01:00:00;00",
        )
        analysis = watch_video(made.path)
        info = analysis.info
        assert (info.name, info.width, info.height) == ("odd.mp4", 97, 55)
        assert (info.audio_codec, info.audio_streams, info.video_streams) == ("aac", 2, 2)
        assert info.start_timecode == "01:00:00;00"
        assert analysis.sound is not None
        assert analysis.scenes[0].facts.loudness_lufs is not None
        assert msgspec.json.decode(msgspec.json.encode(analysis), type=VideoAnalysis) == analysis

    def test_a_silent_film_has_no_sound(self, tmp_path: Path):
        analysis = watch_video(write_video(tmp_path / "a.mkv", CUT_SHOTS[:1], size=SMALL).path)
        assert analysis.sound is None
        assert analysis.info.audio_codec is None
        assert analysis.notices == ()

    def test_stops_when_told_to(self, tmp_path: Path):
        stop = threading.Event()
        stop.set()
        made = write_video(tmp_path / "a.mp4", CUT_SHOTS, size=SMALL)
        with pytest.raises(VideoStoppedError):
            watch_video(made.path, stop=stop)

    def test_tells_how_far_it_is(self, tmp_path: Path):
        told: list[tuple[str, float]] = []
        made = write_video(tmp_path / "a.mp4", CUT_SHOTS, size=SMALL)
        watch_video(made.path, progress=lambda step, share: told.append((step, share)))
        assert told[0] == ("watching", 0.0)
        assert told[-1] == ("watching", 1.0)

    @pytest.mark.parametrize(
        ("limits", "says"),
        [
            pytest.param(VideoLimits(max_bytes=100), "bytes", id="bytes"),
            pytest.param(VideoLimits(max_seconds=1.0), "claims to last", id="seconds"),
            pytest.param(VideoLimits(max_frames=20), "frames", id="frames"),
            pytest.param(VideoLimits(max_frame_rate=20.0), "frames a second", id="rate"),
            pytest.param(VideoLimits(max_streams=1), "streams", id="streams"),
            pytest.param(VideoLimits(max_shots=2), "shots", id="shots"),
        ],
    )
    def test_keeps_every_limit(self, tmp_path: Path, limits: VideoLimits, says: str):
        tone = sine(440, seconds=1.0, sample_rate=48_000).astype(np.float32)
        made = write_video(tmp_path / "a.mp4", CUT_SHOTS, size=SMALL, audio=tone)
        with pytest.raises(VideoLimitError, match=says):
            watch_video(made.path, limits=limits)


class TestFacts:
    def facts_of(self, tmp_path: Path, shot: MadeShot) -> SceneFacts:
        return watch_video(write_video(tmp_path / "a.mp4", [shot], size=SMALL).path).scenes[0].facts

    def test_warmth_tells_orange_from_blue(self, tmp_path: Path):
        assert self.facts_of(tmp_path, MadeShot(plain((230, 130, 30)), 10)).warmth > 0.5
        assert self.facts_of(tmp_path, MadeShot(plain((30, 60, 200)), 10)).warmth < -0.5
        assert abs(self.facts_of(tmp_path, MadeShot(plain((90, 90, 90)), 10)).warmth) < 0.05

    def test_brightness_contrast_and_saturation(self, tmp_path: Path):
        grey = self.facts_of(tmp_path, MadeShot(plain((128, 128, 128)), 10))
        assert grey.brightness == pytest.approx(0.5, abs=0.03)
        assert grey.contrast < 0.02
        assert grey.saturation < 0.03
        steep = self.facts_of(tmp_path, MadeShot(gradient((0, 0, 0), (255, 255, 255)), 10))
        assert steep.contrast == pytest.approx(1 / np.sqrt(12), abs=0.03)
        assert self.facts_of(tmp_path, MadeShot(plain((250, 5, 5)), 10)).saturation > 0.8

    def test_motion_rises_with_speed_and_leaves_cuts_out(self, tmp_path: Path):
        motions = [
            self.facts_of(tmp_path, MadeShot(texture(7, speed=speed), 25)).motion
            for speed in (0.0, 0.03, 0.09)
        ]
        assert motions[0] < 0.01 < motions[1] < motions[2]
        still = [MadeShot(texture(seed), 12) for seed in range(4)]
        scene = watch_video(write_video(tmp_path / "b.mp4", still, size=SMALL).path).scenes[0]
        assert scene.facts.motion < 0.02
        assert scene.facts.cuts_per_minute == pytest.approx(60 * 3 / (48 / 25), rel=0.01)

    def test_activity_follows_cuts_and_motion(self, tmp_path: Path):
        calm = [MadeShot(texture(1), 100)]
        quick = [MadeShot(texture(seed, speed=0.03), 10) for seed in range(2, 12)]
        made = write_video(tmp_path / "a.mp4", calm + quick, size=SMALL)
        activity = watch_video(made.path).activity
        assert max(activity[:2]) < 0.05
        assert min(activity[5:7]) > 0.5


class TestScenes:
    def test_a_dialogue_is_one_scene_and_another_place_is_another(self, tmp_path: Path):
        one, other = texture(11), texture(12)
        dialogue = [MadeShot(look, 25) for look in (one, other) * 3]
        elsewhere = [MadeShot(plain((20, 40, 160)), 90), MadeShot(plain((24, 44, 150)), 40)]
        made = write_video(tmp_path / "a.mp4", dialogue + elsewhere, size=SMALL)
        scenes = watch_video(made.path).scenes
        assert [scene.start_frame for scene in scenes] == [0, 150]

    def test_a_fade_ends_a_scene(self, tmp_path: Path):
        shots = [MadeShot(texture(11), 90), MadeShot(texture(11), 90, "fade", 10)]
        scenes = watch_video(write_video(tmp_path / "a.mp4", shots, size=SMALL).path).scenes
        assert len(scenes) == 2

    def test_keyframes_show_something(self, tmp_path: Path):
        shots = [MadeShot(plain((0, 0, 0)), 20), MadeShot(texture(3), 60, "fade", 12)]
        scene = watch_video(write_video(tmp_path / "a.mp4", shots, size=SMALL).path).scenes[0]
        assert all(1.2 < seconds < 3.2 for seconds in scene.keyframes_seconds)


class TestFingerprints:
    def test_a_shot_is_known_again_trimmed_scaled_and_encoded_anew(self, tmp_path: Path):
        looks = [texture(seed, speed=0.004) for seed in range(4)]
        first = write_video(
            tmp_path / "a.mp4", [MadeShot(look, 50) for look in looks], size=(160, 90)
        )
        second = write_video(
            tmp_path / "b.mkv",
            [MadeShot(look, 30) for look in reversed(looks)],
            size=SMALL,
            options={"preset": "ultrafast", "crf": "35"},
        )
        one = [shot.fingerprint for shot in watch_video(first.path).shots]
        two = [shot.fingerprint for shot in watch_video(second.path).shots]
        alike = np.array([[likeness(a, b) for b in reversed(two)] for a in one])
        assert alike.shape == (4, 4)
        assert alike.diagonal().min() > 0.6
        assert alike[~np.eye(4, dtype=bool)].max() < 0.4

    def test_plain_pictures_are_told_apart_by_colour(self, tmp_path: Path):
        colours = ((200, 30, 30), (30, 160, 40), (30, 40, 200), (120, 120, 120))
        shots = [MadeShot(plain(colour), 12) for colour in colours]
        seen = watch_video(write_video(tmp_path / "a.mp4", shots, size=SMALL).path).shots
        prints = [shot.fingerprint for shot in seen]
        assert len(prints) == 4
        for place, one in enumerate(prints):
            assert likeness(one, one) == 1.0
            assert all(likeness(one, other) < 0.3 for other in prints[place + 1 :])
