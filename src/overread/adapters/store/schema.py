"""The tables. Every change here comes with a migration (a test compares the two)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is exactly INTEGER."""

UID_LENGTH = 64  # PS3.5 9.1
TIME_LENGTH = 40  # ISO 8601 with offset, fixed width, so that text order is time order

event = Table(
    "event",
    metadata,
    Column("event_id", _Id, primary_key=True, autoincrement=True),
    Column("once_key", String(200), nullable=True, unique=True),
    Column("kind", String(40), nullable=False),
    Column("study_instance_uid", String(UID_LENGTH), nullable=True),
    Column("occurred_at", String(TIME_LENGTH), nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)

worklist_row = Table(
    "worklist_row",
    metadata,
    Column("study_instance_uid", String(UID_LENGTH), primary_key=True),
    Column("received_at", String(TIME_LENGTH), nullable=False),
    Column("event_id", _Id, nullable=False),
    Column("document", Text, nullable=False),
    Index("worklist_row_received_at", "received_at"),
)

result = Table(
    "result",
    metadata,
    Column("result_uid", String(UID_LENGTH), primary_key=True),
    Column("saved_number", _Id, nullable=False),
    Column("study_instance_uid", String(UID_LENGTH), nullable=False),
    Column("series_instance_uid", String(UID_LENGTH), nullable=False),
    Column("model_name", String(200), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("phase", String(40), nullable=False),
    Column("note", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("objects", Text, nullable=False),
    Index("result_study", "study_instance_uid"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("verdict_id", String(64), nullable=False, unique=True),
    Column("result_uid", String(UID_LENGTH), nullable=False),
    Column("tracking_uid", String(UID_LENGTH), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_at", String(TIME_LENGTH), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("verdict_result", "result_uid"),
    sqlite_autoincrement=True,
)

job = Table(
    "job",
    metadata,
    Column("job_id", String(128), primary_key=True),
    Column("study_instance_uid", String(UID_LENGTH), nullable=False),
    Column("created_at", String(TIME_LENGTH), nullable=False),
    Column("state", String(20), nullable=False),
    Column("document", Text, nullable=False),
    Index("job_study", "study_instance_uid"),
    Index("job_state", "state"),
)

arrival = Table(
    "arrival",
    metadata,
    Column("study_instance_uid", String(UID_LENGTH), primary_key=True),
    Column("first_received_at", String(TIME_LENGTH), nullable=False),
    Column("last_received_at", String(TIME_LENGTH), nullable=False),
    Column("facts", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("settled_fingerprint", String(64), nullable=True),
    Column("is_settled", Boolean, nullable=False),
    Index("arrival_is_settled", "is_settled", "first_received_at"),
)

arrived_instance = Table(
    "arrived_instance",
    metadata,
    Column("study_instance_uid", String(UID_LENGTH), primary_key=True),
    Column("sop_instance_uid", String(UID_LENGTH), primary_key=True),
    Column("series_instance_uid", String(UID_LENGTH), nullable=False),
    Column("modality", String(16), nullable=False),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("sequence", _Id, primary_key=True, autoincrement=False),
    Column("occurred_at", String(TIME_LENGTH), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(60), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("study_instance_uid", String(UID_LENGTH), nullable=True),
    Column("detail", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

local_user = Table(
    "local_user",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("password_hash", Text, nullable=True),
)

user_session = Table(
    "user_session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_name", String(200), nullable=False),
    Column("csrf_token", String(64), nullable=False),
    Column("created_at", String(TIME_LENGTH), nullable=False),
    Column("seen_at", String(TIME_LENGTH), nullable=False),
    Column("expires_at", String(TIME_LENGTH), nullable=False),
    Index("user_session_expires_at", "expires_at"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_name", String(200), nullable=False),
    Column("created_at", String(TIME_LENGTH), nullable=False),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("number", _Id, primary_key=True, autoincrement=True),
    Column("subject", String(300), nullable=False),
    Column("failed_at", String(TIME_LENGTH), nullable=False),
    Index("sign_in_failure_subject", "subject", "failed_at"),
)
