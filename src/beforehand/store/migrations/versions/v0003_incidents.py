"""Incidents, what they held, and where subjects would stand without them."""

import sqlalchemy as sa
from alembic import op

from beforehand.store.models import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; closes and alerts from before were held by nothing."""
    op.add_column("alerts", sa.Column("incident", sa.Integer(), nullable=True))
    op.add_column("closes", sa.Column("held", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("closes", sa.Column("incident", sa.Integer(), nullable=True))
    op.add_column("closes", sa.Column("unjudged", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "key", "what")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("source", "tbl", "event", "grain")),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("signals", sa.JSON(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=True),
        sa.Column("filled_at", Moment(), nullable=True),
        sa.Column("found_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("sure", sa.Float(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=True),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_incidents"),
        sqlite_autoincrement=True,
    )
    op.create_index("incidents_of_key", "incidents", ["key", "state"])
    op.create_table(
        "held",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("others", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("signal", "account", "scope", "act")),
        sa.Column("end_at", Moment(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("alert", sa.Integer(), nullable=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("signal_digest", sa.String(), nullable=False),
        sa.Column("backlog", sa.Boolean(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("since", Moment(), nullable=True),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("receipts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_held"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.number"], name="fk_held_incident_incidents"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_held",
        "held",
        ["account", "signal", "scope", "act"],
        unique=True,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index("held_of_incident", "held", ["incident", "state"])
    op.create_table(
        "would",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("signal", "account", "scope")),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("calm", sa.Integer(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("signal", "account", "scope", name="pk_would"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.number"], name="fk_would_incident_incidents"),
    )
