"""Models that behave and misbehave, as plug-ins; imported in the model's own process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.model.prediction import (
    Plugin,
    PredictedFinding,
    PredictedLine,
    PredictedMeasurement,
    Prediction,
    Progress,
)
from overread.study.volume import Volume
from overread.vocabulary.code import Code
from overread.vocabulary.errors import Rejected
from overread.vocabulary.unit import MILLILITRE

BLEED = Code("50960005", "SCT", "Hemorrhage")
CATEGORY = Code("49755003", "SCT", "Morphologically abnormal structure")
VOLUME = Code("118565006", "SCT", "Volume")
LEFT = Code("7771000", "SCT", "Left")


def make_card(name: str, timeout_seconds: float = 60.0, memory_bytes: int = 1024**3) -> ModelCard:
    return ModelCard(
        ref=ModelRef(name, "1.0", "0" * 64),
        title=name,
        manufacturer="tests",
        status=ModelStatus.DEMONSTRATION,
        intended_use="tests",
        limits=("none",),
        evidence="none",
        score_meaning="none",
        flag_text="a bright thing",
        algorithm_family=Code("123110", "DCM", "Artificial Intelligence"),
        inputs=InputRequirement(modalities=("CT",)),
        outputs=(OutputCode("bright", "Bright", BLEED, CATEGORY),),
        timeout_seconds=timeout_seconds,
        memory_bytes=memory_bytes,
    )


class Model:
    def __init__(self, act: Callable[[Volume, Progress], Prediction]) -> None:
        self.predict = act


def make_plugin(name: str, act: Callable[[Volume, Progress], Prediction]) -> Plugin:
    return Plugin(make_card(name), lambda: Model(act))


def _find_bright(volume: Volume, progress: Progress) -> Prediction:
    print("a model may print what it likes")  # noqa: T201
    progress(0.5, "looking")
    mask = volume.voxels > 100
    finding = PredictedFinding(
        output="bright",
        label="Bright",
        confidence=0.75,
        mask=mask,
        heatmap=np.clip(volume.voxels / 1000, 0, 1).astype(np.float32),
        lines=(PredictedLine(0, (1.0, 2.0), (3.5, 4.0)),),
        measurements=(PredictedMeasurement(VOLUME, float(mask.sum()), MILLILITRE, 2.0),),
        laterality=LEFT,
    )
    return Prediction((finding,), ("a notice",))


def good() -> Plugin:
    return make_plugin("good", _find_bright)


def _crash(volume: Volume, progress: Progress) -> Prediction:
    raise KeyError("Jane Doe 1970")


def crash() -> Plugin:
    return make_plugin("crash", _crash)


def _fault(volume: Volume, progress: Progress) -> Prediction:
    os.abort()


def fault() -> Plugin:
    return make_plugin("fault", _fault)


def _refuse(volume: Volume, progress: Progress) -> Prediction:
    raise Rejected("The vertex is not covered.")


def refuse() -> Plugin:
    return make_plugin("refuse", _refuse)


def _outside(volume: Volume, progress: Progress) -> Prediction:
    return Prediction((PredictedFinding("something else", "x", 0.5),))


def outside() -> Plugin:
    return make_plugin("outside", _outside)


def _overconfident(volume: Volume, progress: Progress) -> Prediction:
    return Prediction((PredictedFinding("bright", "x", float("nan")),))


def overconfident() -> Plugin:
    return make_plugin("overconfident", _overconfident)


def _hang(volume: Volume, progress: Progress) -> Prediction:
    """With a child in a session of its own, which a kill of the group would miss."""
    script = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    marker = Path(os.environ["HOME"]).parent / "grandchild"
    subprocess.Popen([sys.executable, "-c", script, str(marker)], start_new_session=True)
    progress(0.1, "hanging")
    while True:
        pass


def hang() -> Plugin:
    return make_plugin("hang", _hang)


def _memory(volume: Volume, progress: Progress) -> Prediction:
    kept = [np.ones(64 * 1024**2, np.uint8) for _ in range(1000)]
    return Prediction((), (str(len(kept)),))


def memory() -> Plugin:
    return make_plugin("memory", _memory)


def _disk(volume: Volume, progress: Progress) -> Prediction:
    for number in range(10_000):
        Path(f"junk{number}").write_bytes(b"x" * 1024**2)
    return Prediction(())


def disk() -> Plugin:
    return make_plugin("disk", _disk)


def _one_file(volume: Volume, progress: Progress) -> Prediction:
    with Path("junk").open("wb") as stream:
        for _ in range(10_000):
            stream.write(b"x" * 1024**2)
    return Prediction(())


def one_file() -> Plugin:
    return make_plugin("one_file", _one_file)


def _network(volume: Volume, progress: Progress) -> Prediction:
    socket.create_connection((os.environ.get("HOST", "127.0.0.1"), 9))
    return Prediction(())


def network() -> Plugin:
    return make_plugin("network", _network)


def _chatter(volume: Volume, progress: Progress) -> Prediction:
    progress(7.0, "x" * 10_000)
    return Prediction(())


def chatter() -> Plugin:
    return make_plugin("chatter", _chatter)
