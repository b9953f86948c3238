from __future__ import annotations

import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom
import pytest
from painted_results import SOURCES, Painted
from pydicom import Dataset, dcmread

from overread.model.card import ModelStatus
from overread.result.encoding.header import instance_uid_of
from overread.result.encoding.seg import to_seg
from overread.result.encoding.sr import to_sr
from overread.result.region import Line
from overread.result.result import Result
from overread.vocabulary.geometry import ImagePoint

GetPainted = Callable[[str], Painted]


def read(painted: Painted) -> Dataset:
    return dcmread(BytesIO(to_sr(painted.result, painted.sources)))


def walk(item: Dataset) -> Iterator[Dataset]:
    yield item
    for child in item.get("ContentSequence", []):
        yield from walk(child)


def name_of(item: Dataset) -> tuple[str, str]:
    code = item.ConceptNameCodeSequence[0]
    return (code.CodeValue, code.CodingSchemeDesignator)


def list_groups(report: Dataset) -> list[Dataset]:
    return [item for item in walk(report) if "ContentTemplateSequence" in item][1:]


def template_of(item: Dataset) -> str:
    return str(item.ContentTemplateSequence[0].TemplateIdentifier)


def children(item: Dataset, value: str) -> list[Dataset]:
    return [child for child in item.ContentSequence if name_of(child)[0] == value]


@pytest.mark.parametrize("name", SOURCES)
def test_dciodvfy_finds_no_error(
    painted: GetPainted, list_dicom_errors: Callable[[bytes], list[str]], name: str
) -> None:
    given = painted(name)
    assert list_dicom_errors(to_sr(given.result, given.sources)) == []


@pytest.mark.parametrize("name", SOURCES)
def test_dsrdump_reads_it_without_complaint(painted: GetPainted, tmp_path: Path, name: str) -> None:
    tool = shutil.which("dsrdump")
    if tool is None:
        pytest.fail("DCMTK is not installed: `apt-get install dcmtk`.")
    given = painted(name)
    path = tmp_path / "sr.dcm"
    path.write_bytes(to_sr(given.result, given.sources))
    done = subprocess.run(
        [tool, "+U8", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    # Its value checker does not know UTF-8 and says so; that is no fault of the document.
    complaints = [
        line
        for line in done.stderr.splitlines()
        if line.startswith(("E:", "W:")) and "ISO_IR 192" not in line
    ]
    assert (done.returncode, complaints) == (0, [])
    assert "UNVERIFIED" in done.stdout


@pytest.mark.parametrize("name", SOURCES)
def test_every_reference_is_in_evidence(painted: GetPainted, name: str) -> None:
    given = painted(name)
    report = read(given)
    evidence = {
        instance.ReferencedSOPInstanceUID: instance.ReferencedSOPClassUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    references = [
        item.ReferencedSOPSequence[0] for item in walk(report) if "ReferencedSOPSequence" in item
    ]
    for reference in references:
        assert evidence[reference.ReferencedSOPInstanceUID] == reference.ReferencedSOPClassUID
    expected = {source.SOPInstanceUID for source in given.sources}
    assert evidence.keys() == expected | {instance_uid_of(given.result, "SEG")}


def test_groups_say_where_and_what(painted: GetPainted) -> None:
    given = painted("ct-head")
    groups = list_groups(read(given))
    assert [template_of(group) for group in groups] == ["1411", "1410", "1501"] * 2
    uids = [children(group, "112040")[0].UID for group in groups]
    expected = [finding.tracking_uid for finding in given.result.findings]
    assert uids == [expected[0]] * 3 + [expected[1]] * 2 + [expected[2]]
    ids = {children(group, "112039")[0].TextValue for group in groups}
    assert ids == {"bleed 1", "bleed 2", "bleed 3"}
    for group in groups:
        assert children(group, "121071")[0].ConceptCodeSequence[0].CodeValue == "50960005"
        (site,) = children(group, "363698007")
        assert site.ConceptCodeSequence[0].CodeValue == "12738006"
    side = children(groups[0], "363698007")[0].ContentSequence[0]
    assert side.RelationshipType == "HAS CONCEPT MOD"
    assert side.ConceptCodeSequence[0].CodeValue == "24028007"


def test_box_is_the_masks_outer_pixel_edges(painted: GetPainted) -> None:
    given = painted("ct-head")
    middle = 28 // 2
    rows, columns = 512, 512
    group = list_groups(read(given))[1]
    (region,) = children(group, "111030")
    left, right = columns // 4, columns // 2
    top, bottom = rows // 3, rows // 2
    assert region.GraphicType == "POLYLINE"
    assert list(region.GraphicData) == [
        *(left, top),
        *(right, top),
        *(right, bottom),
        *(left, bottom),
        *(left, top),
    ]
    reference = region.ContentSequence[0].ReferencedSOPSequence[0]
    # The second of the three painted slices: the first lacks one pixel.
    image = given.volume.images[middle + 1]
    assert reference.ReferencedSOPInstanceUID == image.sop_instance_uid
    assert "ReferencedFrameNumber" not in reference


def test_box_on_a_multi_frame_source_names_the_frame(painted: GetPainted) -> None:
    given = painted("enhanced-mr")
    (region,) = children(list_groups(read(given))[1], "111030")
    reference = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert given.result.findings[0].key_image is not None
    assert reference.ReferencedFrameNumber == given.result.findings[0].key_image.frame


def test_volumetric_group_refers_to_the_segment(painted: GetPainted) -> None:
    given = painted("ct-head")
    groups = [group for group in list_groups(read(given)) if template_of(group) == "1411"]
    for number, group in enumerate(groups, start=1):
        reference = children(group, "121191")[0].ReferencedSOPSequence[0]
        assert reference.ReferencedSOPInstanceUID == instance_uid_of(given.result, "SEG")
        assert reference.ReferencedSegmentNumber == number


def test_numbers_carry_units(painted: GetPainted) -> None:
    given = painted("ct-head")
    groups = list_groups(read(given))

    def numbers(group: Dataset) -> dict[str, tuple[float, str]]:
        return {
            name_of(item)[0]: (
                float(item.MeasuredValueSequence[0].NumericValue),
                item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
            )
            for item in group.ContentSequence
            if item.ValueType == "NUM"
        }

    assert numbers(groups[0]) == {
        "111012": (91.0, "%"),
        "118565006": (pytest.approx(14.123456789, abs=1e-7), "mL"),
    }
    assert numbers(groups[1]) == {"111012": (91.0, "%")}
    assert numbers(groups[2]) == {"410668003": (pytest.approx(3.2), "mm")}
    assert numbers(groups[5]) == {"118565006": (1.0, "mL")}
    (length,) = children(groups[2], "410668003")
    (line,) = [item for item in length.ContentSequence if item.ValueType == "SCOORD"]
    assert list(line.GraphicData) == [10.5, 10.5, 30.5, 20.5]


def test_algorithm_is_named_in_every_group(painted: GetPainted) -> None:
    report = read(painted("ct-head"))
    for group in list_groups(report):
        assert children(group, "111001")[0].TextValue == "bright-spots"
        assert children(group, "111003")[0].TextValue == "1.2.0"
        assert children(group, "111000")[0].ConceptCodeSequence[0].CodeValue == "123109"
    equipment = [
        item
        for item in report.ContributingEquipmentSequence
        if item.ManufacturerModelName == "bright-spots"
    ]
    assert [item.SoftwareVersions for item in equipment] == ["1.2.0"]
    assert equipment[0].DeviceUID.startswith("2.25.")


@pytest.mark.parametrize("status", ModelStatus)
def test_never_verified(painted: GetPainted, status: ModelStatus) -> None:
    given = painted("ct-head")
    result = replace(given.result, model_status=status)
    report = dcmread(BytesIO(to_sr(result, given.sources)))
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.CompletionFlag == "COMPLETE"
    assert report.PreliminaryFlag == "PRELIMINARY"
    assert "VerifyingObserverSequence" not in report
    assert report.get("ContentQualification") == (
        None if status is ModelStatus.CLEARED else "RESEARCH"
    )


def test_text_of_any_script_decodes(painted: GetPainted) -> None:
    given = painted("ct-head")
    sources = [deepcopy(source) for source in given.sources]
    for source in sources:
        source.PatientName = "Müller^Jürgen=山田^太郎"
    report = dcmread(BytesIO(to_sr(given.result, sources)))
    assert report.SpecificCharacterSet == "ISO_IR 192"
    assert report.PatientName == "Müller^Jürgen=山田^太郎"
    said = [item.TextValue for item in walk(report) if item.get("ValueType") == "TEXT"]
    for text in ("Blutung, größer 出血", "Scheitel nicht erfasst, 頭頂部なし"):
        assert text in said
    assert "Überlesen GmbH 日本" in said


def test_times_come_from_the_run(painted: GetPainted) -> None:
    given = painted("ct-head")
    report = read(given)
    assert report.TimezoneOffsetFromUTC == "-0330"
    assert (report.ContentDate, report.ContentTime[:6]) == ("20260301", "221005")
    assert to_sr(given.result, given.sources) == to_sr(given.result, given.sources)


def test_highdicom_reads_it_as_a_measurement_report(painted: GetPainted) -> None:
    given = painted("mr-brain")
    report = highdicom.sr.srread(BytesIO(to_sr(given.result, given.sources)))
    volumetric = report.content.get_volumetric_roi_measurement_groups()
    planar = report.content.get_planar_roi_measurement_groups()
    uids = [finding.tracking_uid for finding in given.result.findings]
    assert [group.tracking_uid for group in volumetric] == uids[:2]
    assert [group.tracking_uid for group in planar] == uids[:2]
    assert planar[0].roi.value.shape == (5, 2)


def test_result_without_findings_says_so(
    painted: GetPainted, list_dicom_errors: Callable[[bytes], list[str]]
) -> None:
    given = painted("ct-head")
    data = to_sr(replace(given.result, findings=()), given.sources)
    report = dcmread(BytesIO(data))
    (group,) = list_groups(report)
    (summary,) = children(group, "111017")
    assert summary.ConceptCodeSequence[0].CodeValue == "111241"
    assert list_dicom_errors(data) == []


@pytest.mark.parametrize("encode", [to_sr, to_seg])
def test_patients_name_is_in_the_object_and_in_no_log(
    painted: GetPainted,
    caplog: pytest.LogCaptureFixture,
    encode: Callable[[Result, list[Dataset]], bytes],
) -> None:
    given = painted("ct-head")
    sources = [deepcopy(source) for source in given.sources]
    for source in sources:
        source.PatientName = "Sonderbar"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = encode(given.result, sources)
    assert dcmread(BytesIO(data)).PatientName == "Sonderbar"
    assert "Sonderbar" not in caplog.text
    assert not [warning for warning in caught if "Sonderbar" in str(warning.message)]


def test_lines_without_a_length_are_regions_of_their_own(painted: GetPainted) -> None:
    given = painted("ct-head")
    finding = given.result.findings[0]
    bare = replace(finding, measurements=finding.measurements[:1])
    result = replace(given.result, findings=(bare,))
    groups = list_groups(dcmread(BytesIO(to_sr(result, given.sources))))
    assert [template_of(group) for group in groups] == ["1411", "1410", "1410"]
    (region,) = children(groups[2], "111030")
    assert list(region.GraphicData) == [10.5, 10.5, 30.5, 20.5]


def test_each_length_goes_with_its_line(painted: GetPainted) -> None:
    given = painted("ct-head")
    finding = given.result.findings[0]
    (line,) = [region for region in finding.regions if isinstance(region, Line)]
    second = replace(line, end=ImagePoint(50.5, 60.5))
    length = finding.measurements[1]
    measured = replace(
        finding,
        regions=(*finding.regions, second),
        measurements=(length, replace(length, value=9.0)),
    )
    result = replace(given.result, findings=(measured,))
    group = list_groups(dcmread(BytesIO(to_sr(result, given.sources))))[2]
    ends = [
        [list(item.GraphicData)[2:] for item in number.ContentSequence if "GraphicData" in item]
        for number in children(group, "410668003")
    ]
    assert ends == [[[30.5, 20.5]], [[50.5, 60.5]]]


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
@pytest.mark.parametrize("encode", [to_sr, to_seg])
def test_names_in_the_sources_own_character_set_are_carried_over(
    painted: GetPainted,
    encode: Callable[[Result, list[Dataset]], bytes],
    charset: str | list[str],
    name: str,
) -> None:
    given = painted("ct-head")
    description = name.rsplit("=", maxsplit=1)[-1]
    sources = []
    for source in given.sources:
        named = deepcopy(source)
        named.SpecificCharacterSet, named.PatientName = charset, name
        named.ReferringPhysicianName, named.StudyDescription = name, description
        buffer = BytesIO()
        named.save_as(buffer, implicit_vr=False, little_endian=True)
        buffer.seek(0)
        sources.append(dcmread(buffer, force=True))
    written = dcmread(BytesIO(encode(given.result, sources)))
    assert written.SpecificCharacterSet == "ISO_IR 192"
    assert written.PatientName == name
    assert written.ReferringPhysicianName == name
    assert written.get("StudyDescription", description) == description
