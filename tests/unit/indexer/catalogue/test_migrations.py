"""A catalogue of the first version goes through every migration, up and down, with what it holds.

What a step down loses: 0009 plans of cues and their jobs; 0008 briefs that were asked; 0007 keys to
the service; 0006 jobs, and what is known of generated music; 0005 titles of songs within files, and
stamps of cue sheets; 0004 nothing; 0003 the recordings, album artists, disc and track numbers,
revisions, versions of the listening, what was heard, counts of imagined tracks, and what scans know
of files that failed; 0002 beats and feedback.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from indexer.catalogue import database
from indexer.catalogue.generations import NewGeneration
from indexer.catalogue.job_rows import NewJob
from indexer.catalogue.opinions import NewOpinion
from indexer.catalogue.repository import Catalogue
from indexer.errors import PlanChangedError, PlanNotFoundError
from tests.support.cue_plans import stored_plan
from tests.support.listening import listening, store

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACK, SCAN = "01890000000070008000000000000001", "01890000000070008000000000000002"
ROWS: dict[str, dict[str, Any]] = {
    "track": {
        "id": TRACK, "path": "/m/Björk/a.wav", "size_bytes": 5_000_000_000,
        "modified_ns": 1_700_000_000_123_456_789, "audio_hash": "a" * 64, "status": "ready",
        "added_at": "2026-01-31 23:59:59.000001+00:00", "model_version": "m-1", "generated": True,
        "codec": "flac", "duration_seconds": 123.456, "sample_rate": 44_100, "channels": 2,
        "title": "Été", "artist": None, "album": "", "licence": "CC-BY", "bpm": 119.99999999999997,
        "bpm_confidence": 0.5, "key": "C#:minor", "key_confidence": 0.25, "loudness_lufs": None,
        "vocal_probability": 0.1, "vocal_confidence": 0.9, "valence": -0.5, "arousal": 0.5,
        "energy_curve": b"\x00\x3c",
    },
    "segment": {"id": 1, "track_id": TRACK, "start_seconds": 0.0, "end_seconds": 9.5,
                "energy": 1.0},
    "tag": {"id": 1, "track_id": TRACK, "vocabulary": "mtt", "name": "piano", "score": 0.75},
    "caption": {
        "id": 1, "track_id": TRACK, "segment_id": 1, "kind": "scene", "text": "a quiet street",
        "origin": "model", "rank": 0,
    },
    "vector": {"caption_id": 1, "embedder": "words-1", "data": b"\x00\x3c\x00\x00"},
    "scan": {
        "id": SCAN, "roots": json.dumps(["/m"]), "status": "finished",
        "started_at": "2026-01-31 23:00:00.000000+00:00", "finished_at": None, "files_found": 2,
        "tracks_indexed": 1, "tracks_unchanged": 0, "tracks_moved": 0, "tracks_missing": 0,
    },
    "scan_failure": {
        "id": 1, "scan_id": SCAN, "path": "/m/b.wav", "stage": "read", "reason": "not audio",
    },
}  # fmt: skip


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    engine = database.connect(empty_database)
    yield engine
    engine.dispose()


def write_first_version(engine: Engine) -> None:
    """As version 0001 left it, without any code of today."""
    database.upgrade(engine, revision="0001")
    with engine.begin() as connection:
        for table, row in ROWS.items():
            marks = ", ".join(f":{name}" for name in row)
            statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608
            # SQLite keeps a moment as text without its zone.
            drop = "+00:00" if engine.dialect.name == "sqlite" else "\n"
            values = {
                name: value.removesuffix(drop) if isinstance(value, str) else value
                for name, value in row.items()
            }
            connection.execute(text(statement), values)
        connection.execute(text("UPDATE catalogue_state SET revision = 7"))
        if engine.dialect.name == "postgresql":  # there, a given id is not counted
            for table in ("segment", "tag", "caption", "scan_failure"):
                counter = f"pg_get_serial_sequence('{table}', 'id')"
                connection.execute(text(f"SELECT setval({counter}, 1)"))


def rows_of(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """What the tables hold, of the columns that the first version had."""
    with engine.connect() as connection:
        return {
            table: [
                dict(found)
                for found in connection.execute(
                    text(f"SELECT {', '.join(row)} FROM {table}")  # noqa: S608 - our own names
                ).mappings()
            ]
            for table, row in ROWS.items()
        }


def new_generation(job_id: UUID) -> NewGeneration:
    return NewGeneration(
        job_id=job_id, brief=None, prompt="folk", seconds=5.0, seed=1, backend="composer",
        model_version="1", weights_licence="CC0-1.0", commercial_use="yes",
        audio_path="/m/made.flac", audio_hash="b" * 64, provenance="{}",
    )  # fmt: skip


class TestMigrations:
    def test_a_catalogue_of_the_first_version_survives_every_step(self, engine: Engine):
        write_first_version(engine)
        before = rows_of(engine)
        assert all(len(rows) == 1 for rows in before.values())
        steps = [script.revision for script in ScriptDirectory("migrations").walk_revisions()][::-1]
        for _ in range(2):
            for revision in steps[1:]:
                database.upgrade(engine, revision=revision)
                assert rows_of(engine) == before
            for revision in steps[-2::-1]:
                database.downgrade(engine, revision=revision)
                assert rows_of(engine) == before
        database.downgrade(engine, revision="base")
        assert set(inspect(engine).get_table_names()) == {"alembic_version"}
        database.upgrade(engine)
        assert rows_of(engine) == {table: [] for table in ROWS}

    def test_everything_of_the_first_version_can_be_read(self, engine: Engine):
        write_first_version(engine)
        database.upgrade(engine)
        catalogue = Catalogue(engine)
        track = catalogue.track(UUID(TRACK))
        known = ROWS["track"] | {"id": UUID(TRACK)}
        del known["added_at"]
        assert {name: getattr(track, name) for name in known} == known
        assert track.added_at.isoformat() == "2026-01-31T23:59:59.000001+00:00"
        assert (track.revision, track.fingerprint, track.listening_version) == (0, None, "")
        assert track.beat_times is None
        assert [caption.text for caption in track.captions] == ["a quiet street"]
        assert [(tag.name, tag.score) for tag in track.tags] == [("piano", 0.75)]
        assert catalogue.revision() == 7
        assert catalogue.heard(track.id) is None
        assert [row.data for row in catalogue.vectors(embedder="words-1")] == [b"\x00\x3c\x00\x00"]
        assert [sound.bpm for sound in catalogue.sounds()] == [track.bpm]
        assert catalogue.known_files()[track.path].modified_ns == track.modified_ns
        assert catalogue.scans.status(UUID(SCAN)) == "finished"
        assert [one.reason for one in catalogue.scans.failures(UUID(SCAN))] == ["not audio"]
        assert catalogue.scans.lasting_failures(reader="any") == {}
        assert store(catalogue, listening("/m/new.wav")) != track.id
        assert store(catalogue, listening(track.path)) == track.id

    def test_feedback_stays_while_the_stages_go_and_come_back(self, engine: Engine):
        database.upgrade(engine)
        catalogue = Catalogue(engine)
        track = store(catalogue, listening())
        new = NewOpinion(track_id=track, brief="rain", verdict="reject", vector=b"\x00\x3c")
        catalogue.opinions.add([new], embedder="words-1")
        database.downgrade(engine, revision="0002")
        database.upgrade(engine)
        assert [one.brief for one in catalogue.opinions.page()] == ["rain"]
        assert catalogue.heard(track) is None
        assert catalogue.track(track).beat_times is not None
        assert store(catalogue, listening()) == track
        assert catalogue.heard(track) is not None

    def test_plans_come_and_go_and_music_stays_tied_to_its_job(self, engine: Engine):
        database.upgrade(engine)
        catalogue = Catalogue(engine)
        jobs = [
            catalogue.jobs.submit(NewJob(kind=kind, request={"n": kind}), most_queued=9).job
            for kind in ("scan", "generation", "cue_plan", "preview")
        ]
        made = new_generation(jobs[1].id)
        catalogue.generations.add(made)
        plan = catalogue.cue_plans.set_job(stored_plan(catalogue).id, jobs[2].id)
        child = stored_plan(catalogue, parent=plan.id)
        with pytest.raises(PlanChangedError):
            catalogue.cue_plans.change(plan.id, plan.revision - 1, name="late")
        changed = catalogue.cue_plans.change(plan.id, plan.revision, name="Été\0")
        assert (changed.name, changed.revision) == ("Été", plan.revision + 1)
        assert catalogue.cue_plans.of_job(jobs[2].id) == changed
        assert [row.id for row in catalogue.cue_plans.page(limit=1)] == [
            max(plan.id, child.id, key=lambda one: one.int)
        ]
        database.downgrade(engine, revision="0008")
        assert catalogue.generations.of_job(jobs[1].id) is not None
        database.upgrade(engine)
        assert catalogue.generations.of_job(jobs[1].id) is not None
        assert [job.kind for job in catalogue.jobs.page()] == ["generation", "scan"]
        assert catalogue.cue_plans.page() == []
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text("UPDATE job SET kind = 'other'"))
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text("UPDATE job SET status = 'other'"))

    def test_a_plan_outlives_its_parent(self, engine: Engine):
        database.upgrade(engine)
        plans = Catalogue(engine).cue_plans
        parent = stored_plan(Catalogue(engine))
        child = stored_plan(Catalogue(engine), parent=parent.id)
        assert plans.remove(parent.id).id == parent.id
        assert plans.get(child.id).parent_id is None
        with pytest.raises(PlanNotFoundError):
            plans.remove(parent.id)

    def test_the_tables_equal_the_models(self, engine: Engine):
        database.upgrade(engine)
        config = database._config()
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.check(config)  # raises where a revision would change something

    def test_the_head_constant_is_the_newest_migration(self):
        assert ScriptDirectory("migrations").get_current_head() == database.HEAD_REVISION


class TestCommandLine:
    """`alembic` as people run it, in the folder of the sources."""

    def config(self, *options: str) -> Config:
        config = Config("alembic.ini")
        config.cmd_opts = type("Options", (), {"x": list(options)})()  # what `-x` sets
        return config

    def test_names_the_database_by_an_option(self, empty_database: str):
        config = self.config(f"database={empty_database}")
        command.upgrade(config, "head")
        command.downgrade(config, "-1")
        engine = database.connect(empty_database)
        with engine.connect() as connection:
            below = ScriptDirectory.from_config(config).get_revision("head").down_revision
            assert database.current_revision(connection) == below
        engine.dispose()

    def test_names_the_database_by_the_environment(
        self, empty_database: str, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("MUSISCENE_DATABASE_URL", empty_database)
        command.upgrade(self.config(), "head")
        with Catalogue.open(empty_database) as catalogue:
            assert catalogue.count_tracks() == 0

    def test_says_how_to_name_it(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("MUSISCENE_DATABASE_URL", raising=False)
        assert Path("alembic.ini").exists()
        with pytest.raises(CommandError, match="alembic -x database=URL"):
            command.upgrade(self.config(), "head")
