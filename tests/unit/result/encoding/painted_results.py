"""Results on real series with painted masks: no model found anything here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.model.prediction import (
    PredictedFinding,
    PredictedLine,
    PredictedMeasurement,
    Prediction,
)
from overread.result.building import build_result
from overread.result.result import Result
from overread.study.study import ImageRef
from overread.study.volume import Volume, build_volume
from overread.vocabulary import unit
from overread.vocabulary.code import Code
from overread.vocabulary.uid import Uid

VOLUME = Code("118565006", "SCT", "Volume")
SHIFT = Code("410668003", "SCT", "Length")
SOURCES = {
    "ct-head": "ct-head/*.dcm",
    "mr-brain": "mr-brain/*.dcm",
    "chest-cr": "xray/chest-cr-masses.dcm",
    "enhanced-mr": "multiframe/siemens-xa10-enhanced-mr-1.dcm",
}


@dataclass(frozen=True)
class Painted:
    """A result, the headers it was made from, and the masks that were painted, by label."""

    result: Result
    sources: list[Dataset]
    masks: dict[str, NDArray[np.bool_]]
    volume: Volume


def make_card() -> ModelCard:
    return ModelCard(
        ref=ModelRef("bright-spots", "1.2.0", "ab" * 32),
        title="Bright spots",
        manufacturer="Überlesen GmbH 日本",
        status=ModelStatus.DEMONSTRATION,
        intended_use="Tests.",
        limits=(),
        evidence="None.",
        score_meaning="share of simulated bleeds at that score",
        flag_text="suspected intracranial haemorrhage",
        algorithm_family=Code("123109", "DCM", "Artificial Intelligence"),
        inputs=InputRequirement(modalities=("CT",)),
        outputs=(
            OutputCode(
                "bleed",
                "Bleed",
                Code("50960005", "SCT", "Hemorrhage"),
                Code("49755003", "SCT", "Morphologically Abnormal Structure"),
                Code("12738006", "SCT", "Brain"),
                is_critical=True,
            ),
        ),
        thresholds={"flag": 0.5},
    )


def read_source_volume(folder: Path, name: str) -> tuple[list[Dataset], Volume]:
    datasets = [dcmread(path) for path in sorted(folder.glob(SOURCES[name]))]
    first = datasets[0]
    if name == "chest-cr":
        # One projection: no position, no frame of reference, a spacing of zero.
        volume = Volume(
            voxels=np.zeros((1, first.Rows, first.Columns), dtype=np.float32),
            planes=(),
            images=(ImageRef(first.SOPInstanceUID),),
            series_instance_uid=first.SeriesInstanceUID,
            frame_of_reference_uid=None,
            modality="CR",
        )
    else:
        volume = build_volume(datasets)
    for dataset in datasets:
        del dataset.PixelData
    return datasets, volume


def paint(folder: Path, name: str) -> Painted:
    sources, volume = read_source_volume(folder, name)
    slices, rows, columns = volume.voxels.shape
    first, second = (np.zeros(volume.voxels.shape, dtype=np.bool_) for _ in range(2))
    middle = slices // 2
    first[middle : middle + 3, rows // 3 : rows // 2, columns // 4 : columns // 2] = True
    first[middle, rows // 3, columns // 4] = False
    # Overlaps the first; an L, so that a turned or mirrored copy is another shape.
    second[max(0, middle - 2) : middle + 1, rows // 2 - 3 : rows // 2 + 9, columns // 3] = True
    second[middle, rows // 2 + 5, columns // 3 : columns // 3 + 7] = True
    right = Code("24028007", "SCT", "Right")
    findings = (
        PredictedFinding(
            "bleed",
            "Bleed, right",
            0.91,
            mask=first,
            lines=(PredictedLine(middle, (10.0, 10.0), (20.0, 30.0)),),
            measurements=(
                PredictedMeasurement(VOLUME, 14.123456789123456, unit.MILLILITRE),
                PredictedMeasurement(SHIFT, 3.2, unit.MILLIMETRE),
            ),
            laterality=right,
        ),
        PredictedFinding("bleed", "Blutung, größer 出血", 0.4, mask=second),
        PredictedFinding(
            "bleed",
            "Without a place",
            None,
            measurements=(PredictedMeasurement(VOLUME, 1.0, unit.MILLILITRE),),
        ),
    )
    result = build_result(
        Prediction(findings, ("Scheitel nicht erfasst, 頭頂部なし",)),
        make_card(),
        volume,
        study_instance_uid=Uid(sources[0].StudyInstanceUID),
        input_digest="cd" * 32,
        started_at="2026-03-01T22:10:05.250000-03:30",
        versions="1",
    )
    masks = {"Bleed, right": first, "Blutung, größer 出血": second}
    return Painted(result, sources, masks, volume)
