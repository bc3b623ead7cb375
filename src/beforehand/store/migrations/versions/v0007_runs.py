"""Runs are found by account, alert and version, however many of others wait."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INDEXES = {"runs_of_account": "account", "runs_of_alert": "alert"}
LIVE = sa.text("state = 'live'")


def upgrade() -> None:
    """Makes the indexes."""
    for name, column in INDEXES.items():
        op.create_index(name, "runs", [column])
    op.drop_index("runs_due", "runs")
    op.create_index("runs_due", "runs", ["due_at"], sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_index("runs_of_version", "runs", ["digest"], sqlite_where=LIVE, postgresql_where=LIVE)


def downgrade() -> None:
    """Drops them."""
    for name in ("runs_of_version", "runs_due", *INDEXES):
        op.drop_index(name, "runs")
    op.create_index("runs_due", "runs", ["state", "due_at"])
