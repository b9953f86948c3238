"""STOW-RS, QIDO-RS and WADO-RS as a client sees them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from open_door import BOUNDARY, STOW_HEADERS, OpenDoor, change, write_body
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from overread.access.role import Role
from overread.audit.event import AuditAction
from overread.study.pixels.encode import decode_htj2k


@pytest.fixture
def ct_files(test_data: Path) -> list[Path]:
    return sorted((test_data / "ct-head").glob("*.dcm"))[:4]


def path_of(dataset: Dataset) -> str:
    return (
        f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        f"/instances/{dataset.SOPInstanceUID}"
    )


async def test_stored_instances_are_confirmed_announced_and_audited(
    door: OpenDoor, ct_files: list[Path]
) -> None:
    answer = await door.stow(*(file.read_bytes() for file in ct_files))
    assert answer.status_code == 200
    body = answer.json()
    expected = {dcmread(file).SOPInstanceUID for file in ct_files}
    assert {item["00081155"]["Value"][0] for item in body["00081199"]["Value"]} == expected
    assert "00081198" not in body
    assert {item.sop_instance_uid for item in door.announced} == expected
    assert all(item.is_new and item.modality == "CT" for item in door.announced)
    study = dcmread(ct_files[0]).StudyInstanceUID
    assert door.audited == [("tester", AuditAction.STUDY_STORED, study)]
    assert list(door.scratch_dir.iterdir()) == []

    again = await door.stow(ct_files[0].read_bytes())
    assert again.status_code == 200
    assert not door.announced[-1].is_new


async def test_bad_parts_are_quarantined_and_good_ones_stored(
    door: OpenDoor, ct_files: list[Path], test_data: Path
) -> None:
    good = ct_files[0].read_bytes()
    without_uids = sorted((test_data / "ct-abdomen").glob("*"))[0].read_bytes()
    duplicate = change(ct_files[0], PatientID="ANOTHER")
    answer = await door.stow(b"no dicom", good, without_uids, duplicate, good[:-1000])
    assert answer.status_code == 202
    body = answer.json()
    assert len(body["00081199"]["Value"]) == 1
    failed = body["00081198"]["Value"]
    assert [item["00081197"]["Value"] for item in failed] == [[0x0111]]
    assert len(body["0008119A"]["Value"]) == 3
    reasons = [item.reason for item in await door.quarantine.list_items()]
    assert len(reasons) == 4
    assert any("Study Instance UID" in reason for reason in reasons)
    assert any("duplicate SOP Instance UID" in reason for reason in reasons)
    assert any("cut short" in reason for reason in reasons)
    patient = str(dcmread(ct_files[0]).PatientID)
    assert all(patient not in reason and "ANOTHER" not in reason for reason in reasons)


async def test_nothing_stored_is_a_conflict(door: OpenDoor) -> None:
    answer = await door.stow(b"no dicom")
    assert answer.status_code == 409
    assert "00081199" not in answer.json()


async def test_a_study_address_takes_that_study_alone(door: OpenDoor, ct_files: list[Path]) -> None:
    answer = await door.stow(ct_files[0].read_bytes(), study="1.2.3")
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]
    assert await door.quarantine.count() == 0
    study = dcmread(ct_files[0]).StudyInstanceUID
    assert (await door.stow(ct_files[0].read_bytes(), study=study)).status_code == 200


@pytest.mark.parametrize(
    ("missing", "kept"), [(1, 3), (5, 3), (len(f"\r\n--{BOUNDARY}--\r\n"), 3), (5000, 2)]
)
async def test_a_body_that_breaks_off_keeps_what_was_complete(
    door: OpenDoor, ct_files: list[Path], missing: int, kept: int
) -> None:
    body = write_body(*(file.read_bytes() for file in ct_files[:3]))[:-missing]
    answer = await door.http.post("/studies", content=body, headers=STOW_HEADERS)
    assert answer.status_code == (200 if kept == 3 else 202)
    assert len(answer.json()["00081199"]["Value"]) == kept


async def test_a_part_that_is_too_large_harms_no_other(
    door: OpenDoor, ct_files: list[Path]
) -> None:
    answer = await door.stow(bytes(65 << 20), ct_files[0].read_bytes())
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 1


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/dicom", 415),
        ("multipart/form-data; boundary=x", 415),
        ('multipart/related; type="application/dicom+xml"; boundary=x', 415),
        ('multipart/related; type="application/dicom"', 422),
    ],
)
async def test_other_bodies_are_refused(door: OpenDoor, content_type: str, status: int) -> None:
    answer = await door.http.post("/studies", content=b"x", headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_may_not_store_or_view_is_refused(door: OpenDoor, ct_files: list[Path]) -> None:
    door.roles = {Role.READER}
    assert (await door.stow(ct_files[0].read_bytes())).status_code == 403
    door.roles = {Role.SERVICE}
    assert (await door.stow(ct_files[0].read_bytes())).status_code == 200
    instance = path_of(dcmread(ct_files[0]))
    study = instance.split("/series")[0]
    for path in (
        "/studies",
        study,
        f"{study}/series",
        f"{study}/instances",
        f"{study}/metadata",
        instance,
        f"{instance}/metadata",
        f"{instance}/frames/1",
        f"{instance}/rendered",
        f"{instance}/frames/1/rendered",
        f"{instance}/bulkdata/7FE00010",
    ):
        assert (await door.http.get(path)).status_code == 403, path


async def test_searches_answer_dicom_json_with_our_addresses(
    door: OpenDoor, ct_files: list[Path]
) -> None:
    await door.stow(*(file.read_bytes() for file in ct_files))
    first = dcmread(ct_files[0])
    studies = (await door.http.get("/studies", params={"PatientID": first.PatientID})).json()
    assert [item["0020000D"]["Value"] for item in studies] == [[first.StudyInstanceUID]]
    by_tag = (await door.http.get("/studies", params={"00100020": "nobody"})).json()
    assert by_tag == []
    series = (await door.http.get(f"/studies/{first.StudyInstanceUID}/series")).json()
    assert series[0]["00201209"]["Value"] == [4]
    instances = (
        await door.http.get(f"/studies/{first.StudyInstanceUID}/instances", params={"limit": 3})
    ).json()
    assert len(instances) == 3
    assert instances[0]["00081190"]["Value"][0].startswith("http://gateway/studies/")
    assert (await door.http.get("/studies", params={"PatientBirthDate": "x"})).status_code == 422
    assert (await door.http.get("/studies", params={"limit": "-1"})).status_code == 422
    assert (await door.http.get("/studies/1.2.3/series")).status_code == 404
    assert (await door.http.get("/studies/1..3/series")).status_code == 422


async def test_metadata_hold_all_but_pixels(door: OpenDoor, ct_files: list[Path]) -> None:
    await door.stow(*(file.read_bytes() for file in ct_files))
    first = dcmread(ct_files[0])
    found = (await door.http.get(f"/studies/{first.StudyInstanceUID}/metadata")).json()
    assert len(found) == 4
    one = (await door.http.get(f"{path_of(first)}/metadata")).json()[0]
    assert one["7FE00010"]["BulkDataURI"].endswith("/bulkdata/7FE00010")
    header = Dataset.from_json({k: v for k, v in one.items() if k not in ("7FE00010", "00083002")})
    assert header.ImagePositionPatient == first.ImagePositionPatient
    assert one["00083002"]["Value"] == [first.file_meta.TransferSyntaxUID]
    assert door.audited[-1] == ("tester", AuditAction.STUDY_OPENED, first.StudyInstanceUID)


async def test_instances_come_back_byte_for_byte(door: OpenDoor, ct_files: list[Path]) -> None:
    sent = [file.read_bytes() for file in ct_files]
    await door.stow(*sent)
    first = dcmread(ct_files[0])
    any_syntax = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    series_path = path_of(first).split("/instances")[0]
    for path, expected in (
        (path_of(first), sent[:1]),
        (series_path, sent),
        (f"/studies/{first.StudyInstanceUID}", sent),
    ):
        answer, parts = await door.get_parts(path, any_syntax)
        assert answer.status_code == 200
        assert sorted(parts) == sorted(expected)
    assert list(door.scratch_dir.iterdir()) == []
    assert (await door.http.get(f"{series_path}/instances/1.2.3")).status_code == 404
    refused = await door.http.get(path_of(first), headers={"Accept": "image/png"})
    assert refused.status_code == 406


async def test_frames_come_as_stored_plain_or_as_htj2k(door: OpenDoor, test_data: Path) -> None:
    file = test_data / "transfer-syntaxes" / "CT1_JLSL.dcm"
    plain = dcmread(test_data / "transfer-syntaxes" / "CT1_UNC.dcm").pixel_array
    await door.stow(file.read_bytes())
    path = f"{path_of(dcmread(file))}/frames/1"
    kept, parts = await door.get_parts(
        path, 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    )
    assert 'type="image/jls"' in kept.headers["content-type"]
    assert parts[0][:2] == b"\xff\xd8"
    _, parts = await door.get_parts(path, 'multipart/related; type="application/octet-stream"')
    assert np.array_equal(np.frombuffer(parts[0], "<i2").reshape(plain.shape), plain)
    _, parts = await door.get_parts(
        path, 'multipart/related; type="image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"'
    )
    assert np.array_equal(decode_htj2k(parts[0]), plain)
    _, parts = await door.get_parts(path.replace("/frames/1", "/bulkdata/7FE00010"), "*/*")
    assert parts[0][:2] == b"\xff\xd8"
    for wrong, status in (("2", 404), ("0", 404), ("x", 422), ("1,,2", 422)):
        answer = await door.http.get(path[:-1] + wrong)
        assert answer.status_code == status, wrong


async def test_pictures_are_rendered(door: OpenDoor, ct_files: list[Path]) -> None:
    await door.stow(ct_files[0].read_bytes())
    path = f"{path_of(dcmread(ct_files[0]))}/rendered"
    answer = await door.http.get(path, params={"viewport": "128,128", "window": "40,80,linear"})
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (128, 128)
    for query in ({"viewport": "x"}, {"window": "1"}, {"window": "nan,1"}, {"viewport": "99999"}):
        assert (await door.http.get(path, params=query)).status_code == 422, query


async def test_a_study_is_audited_as_opened_once_a_minute(
    door: OpenDoor, ct_files: list[Path]
) -> None:
    await door.stow(*(file.read_bytes() for file in ct_files))
    door.audited.clear()
    for file in ct_files:
        await door.http.get(f"{path_of(dcmread(file))}/frames/1")
    assert [action for _, action, _ in door.audited] == [AuditAction.STUDY_OPENED]


async def test_bulk_data_of_other_elements(door: OpenDoor, test_data: Path) -> None:
    file = test_data / "ultrasound" / "burned-in-text-palette.dcm"
    await door.stow(change(file, SOPInstanceUID=generate_uid()))
    dataset = dcmread(file)
    dataset.SOPInstanceUID = door.announced[0].sop_instance_uid
    metadata = (await door.http.get(f"{path_of(dataset)}/metadata")).json()[0]
    uri = metadata["00281221"]["BulkDataURI"]
    _, parts = await door.get_parts(uri.removeprefix("http://gateway"), "*/*")
    assert parts == [dataset.SegmentedRedPaletteColorLookupTableData]
    assert (await door.http.get(f"{path_of(dataset)}/bulkdata/00100010")).status_code == 404
    assert (await door.http.get(f"{path_of(dataset)}/bulkdata/zz")).status_code == 404
