"""Whom accounts were shared or handed over to, per role; from when the clock of an alert runs."""

import sqlalchemy as sa
from alembic import op

from beforehand.store.models import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Makes the table; nothing kept clocks before."""
    op.execute("DELETE FROM clocks")
    with op.batch_alter_table("clocks") as clocks:
        clocks.add_column(sa.Column("started_at", Moment(), nullable=False))
    op.create_table(
        "holders",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("said", sa.String(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("role", "account", name=op.f("pk_holders")),
    )


def downgrade() -> None:
    """Drops it."""
    with op.batch_alter_table("clocks") as clocks:
        clocks.drop_column("started_at")
    op.drop_table("holders")
