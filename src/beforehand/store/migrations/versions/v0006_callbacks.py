"""What came back is found: messages by what the other side calls them, callbacks by when they came."""

from alembic import op

revision = "0006"
down_revision = "0005"

INDEXES = {
    "acts_by_ref": ("acts", ["ref"]),
    "callbacks_from": ("callbacks", ["at"]),
    "notifications_of_account": ("notifications", ["account"]),
}


def upgrade() -> None:
    """Makes the indexes."""
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Drops them."""
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
