"""Tables of the embedded archive's index and how they are searched."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    or_,
)

from overread.vocabulary.errors import Rejected

metadata = MetaData()

studies = Table(
    "study",
    metadata,
    Column("study_uid", String, primary_key=True),
    Column("patient_name", String, index=True),
    Column("patient_id", String, index=True),
    Column("birth_date", String),
    Column("sex", String),
    Column("accession_number", String, index=True),
    Column("study_id", String),
    Column("study_date", String, index=True),
    Column("study_time", String),
    Column("description", String),
    Column("referring_physician", String),
)

series = Table(
    "series",
    metadata,
    Column("study_uid", String, primary_key=True),
    Column("series_uid", String, primary_key=True),
    Column("modality", String),
    Column("series_number", Integer),
    Column("description", String),
    Column("body_part", String),
    Column("series_date", String),
    Column("series_time", String),
)

instances = Table(
    "instance",
    metadata,
    Column("sop_uid", String, primary_key=True),
    Column("study_uid", String, nullable=False),
    Column("series_uid", String, nullable=False),
    Column("sop_class_uid", String, nullable=False),
    Column("transfer_syntax_uid", String, nullable=False),
    Column("instance_number", Integer),
    Column("number_of_frames", Integer, nullable=False),
    Column("rows", Integer),
    Column("columns", Integer),
    Column("bits_allocated", Integer),
    # SHA-256 of the file, which is also its name.
    Column("digest", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    # Where the header ends and the pixels begin, so that reading a frame parses nothing.
    Column("header_end", BigInteger, nullable=False),
    Column("pixel_offset", BigInteger),
    Column("frame_bits", BigInteger),
)

# One index serves both "of a study" and "of a series".
SERIES_INDEX = "CREATE INDEX IF NOT EXISTS instance_series ON instance (study_uid, series_uid)"

STUDY_KEYS: Mapping[str, Column[str]] = {
    "StudyInstanceUID": studies.c.study_uid,
    "PatientName": studies.c.patient_name,
    "PatientID": studies.c.patient_id,
    "AccessionNumber": studies.c.accession_number,
    "StudyID": studies.c.study_id,
    "StudyDate": studies.c.study_date,
    "StudyTime": studies.c.study_time,
    "StudyDescription": studies.c.description,
    "ReferringPhysicianName": studies.c.referring_physician,
}
SERIES_KEYS: Mapping[str, Column[str] | Column[int]] = {
    "SeriesInstanceUID": series.c.series_uid,
    "Modality": series.c.modality,
    "SeriesNumber": series.c.series_number,
    "SeriesDescription": series.c.description,
    "BodyPartExamined": series.c.body_part,
}
INSTANCE_KEYS: Mapping[str, Column[str] | Column[int]] = {
    "SOPInstanceUID": instances.c.sop_uid,
    "SOPClassUID": instances.c.sop_class_uid,
    "SeriesInstanceUID": instances.c.series_uid,
    "InstanceNumber": instances.c.instance_number,
}
_RANGE = re.compile(r"(?P<low>[0-9.]*)-(?P<high>[0-9.]*)")


def match(
    matching: Mapping[str, str], columns: Mapping[str, Column[str] | Column[int]]
) -> ColumnElement[bool]:
    """Matching keys as a condition (PS3.4 C.2.2.2): single value, list of UIDs, wild card, range.

    Raises:
        Rejected: a key that can't be searched by; ignoring it would return others' studies.
    """
    conditions = []
    for keyword, text in matching.items():
        column = columns.get(keyword)
        if column is None:
            raise Rejected(
                f"{keyword} can't be searched by; these can: {', '.join(sorted(columns))}."
            )
        if text in ("", "*"):
            continue
        conditions.append(_match_one(keyword, column, text))
    return and_(True, *conditions)


def _match_one(keyword: str, column: Column[str] | Column[int], text: str) -> ColumnElement[bool]:
    if keyword.endswith("UID"):
        return column.in_([uid for uid in re.split(r"[\\,]", text) if uid])
    if isinstance(column.type, Integer):
        if not re.fullmatch(r"[+-]?\d{1,12}", text.strip()):
            raise Rejected(f"{keyword} must be a whole number.")
        return column == int(text)
    found = _RANGE.fullmatch(text)
    if keyword.endswith(("Date", "Time")) and found:
        low, high = found["low"], found["high"]
        # "~" sorts behind every digit, so that 10 to 11 includes 11:59.
        return and_(column != "", column >= low, column <= f"{high}~" if high else column >= low)
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = escaped.replace("*", "%").replace("?", "_")
    if keyword.endswith("Name"):
        # Person names match without regard to case; trailing component separators don't count.
        return or_(column.ilike(pattern, escape="\\"), column.ilike(f"{pattern}^%", escape="\\"))
    if pattern != escaped:
        return column.like(pattern, escape="\\")
    return column == text
