"""Make the compact tissue template of the synthetic head from the MNI152 files in nilearn's wheel.

    python scripts/make_head_template.py [--wheel FILE] [--into FOLDER] [--force]

Without --wheel, the wheel that scripts/head-template.lock pins by version and SHA-256 is fetched
with pip (nothing of it is installed). Written are head-template.npz and the licence notice of the
template. Nothing is done where a template of the same lock is there already.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

_ROOT = Path(__file__).resolve().parent.parent
_LOCK = Path(__file__).resolve().with_name("head-template.lock")
_MEMBER = "nilearn/datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
_LEVELS = 15
"""Probabilities are kept in 4 bits: the average over 152 people knows no finer."""
_FORMAT = "1"

_NOTICE = """\
head-template.npz is derived from the ICBM 152 nonlinear template, version 2009a.

Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological
Institute, McGill University. Permission to use, copy, modify, and distribute this software and its
documentation for any purpose and without fee is hereby granted, provided that the above copyright
notice appear in all copies. The authors and McGill University make no representations about the
suitability of this software for any purpose. It is provided "as is" without express or implied
warranty. The authors are not responsible for any data loss, equipment damage, property loss, or
injury to subjects or patients resulting from the use or misuse of this software package.

VS Fonov, AC Evans, RC McKinstry, CR Almli and DL Collins, Unbiased nonlinear average
age-appropriate brain templates from birth to adulthood, NeuroImage 47, Supplement 1, 2009.

The files were taken from the nilearn package (BSD 3-Clause, Copyright (c) The nilearn developers).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="nilearn's wheel, where it is at hand")
    parser.add_argument("--into", type=Path, default=_ROOT / "src/overread_phantom/data")
    parser.add_argument("--force", action="store_true", help="make it again")
    arguments = parser.parse_args()
    digest = read_pinned_digest(_LOCK)
    stamp, target = f"{_FORMAT}:{digest}", arguments.into / "head-template.npz"
    if target.is_file() and not arguments.force and _read_stamp(target) == stamp:
        print(f"{target} is up to date")
        return
    with tempfile.TemporaryDirectory() as scratch:
        wheel = arguments.wheel or fetch_wheel(Path(scratch))
        check_digest(wheel, digest)
        t1, grey, white = (read_member(wheel, kind, Path(scratch)) for kind in ("t1", "gm", "wm"))
    arguments.into.mkdir(parents=True, exist_ok=True)
    write_template(target, stamp, t1, grey, white)
    (arguments.into / "head-template.LICENCE.txt").write_text(_NOTICE, encoding="utf-8")
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


def read_pinned_digest(lock: Path) -> str:
    """The SHA-256 (hex) that the lock file pins."""
    found = re.search(r"--hash=sha256:([0-9a-f]{64})", lock.read_text(encoding="utf-8"))
    if found is None:
        sys.exit(f"{lock.name} pins no SHA-256.")
    return found.group(1)


def fetch_wheel(into: Path) -> Path:
    """Fetch the pinned wheel with pip, which checks its hash too."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
         "--disable-pip-version-check", "-r", str(_LOCK), "-d", str(into)],
        check=True,
    )  # fmt: skip
    return next(into.glob("nilearn-*.whl"))


def check_digest(wheel: Path, digest: str) -> None:
    """End with a message where the wheel is not the pinned one."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{wheel.name} has SHA-256 {found}; {_LOCK.name} pins {digest}.")


def read_member(wheel: Path, kind: str, scratch: Path) -> NDArray[np.uint8]:
    """One template file as uint8 (inferior to superior, anterior to posterior, right to left),
    1 mm, which is DICOM's order (slices, rows, columns) of an axial head."""
    path = scratch / f"{kind}.nii.gz"
    with zipfile.ZipFile(wheel) as archive:
        path.write_bytes(archive.read(_MEMBER.format(kind)))
    image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "LPS")
    return np.asarray(SimpleITK.GetArrayFromImage(image), dtype=np.uint8)


def write_template(
    target: Path,
    stamp: str,
    t1: NDArray[np.uint8],
    grey: NDArray[np.uint8],
    white: NDArray[np.uint8],
) -> None:
    """Write grey and white matter in 4 bits, the brain's outline and the ventricles."""
    outline = ndimage.binary_fill_holes(t1 > 0)
    tissue = (grey.astype(np.float32) + white) / 255.0
    region = np.zeros(t1.shape, dtype=np.uint8)
    region[outline] = 1
    region[find_ventricles(outline, tissue)] = 2
    np.savez_compressed(
        target,
        grey=np.round(grey / 255.0 * _LEVELS).astype(np.uint8),
        white=np.round(white / 255.0 * _LEVELS).astype(np.uint8),
        region=region,
        stamp=np.array(stamp),
    )


def find_ventricles(outline: NDArray[np.bool_], tissue: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Lateral and third ventricles: fluid deep inside the brain, without the cisterns around the
    great vein and the vermis and without the gap between the hemispheres (bounds in MNI mm)."""
    depth = ndimage.distance_transform_edt(outline)
    z, y, x = np.ogrid[: outline.shape[0], : outline.shape[1], : outline.shape[2]]
    up, front, aside = z - 72, 98 - y, abs(x - 98)
    cistern = (front < -33) & (aside < 13) & (up < 22)
    gap = (aside < 2) & ((front > 30) | (up > 17))
    bounds = (up > -10) & (up < 33) & (front > -56) & (front < 38) & (aside < 38)
    fluid = (tissue < 0.55) & (depth > 15) & bounds & ~cistern & ~gap
    labels, count = ndimage.label(fluid)
    sizes = ndimage.sum_labels(fluid, labels, range(1, count + 1))
    return np.asarray(np.isin(labels, 1 + np.flatnonzero(sizes > 600)), dtype=np.bool_)


def _read_stamp(path: Path) -> str:
    with np.load(path) as stored:
        return str(stored["stamp"]) if "stamp" in stored else ""


if __name__ == "__main__":
    main()
