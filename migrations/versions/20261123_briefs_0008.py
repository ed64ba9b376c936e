"""The briefs that were asked, and the words that tracks are found and sorted by.

Revision: 0008, after 0007. Going back loses the briefs; the words are made again from the tracks.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from indexer.catalogue.words import BY_CODE_POINT, text_row

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    op.create_table(
        "brief",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('matched', 'nothing_fits')", name=op.f("ck_brief_decision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brief")),
    )
    words = op.create_table(
        "search_text",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("title_key", BY_CODE_POINT, nullable=False),
        sa.Column("artist_key", BY_CODE_POINT, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"],
            ["track.id"],
            name=op.f("fk_search_text_track_id_track"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_search_text")),
    )
    _fill(words)
    op.create_index(op.f("ix_search_text_title_key"), "search_text", ["title_key"])
    op.create_index(op.f("ix_search_text_artist_key"), "search_text", ["artist_key"])
    op.create_index(op.f("ix_track_added_at"), "track", ["added_at"])
    op.create_index(op.f("ix_track_duration_seconds"), "track", ["duration_seconds"])


def downgrade() -> None:
    op.drop_index(op.f("ix_track_duration_seconds"), table_name="track")
    op.drop_index(op.f("ix_track_added_at"), table_name="track")
    op.drop_table("search_text")
    op.drop_table("brief")


def _fill(words: sa.Table) -> None:
    names = ("path", "title", "artist", "album", "album_artist")
    columns = [sa.column(name, sa.Text()) for name in names]
    track_id: sa.ColumnClause[Any] = sa.column("id", sa.Uuid())
    track = sa.table("track", track_id, *columns)
    owner: sa.ColumnClause[Any] = sa.column("track_id", sa.Uuid())
    caption = sa.table(
        "caption", sa.column("id", sa.BigInteger()), owner, sa.column("text", sa.Text())
    )
    query = (
        sa.select(*track.c, caption.c.text.label("caption"))
        .join(caption, caption.c.track_id == track.c.id, isouter=True)
        .order_by(track.c.id, caption.c.id)
    )
    connection, rows = op.get_bind(), []
    for _, found in groupby(connection.execute(query), key=lambda row: row.id):
        lines = list(found)
        first = lines[0]
        others = [first.album, first.album_artist, *(line.caption for line in lines)]
        made = text_row(path=first.path, title=first.title, artist=first.artist, others=others)
        rows.append({"track_id": first.id, **made})
        if len(rows) == ROWS_AT_ONCE:
            connection.execute(words.insert(), rows)
            rows.clear()
    if rows:
        connection.execute(words.insert(), rows)
