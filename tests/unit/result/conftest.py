"""Values of the result folder, made by hand or at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.study.study import ImageRef
from overread.study.volume import Volume
from overread.vocabulary.code import Code
from overread.vocabulary.geometry import PlaneGeometry
from overread.vocabulary.uid import Uid

BLEED = Code("50960005", "SCT", "Hemorrhage")
MORPHOLOGY = Code("49755003", "SCT", "Morphologically Abnormal Structure")
BRAIN = Code("12738006", "SCT", "Brain")
CALCIUM = Code("54115000", "SCT", "Calcification")
FAMILY = Code("122475", "DCM", "Image Analysis AI")


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        ref=ModelRef("bright-spots", "1.2.0", "ab" * 32),
        title="Bright spots",
        manufacturer="Overread",
        status=ModelStatus.DEMONSTRATION,
        intended_use="Tests.",
        limits=("Not for patients.",),
        evidence="None.",
        score_meaning="share of simulated bleeds at that score",
        flag_text="suspected intracranial haemorrhage",
        algorithm_family=FAMILY,
        inputs=InputRequirement(modalities=("CT",)),
        outputs=(
            OutputCode("bleed", "Bleed", BLEED, MORPHOLOGY, BRAIN, is_critical=True),
            OutputCode("calcium", "Calcium", CALCIUM, MORPHOLOGY, color_rgb=(1, 2, 3)),
        ),
        thresholds={"flag": 0.5},
    )


@pytest.fixture
def make_volume() -> Callable[..., Volume]:
    def make(
        voxels: NDArray[np.float32], z_mm: tuple[float, ...] | None = None, pixel_mm: float = 0.5
    ) -> Volume:
        slices, rows, columns = voxels.shape
        places = z_mm or tuple(float(index) for index in range(slices))
        return Volume(
            voxels=voxels,
            planes=tuple(
                PlaneGeometry((0, 0, z), (1, 0, 0), (0, 1, 0), pixel_mm, pixel_mm, rows, columns)
                for z in places
            ),
            images=tuple(ImageRef(Uid(f"1.2.3.{index + 1}")) for index in range(slices)),
            series_instance_uid=Uid("1.2.3"),
            frame_of_reference_uid=Uid("1.2.4"),
            modality="CT",
        )

    return make
