"""The card: what the model is, what it reads, what it may say."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from overread.model.card import InputRequirement, ModelCard, ModelRef, ModelStatus, OutputCode
from overread.vocabulary.code import Code

VERSION = "0.1.0"
_FOLDER = Path(__file__).parent

HEAD_WORDS = (
    "head", "brain", "skull", "cran", "cereb", "enceph", "neuro", "stroke", "cct", "kopf",
    "schädel", "schaedel", "hirn", "tete", "tête", "testa", "cabeza", "hoofd", "huvud", "hoved",
)  # fmt: skip

_BRAIN = Code("12738006", "SCT", "Brain")
_ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")

VOLUME = Code("118565006", "SCT", "Volume")
ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")

EPIDURAL, SUBDURAL = "epidural", "subdural"
PARENCHYMAL, VENTRICULAR = "intraparenchymal", "intraventricular"
SUBARACHNOID, UNDETERMINED = "subarachnoid", "undetermined"


def _bleed(key: str, label: str, finding: Code, color: tuple[int, int, int]) -> OutputCode:
    return OutputCode(
        key=key,
        label=label,
        finding=finding,
        category=_ABNORMAL,
        site=_BRAIN,
        is_critical=True,
        color_rgb=color,
    )


OUTPUTS = (
    _bleed(
        EPIDURAL,
        "Epidural haemorrhage",
        Code("82999001", "SCT", "Epidural intracranial hemorrhage"),
        (230, 159, 0),
    ),
    _bleed(
        SUBDURAL,
        "Subdural haemorrhage",
        Code("35486000", "SCT", "Subdural intracranial hemorrhage"),
        (86, 180, 233),
    ),
    _bleed(
        PARENCHYMAL,
        "Intraparenchymal haemorrhage",
        Code("274100004", "SCT", "Cerebral hemorrhage"),
        (213, 94, 0),
    ),
    _bleed(
        VENTRICULAR,
        "Intraventricular haemorrhage",
        Code("23276006", "SCT", "Intraventricular hemorrhage"),
        (204, 121, 167),
    ),
    _bleed(
        SUBARACHNOID,
        "Subarachnoid haemorrhage",
        Code("21454007", "SCT", "Subarachnoid hemorrhage"),
        (0, 158, 115),
    ),
    _bleed(
        UNDETERMINED,
        "Intracranial haemorrhage, type undetermined",
        Code("1386000", "SCT", "Intracranial hemorrhage"),
        (240, 228, 66),
    ),
)


@lru_cache(maxsize=1)
def read_table() -> dict[str, object]:
    """The calibration: written by scripts/measure_head_ct_accuracy.py, read only here."""
    table: dict[str, object] = json.loads((_FOLDER / "calibration.json").read_text("utf-8"))
    return table


def digest_sources() -> str:
    """SHA-256 (hex) over names and contents of this package's sources and its table."""
    total = hashlib.sha256()
    for path in sorted([*_FOLDER.glob("*.py"), _FOLDER / "calibration.json"]):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def make_card() -> ModelCard:
    """The card of this version."""
    table = read_table()
    return ModelCard(
        ref=ModelRef("head-ct-hyperdensity", VERSION, digest_sources()),
        title="Head CT hyperdensity",
        manufacturer="Overread project",
        status=ModelStatus.DEMONSTRATION,
        intended_use=(
            "Shows how a finding travels from an unenhanced head CT to the reader's screen. It "
            "marks regions inside the skull that are denser than brain and names a likely type of "
            "haemorrhage by place and shape. Not a medical device; never to be relied on."
        ),
        limits=(
            "Rules and a small regression, tuned on simulated bleeds in one real scan and in "
            "synthetic heads; never tried on a real haemorrhage.",
            "Misses blood that is not denser than brain: anaemia, subacute or chronic bleeds.",
            "Misses thin films along falx, tentorium and skull base, and most subarachnoid blood "
            "that does not fill a sulcus or cistern.",
            "Slices of the skull base that bone does not close are not read; a notice says so.",
            "Does not measure midline shift.",
            "The type it names is often wrong; the place and the volume are to be looked at.",
            "Contrast agent, tumours, calcified lesions, metal and motion can look like blood.",
            "Adults only; the skulls of small children were not tried.",
        ),
        evidence=str(table["evidence"]),
        score_meaning=(
            "Fitted to be the share of regions with this score that are simulated bleeds, from "
            "one real scan and synthetic heads. Measured on other simulations it promises too "
            "much below 0.9 (docs/accuracy-head-ct.md). Not a clinical probability."
        ),
        flag_text="suspected intracranial haemorrhage",
        algorithm_family=Code("123104", "DCM", "Morphological Operations"),
        inputs=InputRequirement(
            modalities=("CT",),
            body_parts=("HEAD", "BRAIN", "SKULL", "HEADNECK"),
            descriptions_any=HEAD_WORDS,
            descriptions_none=("bone", "knochen", "localizer", "scout"),
            min_images=10,
            max_images=800,
            max_slice_gap_mm=10.5,
            min_extent_mm=60.0,
            is_volume=True,
            allows_contrast_agent=False,
        ),
        outputs=OUTPUTS,
        thresholds={"flag": float(str(table["flag"])), "report": float(str(table["report"]))},
        timeout_seconds=120.0,
        memory_bytes=3 * 1024**3,
    )
