"""Every transfer syntax goes through the product and is seen: sent by STOW to a running server,
fetched as the viewer fetches it, and looked at in a browser. What could not be taken is listed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.encaps import generate_frames
from pydicom.uid import generate_uid

from peers.browser import open_context, run_browser, sign_in
from peers.server import OverreadServer, run_server

REVERSIBLE = ("UNC", "RLE", "JPLL", "JLSL", "J2KR")
GREATEST_ERROR = {"JLSN": 4, "J2KI": 402, "JPLY": 116}
OTHERS = ("ultrasound/burned-in-text-palette.dcm", "xray/tibia.dcm")
SEEN = (
    "CT1_JPLL",
    "NM1_RLE",
    "XA1_JPLY",
    "US1_J2KI",
    "HTJ2K_08_RGB",
    "burned-in-text-palette",
    "tibia",
)


@dataclass(frozen=True)
class Sent:
    """A copy that was stored: of its own study, series and instance, or variants would collide."""

    path: Path
    study: str


@dataclass(frozen=True)
class Site:
    server: OverreadServer
    program: httpx.Client
    sent: dict[str, Sent] = field(default_factory=dict)

    def list_images(self, name: str) -> list[dict[str, Any]]:
        study = self.program.get(f"/api/v1/studies/{self.sent[name].study}")
        assert study.status_code == 200, study.text
        (series,) = study.json()["series"]
        address = (
            f"/api/v1/studies/{self.sent[name].study}/series/{series['series_instance_uid']}/images"
        )
        answer = self.program.get(address)
        assert answer.status_code == 200, answer.text
        images: list[dict[str, Any]] = answer.json()["images"]
        return images

    def read_pixels(self, url: str, as_htj2k: bool) -> NDArray[np.generic]:
        accept = "image/jphc" if as_htj2k else "application/octet-stream"
        answer = self.program.get(url, headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == accept
        said = {key: int(answer.headers[f"x-overread-{key}"]) for key in HEADERS}
        shape = (said["rows"], said["columns"], *([3] if said["samples"] == 3 else []))
        dtype = np.dtype(f"<{'i' if said['signed'] else 'u'}{said['bits'] // 8}")
        if as_htj2k:
            pixels = np.asarray(imagecodecs.htj2k_decode(answer.content))
            assert pixels.dtype == dtype
            assert pixels.shape == shape
            return pixels
        return np.frombuffer(answer.content, dtype).reshape(shape)


BRIGHT = 40
HEADERS = ("rows", "columns", "samples", "bits", "signed")


def copy_with_new_uids(source: Path, folder: Path) -> Sent:
    dataset = dcmread(source)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dcmwrite(folder / source.name, dataset)
    return Sent(folder / source.name, dataset.StudyInstanceUID)


def send_by_stow(program: httpx.Client, files: list[Path]) -> httpx.Response:
    parts = [
        b"--frontier\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n"
        for path in files
    ]
    return program.post(
        "/dicomweb/studies",
        content=b"".join(parts) + b"--frontier--\r\n",
        headers={
            "Content-Type": 'multipart/related; type="application/dicom"; boundary=frontier',
            "Accept": "application/dicom+json",
        },
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("syntaxes")
    copies = folder / "copies"
    copies.mkdir()
    with run_server(folder) as server:
        server.add_user("reader", ["reader"])
        program = server.client(server.add_user("admin", ["administrator"]), 120.0)
        sources = sorted((test_data / "transfer-syntaxes").glob("*.dcm"))
        sources += [test_data / name for name in OTHERS]
        sent = {path.stem: copy_with_new_uids(path, copies) for path in sources}
        answer = send_by_stow(program, [item.path for item in sent.values()])
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["00081199"]["Value"]) == len(sent) == 46
        yield Site(server, program, sent)


def read_original(folder: Path, image: str) -> NDArray[np.int64]:
    """The uncompressed values, by numpy alone."""
    dataset = dcmread(folder / "transfer-syntaxes" / f"{image}_UNC.dcm")
    sign = "i" if dataset.PixelRepresentation else "u"
    cells = np.frombuffer(dataset.PixelData, f"<{sign}{dataset.BitsAllocated // 8}")
    shape = (dataset.Rows, dataset.Columns, *([3] if dataset.SamplesPerPixel == 3 else []))
    return cells[: int(np.prod(shape))].reshape(shape).astype(np.int64)


@pytest.mark.parametrize("image", ["CT1", "CT2", "MR4", "NM1", "US1", "XA1"])
def test_every_variant_is_served_right(site: Site, test_data: Path, image: str) -> None:
    original = read_original(test_data, image)
    names = [name for name in site.sent if name.startswith(f"{image}_")]
    assert len(names) >= 4
    for name in names:
        (described,) = site.list_images(name)
        raw = site.read_pixels(described["pixels_url"], as_htj2k=False)
        packed = site.read_pixels(described["pixels_url"], as_htj2k=True)
        assert np.array_equal(raw, packed), name
        assert (described["rows"], described["columns"]) == raw.shape[:2], name
        assert described["samples_per_pixel"] == (3 if image == "US1" else 1), name
        assert described["is_signed"] == (raw.dtype.kind == "i"), name
        difference = int(np.abs(raw.astype(np.int64) - original).max())
        kind = name.split("_")[1]
        if kind in REVERSIBLE:
            assert difference == 0, name
            assert (described["is_lossy"], described["lossy_note"]) == (False, ""), name
        else:
            assert 0 < difference <= GREATEST_ERROR[kind], name
            assert described["is_lossy"] is True, name
            assert described["lossy_note"].startswith("Lossy compression"), name


@pytest.mark.parametrize("name", ["HTJ2KLossless_08_RGB", "HTJ2K_08_RGB"])
def test_htj2k_colour_is_what_another_decoder_makes_of_it(site: Site, name: str) -> None:
    """OpenJPEG reads the file's own stream; the server uses OpenJPH."""
    dataset = dcmread(site.sent[name].path)
    stream = next(iter(generate_frames(dataset.PixelData, number_of_frames=1)))
    reference = np.asarray(imagecodecs.jpeg2k_decode(stream)).astype(np.int64)
    (described,) = site.list_images(name)
    for as_htj2k in (False, True):
        pixels = site.read_pixels(described["pixels_url"], as_htj2k)
        difference = np.abs(pixels.astype(np.int64) - reference).max()
        # Two decoders of an irreversible transform may round differently.
        assert difference <= (0 if name == "HTJ2KLossless_08_RGB" else 2)
    assert described["is_lossy"] is (name == "HTJ2K_08_RGB")


def choose_flat_points(levels: NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """(row, column) of pixels whose neighbours show nearly the same, so that the way of scaling
    does not matter; half of them bright, as most of an image is black."""
    rows, columns = levels.shape[:2]
    low, high = levels, levels
    # Small images are enlarged on the screen, large ones made smaller.
    reach = 1 if max(rows, columns) < 800 else 2
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            moved = np.roll(levels, (dy, dx), axis=(0, 1))
            low, high = np.minimum(low, moved), np.maximum(high, moved)
    flat = (high - low <= 3).all(axis=-1)
    inside = np.zeros_like(flat)
    inside[rows // 8 : -(rows // 8), columns // 8 : -(columns // 8)] = True
    bright = levels.max(axis=-1) > BRIGHT
    points: list[tuple[int, int]] = []
    for wanted in (flat & inside & bright, flat & inside & ~bright):
        ys, xs = np.nonzero(wanted)
        for i in np.unique(np.linspace(0, len(ys) - 1, min(count // 2, len(ys))).astype(int)):
            points.append((int(ys[i]), int(xs[i])))
    return points


def expect_screen(site: Site, name: str) -> NDArray[np.int64]:
    """RGB levels that each image pixel must have on the screen: PS3.3 C.11.2.1.2.1 in numpy."""
    (described,) = site.list_images(name)
    pixels = site.read_pixels(described["pixels_url"], as_htj2k=False).astype(float)
    if described["samples_per_pixel"] == 3:
        return pixels.astype(np.int64)
    values = pixels * described["rescale_slope"] + described["rescale_intercept"]
    center, width = (described["windows"][0][key] for key in ("center", "width"))
    grey = np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
    if described["photometric_interpretation"] == "MONOCHROME1":
        grey = 255 - grey
    return np.repeat(np.rint(grey).astype(np.int64)[..., None], 3, axis=2)


def look_at(page: Page, site: Site, name: str) -> None:
    """Open a study and compare points of the screen with what the image must show there."""
    expected = expect_screen(site, name)
    points = choose_flat_points(expected, 24)
    wanted = np.array([expected[point] for point in points])
    is_bright = wanted.max(axis=1) > BRIGHT
    assert is_bright.sum() >= 5, f"{name}: the chosen points hold no picture"
    page.goto(f"{site.server.url}/studies/{site.sent[name].study}")
    page.locator("[data-overlay]").first.wait_for()
    found = wanted - 256
    end = time.monotonic() + 15
    while time.monotonic() < end:
        page.wait_for_timeout(300)
        found = read_points(page, points, expected.shape[:2])
        is_right = np.abs(found - wanted).max(axis=1) <= 3
        # A few points may lie below a caption.
        if is_right.mean() >= 0.9 and is_right[is_bright].mean() >= 0.8:
            return
    pytest.fail(f"{name}: the screen shows {found.tolist()} instead of {wanted.tolist()}")


def read_points(
    page: Page, points: list[tuple[int, int]], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """RGB of the screen where these image points lie: the image is fitted into its view and
    centred."""
    box = page.locator("[data-overlay]").first.bounding_box()
    assert box is not None
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        screen = np.asarray(picture.convert("RGB")).astype(np.int64)
    rows, columns = shape
    scale = min(box["width"] / columns, box["height"] / rows)
    left = box["x"] + (box["width"] - columns * scale) / 2
    top = box["y"] + (box["height"] - rows * scale) / 2
    return np.array(
        [screen[int(top + (r + 0.5) * scale), int(left + (c + 0.5) * scale)] for r, c in points]
    )


def test_images_are_seen_right_in_a_browser(site: Site) -> None:
    with run_browser() as browser, open_context(browser) as context:
        page = context.new_page()
        sign_in(page, site.server.url, "reader", site.server.users["reader"])
        for name in SEEN:
            look_at(page, site, name)


def test_stripped_files_are_listed_in_quarantine(site: Site, test_data: Path) -> None:
    files = sorted((test_data / "ct-abdomen").glob("*.dcm"))
    before = site.program.get("/api/v1/worklist").json()
    answer = send_by_stow(site.program, files)
    assert answer.status_code == 409
    items = site.program.get("/api/v1/quarantine").json()["items"]
    assert len(items) == len(files) == 20
    for item in items:
        assert "Study Instance UID (0020,000D)" in item["reason"]
        assert "new UIDs" in item["remedy"]
        assert item["source"] == "STOW-RS"
    worklist = site.program.get("/api/v1/worklist").json()
    assert worklist["quarantined"] - before["quarantined"] == 20
    assert len(worklist["rows"]) == len(before["rows"])
    printed = site.server.command("quarantine")
    assert printed.count("Study Instance UID (0020,000D)") == 20
    # Sent again, they are the same twenty.
    send_by_stow(site.program, files)
    assert site.program.get("/api/v1/worklist").json()["quarantined"] == 20


def test_the_log_names_no_patient_and_no_address(site: Site) -> None:
    header: Dataset = dcmread(site.sent["CT1_UNC"].path, stop_before_pixels=True)
    site.program.get("/dicomweb/studies", params={"PatientID": "SECRET-1"})
    log = site.server.log_file.read_text(errors="replace")
    assert "listening" in log
    for word in ("SECRET-1", str(header.PatientName), str(header.PatientID), "?"):
        assert word not in log
