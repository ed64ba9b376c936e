"""On PostgreSQL, paths of any length, in the order of code points. On SQLite nothing changes.

A unique index there takes at most 2,704 bytes of a path; an exclusion over a hash index takes all.

Revision: 0004, after 0003. Going back is refused by PostgreSQL while a path is too long for it.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_constraint("uq_track_path", "track")
    op.execute('ALTER TABLE track ALTER COLUMN path TYPE text COLLATE "C"')
    op.create_exclude_constraint("uq_track_path", "track", ("path", "="), using="hash")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_constraint("uq_track_path", "track")
    op.execute('ALTER TABLE track ALTER COLUMN path TYPE text COLLATE "default"')
    op.create_unique_constraint("uq_track_path", "track", ["path"])
