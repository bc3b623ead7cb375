"""The thresholds that were decided at a close are kept with it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; closes judged before have none."""
    op.add_column("closes", sa.Column("thresholds", sa.JSON(), nullable=True))
