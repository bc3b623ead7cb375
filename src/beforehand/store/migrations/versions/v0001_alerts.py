"""Alerts with their log, tracks and closes, settings and records."""

import sqlalchemy as sa
from alembic import op

from beforehand.store.models import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY_SQLITE = """
CREATE TRIGGER alert_log_no_{verb} BEFORE {verb} ON alert_log
BEGIN SELECT RAISE(ABORT, 'the log of alerts is only ever added to'); END
"""
APPEND_ONLY_POSTGRESQL = (
    """
CREATE FUNCTION alert_log_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the log of alerts is only ever added to'; END $$
""",
    """
CREATE TRIGGER alert_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_log
FOR EACH STATEMENT EXECUTE FUNCTION alert_log_append_only()
""",
)


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "alerts",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("backlog", sa.Boolean(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("raised_at", Moment(), nullable=False),
        sa.Column("judged_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("snoozed_until", Moment(), nullable=True),
        sa.Column("reopens", sa.Integer(), nullable=True),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("signal_digest", sa.String(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("receipts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_alerts"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_open_episode",
        "alerts",
        ["account", "signal", "scope"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("alerts_of_signal", "alerts", ["signal", "closed_at"])
    op.create_table(
        "alert_log",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("alert", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alerts.number"], name="fk_alert_log_alert_alerts"),
        sa.PrimaryKeyConstraint("number", name="pk_alert_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("log_of_alert", "alert_log", ["alert", "number"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(APPEND_ONLY_SQLITE.format(verb=verb))
    else:
        for statement in APPEND_ONLY_POSTGRESQL:
            op.execute(statement)
    op.create_table(
        "tracks",
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("calm", sa.Integer(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("signal", "account", "scope", name="pk_tracks"),
    )
    op.create_table(
        "watches",
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("grain", sa.String(), nullable=False),
        sa.Column("switched_on_at", Moment(), nullable=False),
        sa.Column("last_close_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("signal", name="pk_watches"),
    )
    op.create_table(
        "closes",
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("grain", sa.String(), nullable=False),
        sa.Column("end_at", Moment(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("judged_at", Moment(), nullable=False),
        *(
            sa.Column(count, sa.Integer(), nullable=False)
            for count in ("subjects", "holds", "unsure", "failed", "opened", "closed")
        ),
        sa.PrimaryKeyConstraint("signal", "grain", "end_at", name="pk_closes"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "records",
        sa.Column("signal", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("as_of_at", Moment(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("signal", name="pk_records"),
    )
