"""Any program: its JSON, SEG and SR are read; what it may not do is refused or stopped."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from conftest_runner import write_series
from highdicom.sr.coding import CodedConcept
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from overread.adapters.runner.model_runner import LOG_NAME, ModelRunner
from overread.model.ports import RunRequest
from overread.model.prediction import Prediction
from overread.model.registry import Registry, read_card_model
from overread.vocabulary.errors import Defect, LimitExceeded, Rejected

CARD = """
name = "bright"
version = "1"
title = "Bright things"
manufacturer = "tests"
status = "demonstration"
intended_use = "tests"
limits = ["none"]
evidence = "none"
score_meaning = "none"
timeout_seconds = {timeout}
[inputs]
modalities = ["CT"]
[[outputs]]
key = "bright"
label = "Bright"
finding = ["50960005", "SCT", "Hemorrhage"]
[command]
program = [{python}, "program.py", "{{input}}", "{{output}}", {answers}]
disk_mib = 8
{more}
"""

IMAGE = "1.2.826.0.1.3680043.10.1.3"
"""The third of six slices."""

WRITE = """
import json, pathlib, sys
(pathlib.Path(sys.argv[2]) / "findings.json").write_text(json.dumps({document!r}))
"""

COPY = """
import pathlib, shutil, sys
for path in pathlib.Path(sys.argv[3]).iterdir():
    shutil.copy(path, sys.argv[2])
"""


class Bench:
    """A command card over a program's text, run under one kind of kernel."""

    def __init__(self, folder: Path, series: Path) -> None:
        self.folder = folder
        self.series = series
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.answers = folder / "answers"
        self.answers.mkdir()

    async def run(self, program: str, *, more: str = "", timeout: float = 60) -> Prediction:
        (self.folder / "program.py").write_text(program)
        card = self.folder / "card.toml"
        words = {"python": sys.executable, "answers": str(self.answers)}
        quoted = {name: json.dumps(word) for name, word in words.items()}
        card.write_text(CARD.format(timeout=timeout, more=more, **quoted))
        model = read_card_model(card)
        runner = ModelRunner(Registry((model,)), self.folder / "models")
        request = RunRequest(model.card, self.series, self.scratch)
        return await runner.run(request, lambda *_: None)

    async def write(self, document: object) -> Prediction:
        return await self.run(WRITE.format(document=document))

    def read_images(self) -> list[Dataset]:
        images = [dcmread(path) for path in self.series.iterdir()]
        for image in images:  # what the writer of SEG and SR asks for and our reader does not
            for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
                setattr(image, name, "")
            image.AccessionNumber = image.ReferringPhysicianName = ""
            image.SliceThickness = 2.5
        return sorted(images, key=lambda image: float(image.ImagePositionPatient[2]))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_series(tmp_path_factory.mktemp("series"))


@pytest.fixture
def bench(tmp_path: Path, series: Path) -> Bench:
    return Bench(tmp_path, series)


def refuse_spaces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that grants no new spaces."""
    refusing = folder / "kernel"
    refusing.mkdir()
    (refusing / "sitecustomize.py").write_text(
        "from overread.adapters.runner import isolation\nisolation._unshare = lambda: False\n"
    )
    monkeypatch.syspath_prepend(refusing)


async def test_json_boxes_polygons_and_measurements_are_read(bench: Bench) -> None:
    box = {"sop_instance_uid": IMAGE, "top_left": [4, 5], "bottom_right": [10, 12]}
    triangle = {"sop_instance_uid": IMAGE, "points": [[0, 0], [4, 0], [4, 4], [0, 4]]}
    volume_ml = {
        "concept": ["118565006", "SCT", "Volume"],
        "value": 1.5,
        "unit": ["mL", "UCUM", "mL"],
    }
    document = {
        "findings": [
            {
                "output": "bright",
                "label": "A bright box",
                "confidence": 0.9,
                "boxes": [box],
                "laterality": "left",
                "measurements": [volume_ml],
            },
            {"output": "bright", "polygons": [triangle]},
        ],
        "notices": ["seen by a program"],
    }
    prediction = await bench.write(document)
    boxed, drawn = prediction.findings
    expected = np.zeros((6, 24, 20), bool)
    expected[2, 5:12, 4:10] = True
    assert boxed.mask is not None
    assert np.array_equal(boxed.mask, expected)
    assert (boxed.label, boxed.confidence) == ("A bright box", 0.9)
    assert boxed.laterality is not None
    assert boxed.laterality.value == "7771000"
    assert (boxed.measurements[0].value, boxed.measurements[0].unit.value) == (1.5, "mL")
    expected = np.zeros((6, 24, 20), bool)
    expected[2, 0:4, 0:4] = True
    assert drawn.mask is not None
    assert np.array_equal(drawn.mask, expected)
    assert prediction.notices == ("seen by a program",)


async def test_no_findings_is_an_answer(bench: Bench) -> None:
    assert (await bench.write({"findings": []})).findings == ()


def write_seg(
    bench: Bench, mask: np.ndarray, kind: hd.seg.SegmentationTypeValues, **more: object
) -> None:
    description = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Bright thing",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Hemorrhage,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            "tests", codes.DCM.ArtificialIntelligence, "1"
        ),
    )
    hd.seg.Segmentation(
        source_images=bench.read_images(),
        pixel_array=mask,
        segmentation_type=kind,
        segment_descriptions=[description],
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="tests",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
        **more,
    ).save_as(bench.answers / "seg.dcm")


NAMES = '[command.segments]\n"Bright thing" = "bright"\n'


async def test_a_seg_is_placed_by_position(bench: Bench) -> None:
    mask = np.zeros((6, 24, 20), bool)
    mask[1:5, 5:12, 4:10] = True
    mask[4, 11, 9] = False
    write_seg(bench, mask, hd.seg.SegmentationTypeValues.BINARY)
    prediction = await bench.run(COPY, more=NAMES)
    (finding,) = prediction.findings
    assert (finding.output, finding.label) == ("bright", "Bright thing")
    assert finding.mask is not None
    assert np.array_equal(finding.mask, mask)


async def test_a_fractional_seg_is_a_heat_map_and_a_mask(bench: Bench) -> None:
    shares = np.zeros((6, 24, 20), np.float32)
    shares[2, 5:8, 4:10] = 0.2
    shares[2, 8:12, 4:10] = 0.8
    write_seg(bench, shares, hd.seg.SegmentationTypeValues.FRACTIONAL, max_fractional_value=255)
    (finding,) = (await bench.run(COPY, more=NAMES)).findings
    assert finding.mask is not None
    assert finding.heatmap is not None
    assert np.array_equal(finding.mask, shares > 0.5)
    assert np.allclose(finding.heatmap, shares, atol=1 / 255)


async def test_a_seg_off_the_grid_is_refused(bench: Bench) -> None:
    mask = np.ones((6, 24, 20), bool)
    write_seg(bench, mask, hd.seg.SegmentationTypeValues.BINARY)
    path = bench.answers / "seg.dcm"
    dataset = dcmread(path)
    frame = dataset.PerFrameFunctionalGroupsSequence[0]
    frame.PlanePositionSequence[0].ImagePositionPatient = [-10, -12, 1.25]
    dataset.save_as(path)
    with pytest.raises(Defect, match=r"1\.25 mm beside the nearest image"):
        await bench.run(COPY, more=NAMES)


async def test_a_label_that_the_card_does_not_know_is_a_defect(bench: Bench) -> None:
    write_seg(bench, np.ones((6, 24, 20), bool), hd.seg.SegmentationTypeValues.BINARY)
    with pytest.raises(Defect, match="'Bright thing', and its card knows bright"):
        await bench.run(COPY)


def write_report(bench: Bench) -> None:
    images = bench.read_images()
    region = hd.sr.ImageRegion(
        graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
        graphic_data=np.array([[4, 5], [10, 5], [10, 12], [4, 12], [4, 5]], float),
        source_image=hd.sr.SourceImageForRegion(images[2].SOPClassUID, images[2].SOPInstanceUID),
    )
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(generate_uid(), "1"),
        referenced_region=region,
        finding_type=CodedConcept("50960005", "SCT", "Hemorrhage"),
    )
    observer = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(generate_uid()),
    )
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=[group],
        title=codes.DCM.ImagingMeasurementReport,
    )
    hd.sr.Comprehensive3DSR(
        evidence=images,
        content=report[0],
        series_number=3,
        series_instance_uid=generate_uid(),
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="tests",
    ).save_as(bench.answers / "report.dcm")


async def test_an_sr_outline_is_filled(bench: Bench) -> None:
    write_report(bench)
    more = '[command.segments]\n"50960005" = "bright"\n'
    (finding,) = (await bench.run(COPY, more=more)).findings
    expected = np.zeros((6, 24, 20), bool)
    expected[2, 5:12, 4:10] = True
    assert (finding.output, finding.label) == ("bright", "Hemorrhage")
    assert finding.mask is not None
    assert np.array_equal(finding.mask, expected)


async def test_an_image_given_back_is_no_answer(bench: Bench) -> None:
    bench.read_images()[0].save_as(bench.answers / "image.dcm")
    with pytest.raises(Defect, match=r"SOP class .* SEG and SR are read"):
        await bench.run(COPY)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"findings": [{"output": "other"}]}, "outside its card: it claims 'other'"),
        ({"findings": [{"output": "bright", "confidence": 3}]}, "confidence"),
        ({"findings": [{"label": "x"}]}, 'lacks "output"'),
        ({"findings": [{"output": "bright", "laterality": "up"}]}, "left, right, bilateral"),
        ({"findings": [{"output": "bright", "measurements": [1]}]}, r"findings\[0\]"),
        ({"results": []}, 'a list "findings"'),
        (
            {
                "findings": [
                    {
                        "output": "bright",
                        "boxes": [
                            {"sop_instance_uid": IMAGE, "top_left": [4, 5], "bottom_right": [21, 9]}
                        ],
                    }
                ]
            },
            "box leaves its image",
        ),
        (
            {
                "findings": [
                    {
                        "output": "bright",
                        "boxes": [
                            {"sop_instance_uid": "1.9", "top_left": [0, 0], "bottom_right": [1, 1]}
                        ],
                    }
                ]
            },
            "not in the series",
        ),
    ],
)
async def test_an_answer_of_another_form_is_a_defect_that_says_what(
    bench: Bench, document: object, words: str
) -> None:
    with pytest.raises(Defect, match=words):
        await bench.write(document)


async def test_no_answer_at_all_is_a_defect_that_says_what_to_write(bench: Bench) -> None:
    with pytest.raises(Defect, match=r"neither findings\.json nor"):
        await bench.run("print('nothing to say')")
    assert "nothing to say" in (bench.scratch / LOG_NAME).read_text()


async def test_a_crash_is_a_defect_without_its_words(bench: Bench) -> None:
    with pytest.raises(Defect, match="ended with status 1") as caught:
        await bench.run("raise ValueError('Jane Doe')")
    assert "Jane" not in str(caught.value)


async def test_a_program_that_takes_too_long_is_stopped(bench: Bench) -> None:
    with pytest.raises(LimitExceeded, match="within 3 s"):
        await bench.run("import time; time.sleep(600)", timeout=3)


@pytest.mark.parametrize(
    "program",
    [
        "open('junk', 'wb').write(b'x' * 2**26)",
        "import time\n"
        "for n in range(64): open(f'junk{n}', 'wb').write(b'x' * 2**20)\n"
        "time.sleep(9)",
    ],
)
async def test_a_program_that_writes_too_much_is_stopped(bench: Bench, program: str) -> None:
    quiet = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
    with pytest.raises(LimitExceeded, match="scratch folder"):
        await bench.run(quiet + program)


REACH = """
import json, pathlib, socket, sys
try:
    socket.create_connection(("127.0.0.1", int("{port}")), timeout=2)
    seen = "reached"
except OSError as error:
    seen = type(error).__name__
(pathlib.Path(sys.argv[2]) / "findings.json").write_text(
    json.dumps({{"findings": [], "notices": [seen]}})
)
"""


async def test_a_program_has_no_network(bench: Bench) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        prediction = await bench.run(REACH.format(port=port))
    assert prediction.notices
    assert prediction.notices[0] != "reached"


async def test_where_the_network_cannot_be_cut_a_program_runs_by_leave_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_spaces(bench.folder, monkeypatch)
    program = WRITE.format(document={"findings": []})
    with pytest.raises(Rejected, match="may_reach_network = true"):
        await bench.run(program)
    bench.scratch = bench.folder / "again"
    bench.scratch.mkdir()
    assert (await bench.run(program, more="may_reach_network = true")).findings == ()


async def test_a_program_that_is_not_there_is_said_before_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "no-such-program")
    with pytest.raises(Rejected, match="no-such-program is not found"):
        await bench.run("")
