from __future__ import annotations

from fractions import Fraction

import msgspec
import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiscene.video.analysis import VideoInfo
from musiscene.video.timecode import (
    STANDARD_RATES,
    can_drop_frames,
    frame_at,
    parse_timecode,
    seconds_at,
    standard_rate,
    timebase_of,
    to_timecode,
)

NTSC = Fraction(30000, 1001)
FRAMES = st.integers(0, 24 * 3600 * 24 - 1)
# The rates of which OpenTimelineIO knows the timecode.
KNOWN = [rate for rate in STANDARD_RATES if rate not in {100, 120, Fraction(120000, 1001)}]
INFO = VideoInfo(
    name="film.mov", size_bytes=1, sha256="", container="mov", codec="h264", width=16, height=16,
    rotation=0, frame_rate="25", is_variable_rate=False, frames=10_000, duration_seconds=400.0,
    start_timecode=None, audio_codec=None, audio_streams=0, video_streams=1,
)  # fmt: skip


class TestTimecode:
    @given(frame=FRAMES, rate=st.sampled_from(KNOWN), drop_frame=st.booleans())
    def test_is_that_of_opentimelineio(self, frame: int, rate: Fraction, *, drop_frame: bool):
        drop_frame = drop_frame and can_drop_frames(rate)
        theirs = otio.opentime.RationalTime(frame, float(rate)).to_timecode(
            float(rate), drop_frame=drop_frame
        )
        assert to_timecode(frame, rate, drop_frame=drop_frame) == theirs

    @given(
        frame=st.integers(0, 10**9),
        rate=st.sampled_from([*STANDARD_RATES, Fraction(29971, 1000), Fraction(25, 2)]),
        drop_frame=st.booleans(),
        start=st.integers(0, 10**7),
    )
    def test_comes_back(self, frame: int, rate: Fraction, *, drop_frame: bool, start: int):
        drop_frame = drop_frame and can_drop_frames(rate)
        text = to_timecode(frame, rate, drop_frame=drop_frame, start=start)
        number, drops = parse_timecode(text, rate)
        assert to_timecode(number, rate, drop_frame=drops) == text
        assert drops == drop_frame

    def test_every_frame_of_twenty_minutes_of_drop_frame_has_its_own_number(self):
        texts = [to_timecode(frame, NTSC, drop_frame=True) for frame in range(20 * 1800)]
        assert len(set(texts)) == len(texts)
        assert texts == sorted(texts)
        assert [parse_timecode(text, NTSC)[0] for text in texts] == list(range(len(texts)))

    @pytest.mark.parametrize(
        ("frame", "text"),
        [(1799, "00:00:59;29"), (1800, "00:01:00;02"), (17982, "00:10:00;00")],
    )
    def test_drop_frame_skips_numbers_at_a_minute(self, frame: int, text: str):
        assert to_timecode(frame, NTSC, drop_frame=True) == text

    def test_four_numbers_are_skipped_at_twice_the_rate(self):
        assert to_timecode(3600, 2 * NTSC, drop_frame=True) == "00:01:00;04"

    def test_drop_frame_keeps_step_with_the_clock(self):
        an_hour = parse_timecode("01:00:00;00", NTSC)[0]
        assert abs(float(seconds_at(an_hour, NTSC)) - 3600) < 0.004

    def test_begins_again_after_a_day(self):
        day = parse_timecode("23:59:59;29", NTSC)[0] + 1
        assert to_timecode(day, NTSC, drop_frame=True) == "00:00:00;00"
        assert to_timecode(-1, Fraction(25), drop_frame=False) == "23:59:59:24"
        assert to_timecode(1, Fraction(25), drop_frame=False, start=24 * 3600 * 25) == "00:00:00:01"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1:2:3",
            "00:01:00;00",
            "24:00:00:00",
            "00:60:00:00",
            "00:00:00:30",
            "\u0660\u0660:00:00:00",
        ],
    )
    def test_what_does_not_exist_is_refused(self, text: str):
        with pytest.raises(ValueError, match=r"timecode|exist|skips"):
            parse_timecode(text, NTSC)

    def test_drop_frame_is_refused_where_there_is_none(self):
        with pytest.raises(ValueError, match="no drop frame"):
            to_timecode(0, Fraction(25), drop_frame=True)
        with pytest.raises(ValueError, match="no drop frame"):
            parse_timecode("00:00:00;00", Fraction(24000, 1001))

    def test_frames_of_three_digits(self):
        assert to_timecode(119, Fraction(120), drop_frame=False) == "00:00:00:119"


class TestSeconds:
    @given(frame=st.integers(0, 10**8), rate=st.sampled_from(STANDARD_RATES))
    def test_come_back_also_after_rounding(self, frame: int, rate: Fraction):
        exact = seconds_at(frame, rate)
        assert exact * rate == frame
        assert frame_at(exact, rate) == frame
        assert frame_at(round(float(exact), 6), rate) == frame


class TestStandardRate:
    @pytest.mark.parametrize(
        ("measured", "frames", "expected"),
        [
            pytest.param("2997/100", 100_000, NTSC, id="rounded"),
            pytest.param("29971/1000", 10_000, NTSC, id="a mean over five minutes"),
            pytest.param("29971/1000", 20_000, Fraction(29971, 1000), id="over eleven"),
            pytest.param("23976/1000", 100_000, Fraction(24000, 1001), id="rounded film"),
            pytest.param("24000/1001", 500, Fraction(24000, 1001), id="not 24"),
            pytest.param("27", 1000, Fraction(27), id="no standard"),
        ],
    )
    def test_no_frame_moves_by_half_a_frame(self, measured: str, frames: int, expected: Fraction):
        rate = standard_rate(Fraction(measured), frames)
        assert rate.fps == expected
        assert (rate.notice is None) == (expected in STANDARD_RATES)

    @given(measured=st.fractions(10, 121, max_denominator=10_000), frames=st.integers(1, 10**6))
    def test_moves_nothing_by_half_a_frame_or_says_so(self, measured: Fraction, frames: int):
        rate = standard_rate(measured, frames)
        assert abs(frames / measured * rate.fps - frames) < Fraction(1, 2)
        assert rate.fps == measured or rate.notice is None


class TestTimebase:
    def test_drops_frames_only_where_the_video_or_the_user_says_so(self):
        ntsc = msgspec.structs.replace(INFO, frame_rate="30000/1001")
        assert not timebase_of(ntsc).drop_frame
        assert timebase_of(ntsc, drop_frame=True).timecode(1800) == "00:01:00;02"
        dropping = msgspec.structs.replace(ntsc, start_timecode="00:59:50;00")
        base = timebase_of(dropping)
        assert base.drop_frame
        assert base.timecode(0) == "00:59:50;00"
        assert base.timecode(300) == "01:00:00;00"

    def test_a_start_that_cannot_be_is_left_out_with_a_notice(self):
        base = timebase_of(msgspec.structs.replace(INFO, start_timecode="01:00:00;00"))
        assert (base.start, base.drop_frame) == (0, False)
        assert "not used" in base.notices[0]

    def test_drop_frame_cannot_be_asked_for_at_25(self):
        with pytest.raises(ValueError, match="no drop frame"):
            timebase_of(INFO, drop_frame=True)
