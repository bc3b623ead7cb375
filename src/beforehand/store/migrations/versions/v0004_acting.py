"""Notifications, acts, playbook runs, and what was not sent."""

import sqlalchemy as sa
from alembic import op

from beforehand.store.models import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; nobody was told anything before."""
    op.create_table(
        "notifications",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("alerts", sa.JSON(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_notifications"),
        sa.UniqueConstraint("thread", "person", "version", name="uq_notifications_thread"),
        sqlite_autoincrement=True,
    )
    op.create_index("notifications_of_person", "notifications", ["person", "at"])
    op.create_table(
        "held_back",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("alert", sa.Integer(), nullable=False),
        sa.Column("until", Moment(), nullable=True),
        sa.Column("released_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_held_back"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.number"], name="fk_held_back_alert_alerts"),
        sqlite_autoincrement=True,
    )
    op.create_index("held_back_from", "held_back", ["person", "at"])
    op.create_table(
        "clocks",
        sa.Column("alert", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("acknowledge_by", Moment(), nullable=True),
        sa.Column("resolve_by", Moment(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("alert", name="pk_clocks"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.number"], name="fk_clocks_alert_alerts"),
    )
    op.create_index("clocks_due", "clocks", ["due_at"])
    op.create_table(
        "handovers",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("from_person", sa.String(), nullable=False),
        sa.Column("to_person", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("undone_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_handovers"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("alert", sa.Integer(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_runs"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.number"], name="fk_runs_alert_alerts"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "one_live_run",
        "runs",
        ["account", "playbook"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_index("runs_due", "runs", ["state", "due_at"])
    op.create_table(
        "acts",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("outward", sa.Boolean(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("wanted_at", Moment(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("keyed", sa.Boolean(), nullable=False),
        sa.Column("lease_by", sa.String(), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("handed_at", Moment(), nullable=True),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("notification", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_acts"),
        sa.ForeignKeyConstraint(["run"], ["runs.number"], name="fk_acts_run_runs"),
        sa.ForeignKeyConstraint(["notification"], ["notifications.number"], name="fk_acts_notification_notifications"),
        sa.UniqueConstraint("key", name="uq_acts_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("acts_of_run", "acts", ["run"])
    op.create_index("acts_to_do", "acts", ["state", "due_at"])
    op.create_table(
        "journal",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run", "n", name="pk_journal"),
        sa.ForeignKeyConstraint(["run"], ["runs.number"], name="fk_journal_run_runs"),
    )
    op.create_table(
        "unsent",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("guard", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_unsent"),
        sa.ForeignKeyConstraint(["run"], ["runs.number"], name="fk_unsent_run_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("unsent_of_account", "unsent", ["account", "at"])
    op.create_table(
        "suppressions",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_suppressions"),
    )
    op.create_table(
        "exposures",
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("alert", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("playbook", "account", "salt", name="pk_exposures"),
        sa.ForeignKeyConstraint(["alert"], ["alerts.number"], name="fk_exposures_alert_alerts"),
    )
    op.create_table(
        "callbacks",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_callbacks"),
    )
    op.create_table(
        "touches_due",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("teammate", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("loaded_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_touches_due"),
        sa.UniqueConstraint("key", name="uq_touches_due_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("touches_to_load", "touches_due", ["loaded_at"])
