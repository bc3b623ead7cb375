"""Runs are found by account, alert and version, however many of others wait."""

from alembic import op

revision = "0007"
down_revision = "0006"

INDEXES = {"runs_of_account": ["account"], "runs_of_alert": ["alert"], "runs_of_version": ["state", "digest"]}


def upgrade() -> None:
    """Makes the indexes."""
    for name, columns in INDEXES.items():
        op.create_index(name, "runs", columns)


def downgrade() -> None:
    """Drops them."""
    for name in INDEXES:
        op.drop_index(name, "runs")
