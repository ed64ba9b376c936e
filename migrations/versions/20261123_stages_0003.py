"""Stages of a track's making, its recording and album, and why files failed.

Revision: 0003, after 0002. What is there stays; it is heard anew at the next scan, under its id.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("listening_version", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("recording_id", sa.Uuid(), nullable=True),
        sa.Column("album_artist", sa.Text(), nullable=True),
        sa.Column("disc_number", sa.Integer(), nullable=True),
        sa.Column("track_number", sa.Integer(), nullable=True),
    ):
        op.add_column("track", column)
    op.create_index(op.f("ix_track_revision"), "track", ["revision"])
    op.create_index(op.f("ix_track_recording_id"), "track", ["recording_id"])
    op.create_table(
        "heard",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["track.id"], name=op.f("fk_heard_track_id_track"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_heard")),
    )
    op.add_column(
        "scan", sa.Column("tracks_imagined", sa.Integer(), nullable=False, server_default="0")
    )
    for column in (
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("modified_ns", sa.BigInteger(), nullable=True),
        sa.Column("reader", sa.String(length=80), nullable=True),
    ):
        op.add_column("scan_failure", column)


def downgrade() -> None:
    for column in ("reader", "modified_ns", "size_bytes"):
        op.drop_column("scan_failure", column)
    op.drop_column("scan", "tracks_imagined")
    op.drop_table("heard")
    op.drop_index(op.f("ix_track_recording_id"), table_name="track")
    op.drop_index(op.f("ix_track_revision"), table_name="track")
    for column in (
        "track_number",
        "disc_number",
        "album_artist",
        "recording_id",
        "fingerprint",
        "listening_version",
        "revision",
    ):
        op.drop_column("track", column)
