"""What filters find, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from indexer.catalogue.database import write_session
from indexer.catalogue.models import Tag, Track
from indexer.catalogue.repository import Catalogue
from indexer.filters import read_text
from indexer.filters.conditions import TAG_THRESHOLD, condition_of
from indexer.filters.fields import TAG_FIELDS, age_of, is_age, period_of
from indexer.filters.terms import And, Filter, Not, Or, Scalar
from tests.support.filters import filters

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


def track(name: str, /, *, tags: dict[str, float] | None = None, **facts: object) -> Track:
    usual: dict[str, object] = {
        "path": f"/m/{name}.wav", "size_bytes": 1, "modified_ns": 1, "audio_hash": "0" * 64,
        "added_at": NOW, "model_version": "test-1", "generated": False, "codec": "pcm_s16le",
        "duration_seconds": 30.0, "sample_rate": 44_100, "channels": 2, "bpm": 120.0,
        "bpm_confidence": 0.9, "key": "E:major", "key_confidence": 0.8, "loudness_lufs": -14.0,
        "vocal_probability": 0.1, "vocal_confidence": 0.7, "valence": 0.5, "arousal": -0.25,
        "energy_curve": b"",
    }  # fmt: skip
    heard = [Tag(vocabulary="mtt", name=tag, score=score) for tag, score in (tags or {}).items()]
    return Track(**(usual | facts), tags=heard)


def tracks() -> dict[str, Track]:
    return {
        "slow": track(
            "slow", bpm=60.0, key="D#:minor", tags={"piano": 0.6}, artist="The Band",
            vocal_probability=0.9, added_at=NOW - timedelta(days=40), licence="CC-BY 4.0",
        ),
        "fast": track(
            "fast", bpm=140.0, tags={"metal": 0.4, "piano": 0.05}, title='100% "loud" (live)|x',
            arousal=0.9, added_at=NOW - timedelta(days=3),
        ),
        "quiet": track(
            "quiet", bpm=90.0, key="E:minor", loudness_lufs=None, duration_seconds=90.0,
            generated=True, album="ABBA_Gold", valence=-0.5, tags={"harp": 0.15},
            album_artist="Various", disc_number=2, track_number=7,
            added_at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC),
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def catalogue(module_catalogue_location: str) -> Iterator[Catalogue]:
    with Catalogue.open(module_catalogue_location) as opened:
        with write_session(opened._engine) as session:
            session.add_all(tracks().values())
        yield opened


def found(catalogue: Catalogue, wanted: Filter | None) -> set[str]:
    conditions = [] if wanted is None else [condition_of(wanted, now=NOW)]
    ids = catalogue.track_ids(*conditions)
    paths = {track.path for track in catalogue.tracks(list(ids)).values()}
    return {path.removeprefix("/m/").removesuffix(".wav") for path in paths}


class TestConditionOf:
    @pytest.mark.parametrize(
        ("expression", "names"),
        [
            pytest.param("", {"slow", "fast", "quiet"}, id="empty"),
            pytest.param("bpm=80..150", {"fast", "quiet"}, id="range"),
            pytest.param("bpm=..90", {"slow", "quiet"}, id="open below"),
            pytest.param("bpm=90..", {"fast", "quiet"}, id="open above"),
            pytest.param("bpm=90", {"quiet"}, id="exact"),
            pytest.param("bpm=90|60", {"quiet", "slow"}, id="either number"),
            pytest.param("bpm>60 bpm<=90", {"quiet"}, id="both bounds"),
            pytest.param("-bpm>=90", {"slow"}, id="negated"),
            pytest.param("bpm~=70", {"fast"}, id="double tempo"),
            pytest.param("bpm~=180", {"quiet"}, id="half tempo"),
            pytest.param("bpm~=57.7", {"slow"}, id="within 4 %"),
            pytest.param("bpm~=57.6", set(), id="beyond 4 %"),
            pytest.param("duration>=60", {"quiet"}, id="duration"),
            pytest.param("valence<0 or arousal>0.5", {"quiet", "fast"}, id="affect"),
            pytest.param("loudness>=-20", {"slow", "fast"}, id="no value is not in a range"),
            pytest.param("-loudness>=-20", {"quiet"}, id="negated finds what has no value"),
            pytest.param("-loudness=..", {"quiet"}, id="no value at all"),
            pytest.param("key=E", {"fast", "quiet"}, id="tonic"),
            pytest.param("key=E:minor", {"quiet"}, id="key"),
            pytest.param("key=eb:minor", {"slow"}, id="flat, small letter"),
            pytest.param("key=Eb|E:major", {"slow", "fast"}, id="either key"),
            pytest.param("key=D", set(), id="D is not D#"),
            pytest.param("mode=minor -key=E", {"slow"}, id="mode"),
            pytest.param("vocals=yes", {"slow"}, id="vocals"),
            pytest.param("vocals=no", {"fast", "quiet"}, id="no vocals"),
            pytest.param("generated=yes", {"quiet"}, id="generated"),
            pytest.param("tag=Piano", {"slow"}, id="tag under the threshold is not heard"),
            pytest.param("instrument=piano|harp", {"slow", "quiet"}, id="either tag"),
            pytest.param("-tag=metal", {"slow", "quiet"}, id="not a tag"),
            pytest.param('artist="the band"', {"slow"}, id="quoted, any case"),
            pytest.param("artist=band|abba", {"slow"}, id="either text"),
            pytest.param("-artist=band", {"fast", "quiet"}, id="negated finds what has no artist"),
            pytest.param("path=%", set(), id="wildcards are plain characters"),
            pytest.param("album=abba_ title=x", set(), id="all must hold"),
            pytest.param('title="% ""LOUD"" (live)|"', {"fast"}, id="marks in quotes"),
            pytest.param("album_artist=various", {"quiet"}, id="album artist"),
            pytest.param("disc=2 track=5..9", {"quiet"}, id="place in an album"),
            pytest.param("disc=1 or track=1", set(), id="another place"),
            pytest.param("-disc=2", {"slow", "fast"}, id="negated finds what has no disc"),
            pytest.param("licence=cc-by", {"slow"}, id="licence"),
            pytest.param("added=2026-01", {"quiet"}, id="month"),
            pytest.param("added=2026", {"slow", "fast", "quiet"}, id="year"),
            pytest.param("added=2026-01-31", {"quiet"}, id="day"),
            pytest.param("added<=2026-01-31", {"quiet"}, id="to the end of a day"),
            pytest.param("added>2026-01-31", {"slow", "fast"}, id="after a day"),
            pytest.param("added>=2026-02", {"slow", "fast"}, id="from a month on"),
            pytest.param("added<2026-02", {"quiet"}, id="before a month"),
            pytest.param("added=2026-01..2026-02", {"slow", "quiet"}, id="months"),
            pytest.param("added<7d", {"fast"}, id="in the last week"),
            pytest.param("added>=6w", {"quiet"}, id="longer ago than six weeks"),
            pytest.param("added=1w..6w", {"slow"}, id="ages"),
            pytest.param("bpm=90 or bpm=60 key=Eb", {"quiet", "slow"}, id="and before or"),
            pytest.param("(bpm=90 or bpm=60) key=Eb", {"slow"}, id="group"),
            pytest.param("not (bpm=90 or bpm=60)", {"fast"}, id="negated group"),
        ],
    )
    def test_finds(self, catalogue: Catalogue, expression: str, names: set[str]):
        assert found(catalogue, read_text(expression)) == names

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(filters)
    def test_finds_what_the_words_say(self, catalogue: Catalogue, wanted: Filter):
        expected = {name for name, track in tracks().items() if holds(wanted, track)}
        assert found(catalogue, wanted) == expected
        assert found(catalogue, Not(wanted)) == set(tracks()) - expected  # type: ignore[arg-type]

    def test_no_value_is_written_into_the_statement(self):
        wanted = read_text('title="x\'; DROP TABLE track; --" tag=piano bpm~=120 key=E added<7d')
        assert wanted is not None
        statement = str(condition_of(wanted).compile())
        for value in ("DROP", "piano", "120", "E:"):
            assert value not in statement


def holds(wanted: Filter, track: Track) -> bool:
    """What a filter means, told a second time, for one track."""
    if isinstance(wanted, And):
        return all(holds(term, track) for term in wanted.terms)
    if isinstance(wanted, Or):
        return any(holds(term, track) for term in wanted.terms)
    if isinstance(wanted, Not):
        return not holds(wanted.term, track)
    if not isinstance(wanted.value, tuple):
        return value_holds(wanted.field, wanted.op, wanted.value, track)
    if wanted.op == "in":
        values = [value for value in wanted.value if value is not None]
        return any(value_holds(wanted.field, "=", value, track) for value in values)
    has_value = wanted.field == "added" or number_of(wanted.field, track) is not None
    return has_value and all(
        end is None or value_holds(wanted.field, op, end, track)
        for op, end in zip((">=", "<="), wanted.value, strict=True)
    )


def value_holds(field: str, op: str, value: Scalar, track: Track) -> bool:
    if isinstance(value, bool):
        has = track.vocal_probability >= 0.5 if field == "vocals" else track.generated
        return has is value
    if isinstance(value, float):
        return number_holds(op, number_of(field, track), value)
    return word_holds(field, op, value, track)


def number_of(field: str, track: Track) -> float | None:
    column = {"duration": "duration_seconds", "loudness": "loudness_lufs"}.get(field, field)
    number: float | None = None if field == "added" else getattr(track, column)
    return number


def number_holds(op: str, number: float | None, value: float) -> bool:
    if number is None:
        return False
    if op == "~=":
        return any(abs(number - value * f) <= 0.04 * value * f for f in (0.5, 1, 2))
    return compared(op, number, value)


def word_holds(field: str, op: str, value: str, track: Track) -> bool:
    if field == "added":
        return added_holds(op, value, track.added_at)
    if field in TAG_FIELDS:
        return any(tag.name == value and tag.score >= TAG_THRESHOLD for tag in track.tags)
    if field == "key":
        return value in {track.key, track.key.split(":")[0]}
    if field == "mode":
        return track.key.split(":")[1] == value
    return value.lower() in (getattr(track, field) or "").lower()


def added_holds(op: str, value: str, moment: datetime) -> bool:
    if is_age(value):
        return compared(op, NOW - moment, age_of(value))
    day = period_of(value)[0].isoformat()[: len(value)]
    return compared(op, moment.isoformat()[: len(value)], day)


def compared(op: str, left: Scalar | timedelta, right: Scalar | timedelta) -> bool:
    is_equal, is_less = left == right, left < right  # type: ignore[operator]
    is_so = {"=": is_equal, "<": is_less, ">": not (is_less or is_equal)}
    return any(is_so[sign] for sign in op)
