"""Whom accounts were shared or handed over to, per role."""

import sqlalchemy as sa
from alembic import op

from beforehand.store.models import Moment

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Makes the table."""
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
    op.drop_table("holders")
