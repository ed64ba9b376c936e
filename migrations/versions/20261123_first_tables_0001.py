"""The first tables: tracks with what is heard in them, their vectors, and scans.

Revision: 0001, after nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    state = op.create_table(
        "catalogue_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalogue_state_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue_state")),
    )
    op.bulk_insert(state, [{"id": 1, "revision": 0}])
    _create_track()
    _create_below_track()
    _create_scan()


def downgrade() -> None:
    for table in ("scan_failure", "scan", "vector", "caption", "tag", "segment", "track"):
        op.drop_table(table)
    op.drop_table("catalogue_state")


def _create_track() -> None:
    op.create_table(
        "track",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("audio_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=False),
        sa.Column("generated", sa.Boolean(), nullable=False),
        sa.Column("codec", sa.String(length=40), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("album", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("bpm", sa.Double(), nullable=False),
        sa.Column("bpm_confidence", sa.Double(), nullable=False),
        sa.Column("key", sa.String(length=12), nullable=False),
        sa.Column("key_confidence", sa.Double(), nullable=False),
        sa.Column("loudness_lufs", sa.Double(), nullable=True),
        sa.Column("vocal_probability", sa.Double(), nullable=False),
        sa.Column("vocal_confidence", sa.Double(), nullable=False),
        sa.Column("valence", sa.Double(), nullable=False),
        sa.Column("arousal", sa.Double(), nullable=False),
        sa.Column("energy_curve", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track")),
        sa.UniqueConstraint("path", name=op.f("uq_track_path")),
    )
    for column in ("audio_hash", "bpm", "key", "status"):
        op.create_index(op.f(f"ix_track_{column}"), "track", [column])


def _create_below_track() -> None:
    op.create_table(
        "segment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("end_seconds", sa.Double(), nullable=False),
        sa.Column("energy", sa.Double(), nullable=False),
        _below("segment", "track"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    op.create_table(
        "tag",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("vocabulary", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        _below("tag", "track"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
    )
    op.create_index(op.f("ix_tag_name_score"), "tag", ["name", "score"])
    op.create_table(
        "caption",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('music', 'scene')", name=op.f("ck_caption_kind")),
        _below("caption", "track"),
        _below("caption", "segment"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caption")),
    )
    for table in ("segment", "tag", "caption"):
        op.create_index(op.f(f"ix_{table}_track_id"), table, ["track_id"])
    op.create_index(op.f("ix_caption_segment_id"), "caption", ["segment_id"])
    op.create_table(
        "vector",
        sa.Column("caption_id", BIG_ID, nullable=False),
        sa.Column("embedder", sa.String(length=120), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        _below("vector", "caption"),
        sa.PrimaryKeyConstraint("caption_id", name=op.f("pk_vector")),
    )
    op.create_index(op.f("ix_vector_embedder"), "vector", ["embedder"])


def _create_scan() -> None:
    op.create_table(
        "scan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roots", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("files_found", sa.Integer(), nullable=False),
        sa.Column("tracks_indexed", sa.Integer(), nullable=False),
        sa.Column("tracks_unchanged", sa.Integer(), nullable=False),
        sa.Column("tracks_moved", sa.Integer(), nullable=False),
        sa.Column("tracks_missing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
    )
    op.create_table(
        "scan_failure",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _below("scan_failure", "scan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_failure")),
    )
    op.create_index(op.f("ix_scan_failure_scan_id"), "scan_failure", ["scan_id"])


def _below(table: str, parent: str) -> sa.ForeignKeyConstraint:
    column = f"{parent}_id"
    return sa.ForeignKeyConstraint(
        [column],
        [f"{parent}.id"],
        name=op.f(f"fk_{table}_{column}_{parent}"),
        ondelete="CASCADE",
    )
