"""Titles of the songs within one file, and which cue sheet named them.

Revision: 0005, after 0004. Going back loses them; the next scan that finds a cue sheet has them
again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segment", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("track", sa.Column("cue_stamp", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("track", "cue_stamp")
    op.drop_column("segment", "title")
