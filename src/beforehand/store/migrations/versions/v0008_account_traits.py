"""The traits of accounts with something to tell, so that clocks go on where the facts are not at hand."""

import sqlalchemy as sa
from alembic import op

from beforehand.store.models import Moment

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Makes the table; the next run fills it."""
    op.create_table(
        "account_traits",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("traits", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_account_traits")),
    )


def downgrade() -> None:
    """Drops it."""
    op.drop_table("account_traits")
