"""First tables. What is only ever added to (events, verdicts, audit) is guarded by triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_UID = sa.String(64)
_TIME = sa.String(40)
_APPEND_ONLY = ("event", "verdict", "audit_event")


def upgrade() -> None:
    _create_stream()
    _create_results()
    _create_line()
    _create_people()
    for table in _APPEND_ONLY:
        _forbid_change(table)


def _create_stream() -> None:
    op.create_table(
        "event",
        sa.Column("event_id", _ID, primary_key=True, autoincrement=True),
        sa.Column("once_key", sa.String(200), nullable=True, unique=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("study_instance_uid", _UID, nullable=True),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "worklist_row",
        sa.Column("study_instance_uid", _UID, primary_key=True),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("worklist_row_received_at", "worklist_row", ["received_at"])
    op.create_table(
        "audit_event",
        sa.Column("sequence", _ID, primary_key=True, autoincrement=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("study_instance_uid", _UID, nullable=True),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )


def _create_results() -> None:
    op.create_table(
        "result",
        sa.Column("result_uid", _UID, primary_key=True),
        sa.Column("saved_number", _ID, nullable=False),
        sa.Column("study_instance_uid", _UID, nullable=False),
        sa.Column("series_instance_uid", _UID, nullable=False),
        sa.Column("model_name", sa.String(200), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("phase", sa.String(40), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("objects", sa.Text, nullable=False),
    )
    op.create_index("result_study", "result", ["study_instance_uid"])
    op.create_table(
        "verdict",
        sa.Column("number", _ID, primary_key=True, autoincrement=True),
        sa.Column("verdict_id", sa.String(64), nullable=False, unique=True),
        sa.Column("result_uid", _UID, nullable=False),
        sa.Column("tracking_uid", _UID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("made_by", sa.String(200), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("verdict_result", "verdict", ["result_uid"])


def _create_line() -> None:
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(128), primary_key=True),
        sa.Column("study_instance_uid", _UID, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("job_study", "job", ["study_instance_uid"])
    op.create_index("job_state", "job", ["state"])
    op.create_table(
        "arrival",
        sa.Column("study_instance_uid", _UID, primary_key=True),
        sa.Column("first_received_at", _TIME, nullable=False),
        sa.Column("last_received_at", _TIME, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("settled_fingerprint", sa.String(64), nullable=True),
        sa.Column("is_settled", sa.Boolean, nullable=False),
    )
    op.create_index("arrival_is_settled", "arrival", ["is_settled", "first_received_at"])
    op.create_table(
        "arrived_instance",
        sa.Column("study_instance_uid", _UID, primary_key=True),
        sa.Column("sop_instance_uid", _UID, primary_key=True),
        sa.Column("series_instance_uid", _UID, nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
    )


def _create_people() -> None:
    op.create_table(
        "local_user",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=True),
    )
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_name", sa.String(200), nullable=False),
        sa.Column("csrf_token", sa.String(64), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
    )
    op.create_index("user_session_expires_at", "user_session", ["expires_at"])
    op.create_table(
        "api_token",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_name", sa.String(200), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("number", _ID, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("failed_at", _TIME, nullable=False),
    )
    op.create_index("sign_in_failure_subject", "sign_in_failure", ["subject", "failed_at"])


def _forbid_change(table: str) -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    elif dialect == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$ "
            "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ LANGUAGE plpgsql"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
