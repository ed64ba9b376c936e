"""Music for whole videos, and the jobs that plan and mix it.

Revision: 0009, after 0008. Going back loses the plans and their jobs; uploaded videos stay where
they are, and the service that comes back clears them away.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterator

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JOB_ID: sa.ColumnClause[Any] = sa.column("job_id", sa.Uuid())
GENERATION_ID: sa.ColumnClause[Any] = sa.column("id", sa.Uuid())
GENERATION = sa.table("generation", GENERATION_ID, JOB_ID)
KIND = sa.column("kind", sa.String())
JOB = sa.table("job", KIND)


def upgrade() -> None:
    _allow_kinds("'scan', 'generation', 'cue_plan', 'preview'")
    op.create_table(
        "cue_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("video_name", sa.Text(), nullable=False),
        sa.Column("video_bytes", sa.BigInteger(), nullable=False),
        sa.Column("video_sha256", sa.String(length=64), nullable=False),
        sa.Column("analysis", sa.Text(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("diff", sa.Text(), nullable=True),
        sa.Column("fills", sa.Text(), nullable=False),
        sa.Column("previews", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["cue_plan.id"],
            name=op.f("fk_cue_plan_parent_id_cue_plan"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_cue_plan_job_id_job"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cue_plan")),
    )
    op.create_index(op.f("ix_cue_plan_parent_id"), "cue_plan", ["parent_id"])


def downgrade() -> None:
    op.drop_table("cue_plan")
    op.get_bind().execute(JOB.delete().where(KIND.in_(["cue_plan", "preview"])))
    _allow_kinds("'scan', 'generation'")


def _allow_kinds(kinds: str) -> None:
    with _generations_kept(), op.batch_alter_table("job") as batch:
        batch.drop_constraint(op.f("ck_job_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_job_kind"), sa.text(f"kind IN ({kinds})"))


@contextmanager
def _generations_kept() -> Iterator[None]:
    """SQLite makes the table anew, and dropping the old one unties what refers to it."""
    connection = op.get_bind()
    tied = connection.execute(sa.select(GENERATION).where(JOB_ID.is_not(None))).all()
    yield
    if connection.dialect.name == "sqlite" and tied:
        connection.execute(
            GENERATION.update()
            .where(sa.bindparam("generation", type_=sa.Uuid()) == GENERATION_ID)
            .values(job_id=sa.bindparam("job", type_=sa.Uuid())),
            [{"generation": row.id, "job": row.job_id} for row in tied],
        )
