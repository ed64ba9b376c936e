"""Beats of a track, and what people said about the answers to their briefs.

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BEATS = ("beat_times", "downbeat_times")


def upgrade() -> None:
    for column in BEATS:
        op.add_column("track", sa.Column(column, sa.LargeBinary(), nullable=True))
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("embedder", sa.String(length=120), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("verdict IN ('accept', 'reject')", name=op.f("ck_feedback_verdict")),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_feedback_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_track_id"), "feedback", ["track_id"])


def downgrade() -> None:
    op.drop_table("feedback")
    for column in reversed(BEATS):
        op.drop_column("track", column)
