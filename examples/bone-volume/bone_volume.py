"""The bone in a CT, by a threshold: a whole model in one file, to copy and change."""

from hashlib import sha256
from pathlib import Path

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.model.prediction import Plugin, PredictedFinding, PredictedMeasurement, Prediction
from overread.study.volume import volume_of_mask_ml
from overread.vocabulary.code import Code
from overread.vocabulary.unit import MILLILITRE

BONE = Code("272673000", "SCT", "Bone")
CARD = ModelCard(
    ref=ModelRef("bone-volume", "1.0", sha256(Path(__file__).read_bytes()).hexdigest()),
    title="Bone volume", manufacturer="Example", status=ModelStatus.DEMONSTRATION,
    intended_use="Shows how a model is added.", limits=("Metal counts as bone.",),
    evidence="None.", score_meaning="No score is given.", flag_text="",
    algorithm_family=Code("123110", "DCM", "Artificial Intelligence"),
    inputs=InputRequirement(modalities=("CT",), min_images=3),
    outputs=(OutputCode("bone", "Bone", BONE, Code("123037004", "SCT", "Anatomical Structure")),),
)  # fmt: skip


class Bone:
    def predict(self, volume, progress):
        mask = volume.voxels > 300
        if not mask.any():
            return Prediction(())
        size_ml = volume_of_mask_ml(mask, volume)
        size = PredictedMeasurement(Code("118565006", "SCT", "Volume"), size_ml, MILLILITRE)
        return Prediction((PredictedFinding("bone", "Bone", None, mask, measurements=(size,)),))


def plugin():
    return Plugin(CARD, load=Bone)
