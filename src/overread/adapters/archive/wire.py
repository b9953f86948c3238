"""What a DICOMweb server says, in DICOM JSON (PS3.18 annex F), as Datasets and plain values."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from pydicom import Dataset, uid

from overread.study.attributes import MALFORMED
from overread.study.multipart import parse_content_type
from overread.study.ports import StoreFailure
from overread.vocabulary.errors import Rejected, Unavailable
from overread.vocabulary.uid import Uid, parse_uid

PROCESSING_FAILURE = 0x0110
_MAX_DEPTH = 24
_PIXEL_TAGS = frozenset({"7FE00010", "7FE00008", "7FE00009"})
_TABLE_TAGS = frozenset(
    {
        *("00281201", "00281202", "00281203"),  # palette colour lookup table data
        *("00281221", "00281222", "00281223"),  # the same, segmented
        "00283006",  # LUT Data of modality and VOI tables
    }
)
_DEFAULT_SYNTAX = {
    "application/octet-stream": uid.ExplicitVRLittleEndian,
    "image/dicom-rle": uid.RLELossless,
    "image/jpeg": uid.JPEGLosslessSV1,
    "image/jls": uid.JPEGLSLossless,
    "image/jp2": uid.JPEG2000Lossless,
    "image/jphc": uid.HTJ2KLossless,
}
"""PS3.18 table 8.7.3-2: what a media type means where no transfer syntax is named."""


def parse_json(body: bytes) -> Any:
    """Raises ValueError."""
    return orjson.loads(body)


def require_objects(found: Any) -> list[dict[str, Any]]:
    """A list of JSON objects.

    Raises:
        Unavailable: the server sent something else.
    """
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unavailable("The PACS sent JSON that is no list of DICOM objects.")
    return found


def to_datasets(found: list[dict[str, Any]]) -> list[Dataset]:
    """DICOM JSON to Datasets; pixel data and bulk data that was not fetched are left out.

    Raises:
        Unavailable: one of them is no DICOM JSON.
    """
    datasets = []
    for item in found:
        try:
            datasets.append(Dataset.from_json(_without_bulk(item, 0)))
        except MALFORMED as error:
            raise Unavailable("The PACS sent an object that is no DICOM JSON.") from error
    return datasets


def _without_bulk(item: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    kept = {}
    for tag, element in item.items():
        if not isinstance(element, dict) or "BulkDataURI" in element:
            continue
        if tag in _PIXEL_TAGS or tag.startswith("0002"):
            continue
        if element.get("vr") == "SQ":
            items = [_without_bulk(child, depth + 1) for child in element.get("Value", [])]
            kept[tag] = {"vr": "SQ", "Value": items}
        else:
            kept[tag] = element
    return kept


def find_tables(item: Mapping[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Elements of lookup tables whose data stands behind a BulkDataURI."""
    if depth > _MAX_DEPTH:
        return
    for tag, element in item.items():
        if not isinstance(element, dict):
            continue
        if tag in _TABLE_TAGS and isinstance(element.get("BulkDataURI"), str):
            yield element
        elif element.get("vr") == "SQ":
            for child in element.get("Value", []):
                if isinstance(child, dict):
                    yield from find_tables(child, depth + 1)


def to_service_path(bulk_data_uri: str) -> str:
    """The part of a BulkDataURI below the services' root.

    Raises:
        Unavailable: it does not point below /studies.
    """
    _, slash, rest = bulk_data_uri.partition("/studies/")
    if not slash or ".." in rest or len(rest) > 2048 or not rest.isprintable() or "?" in rest:
        raise Unavailable("The PACS names bulk data outside of its studies.")
    return f"/studies/{rest}"


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def lacks_palette(header: Dataset) -> bool:
    """Whether an image needs a palette that its metadata do not describe."""
    return (
        header.get("PhotometricInterpretation") == "PALETTE COLOR"
        and "RedPaletteColorLookupTableDescriptor" not in header
    )


def write_query(parameters: Mapping[str, str]) -> str:
    """A query string in which wild cards, lists and name separators stand as they are: there are
    servers that match them only so."""
    return "&".join(f"{quote(k)}={quote(v, safe='*?,^')}" for k, v in parameters.items())


def read_frame_syntax(content_type: str) -> str:
    """Transfer syntax of a frame by its media type."""
    media_type, parameters = parse_content_type(content_type)
    named = parameters.get("transfer-syntax", "")
    return str(named or _DEFAULT_SYNTAX.get(media_type, uid.ExplicitVRLittleEndian))


def read_uids(item: Mapping[str, Any]) -> tuple[Uid, Uid, Uid] | None:
    """(study, series, SOP instance) UIDs of a QIDO-RS answer."""
    texts = [_first_text(item, tag) for tag in ("0020000D", "0020000E", "00080018")]
    try:
        study, series, instance = (parse_uid(text) for text in texts)
    except Rejected:
        return None
    return study, series, instance


def is_stow_answer(body: bytes) -> bool:
    """Whether a body lists stored or failed instances."""
    try:
        answer = parse_json(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and ("00081199" in answer or "00081198" in answer)


def read_stow_answer(answer: Any, sent: Mapping[Uid, str]) -> dict[Uid, StoreFailure]:
    """Which of the instances sent (UID to SOP class) were not stored (PS3.18 table 10.5.1-3);
    one that the answer does not mention counts as failed."""
    body = answer[0] if isinstance(answer, list) and answer else answer
    body = body if isinstance(body, dict) else {}
    failed: dict[Uid, StoreFailure] = {}
    taken = {_first_text(item, "00081155") for item in _items(body, "00081199")}
    reasons = {
        _first_text(item, "00081155"): _first_number(item, "00081197")
        for item in _items(body, "00081198")
    }
    for sop_uid, sop_class in sent.items():
        if sop_uid in taken and sop_uid not in reasons:
            continue
        reason = reasons.get(sop_uid) or PROCESSING_FAILURE
        failed[sop_uid] = StoreFailure(
            sop_class, sop_uid, reason, f"refused by the PACS with reason {reason:#06x}"
        )
    return failed


def _items(body: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    element = body.get(tag)
    values = element.get("Value", []) if isinstance(element, dict) else []
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _first(item: Mapping[str, Any], tag: str) -> Any:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _first_text(item: Mapping[str, Any], tag: str) -> str:
    value = _first(item, tag)
    return value if isinstance(value, str) else ""


def _first_number(item: Mapping[str, Any], tag: str) -> int | None:
    value = _first(item, tag)
    return value if isinstance(value, int) else None
