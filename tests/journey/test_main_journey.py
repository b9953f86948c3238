"""A head CT with a simulated bleed goes in, and its finding is seen on the image: with the embedded
archive and with Orthanc behind the same door."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page
from scipy import ndimage

from overread_phantom.bleed import BleedKind, BleedRequest
from overread_phantom.dicom import write_bleed_into_series
from peers.browser import DESKTOP, open_context, run_browser, sign_in
from peers.orthanc import run_orthanc
from peers.server import OverreadServer, run_server

FIDUCIALS = ((70, 70), (70, 445), (440, 60), (440, 450))
"""(row, column) of bright blocks in air: the test finds them in the screenshot, and so knows where
each image point is on the screen without asking the viewer."""
BLOCK = 4
TOLERANCE_PX = 0.5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For this module alone: its driver keeps an event loop running, which others' tests can't."""
    with run_browser() as program:
        yield program


@pytest.fixture(scope="session")
def bleed(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    """The real tilted head CT with a simulated bleed and four bright blocks in the air."""
    folder = tmp_path_factory.mktemp("bleed")
    request = BleedRequest(BleedKind.INTRAPARENCHYMAL, 25.0, side="right")
    write_bleed_into_series(test_data / "ct-head", folder, request, seed=5)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array.copy()
        for row, column in FIDUCIALS:
            # Air around each block, so that whatever lies there does not move its centroid.
            pixels[row - 16 : row + 17, column - 16 : column + 17] = pixels.min()
            pixels[row - BLOCK : row + BLOCK + 1, column - BLOCK : column + BLOCK + 1] = 1500 - int(
                dataset.RescaleIntercept
            )
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(path)
    return folder


@dataclass(frozen=True)
class Running:
    server: OverreadServer
    program: httpx.Client
    orthanc_url: str | None


@pytest.fixture(params=["embedded", "orthanc"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    if request.param == "embedded":
        with run_server(tmp_path) as server:
            yield start_up(server, None)
        return
    folder = tmp_path / "orthanc"
    folder.mkdir()
    with (
        run_orthanc(folder) as orthanc,
        run_server(tmp_path, archive=orthanc.dicomweb_url) as server,
    ):
        yield start_up(server, orthanc.dicomweb_url)


def start_up(server: OverreadServer, orthanc_url: str | None) -> Running:
    server.add_user("reader", ["reader"])
    token = server.add_user("router", ["service"])
    server.add_user("admin", ["administrator"])
    return Running(server, server.client(token, 120.0), orthanc_url)


def send_by_stow(program: httpx.Client, folder: Path) -> None:
    """STOW-RS (PS3.18 10.5), written out here by hand."""
    parts = [
        b"--frontier\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n"
        for path in sorted(folder.iterdir())
    ]
    answer = program.post(
        "/dicomweb/studies",
        content=b"".join(parts) + b"--frontier--\r\n",
        headers={
            "Content-Type": 'multipart/related; type="application/dicom"; boundary=frontier',
            "Accept": "application/dicom+json",
        },
    )
    assert answer.status_code == 200, answer.text
    stored = answer.json()["00081199"]["Value"]
    assert len(stored) == len(parts)


def study_uid_of(folder: Path) -> str:
    return str(pydicom.dcmread(next(folder.iterdir()), stop_before_pixels=True).StudyInstanceUID)


def fetch_objects(running: Running, study: str) -> dict[str, list[pydicom.Dataset]]:
    """What an outsider finds of ours in the study, by modality: from Orthanc itself where it is
    the archive, else by our own WADO-RS."""
    admin = running.server.client(running.server.command("users", "token", "admin").strip())
    client, base = (
        (httpx.Client(timeout=60), running.orthanc_url)
        if running.orthanc_url
        else (admin, f"{running.server.url}/dicomweb")
    )
    headers = {"Accept": "application/dicom+json"}
    found: dict[str, list[pydicom.Dataset]] = {}
    for series in client.get(f"{base}/studies/{study}/series", headers=headers).json():
        modality = series["00080060"]["Value"][0]
        if modality == "CT":
            continue
        uid = series["0020000E"]["Value"][0]
        body = client.get(
            f"{base}/studies/{study}/series/{uid}",
            headers={"Accept": 'multipart/related; type="application/dicom"'},
        )
        assert body.status_code == 200
        found.setdefault(modality, []).extend(split_parts(body))
    return found


def split_parts(answer: httpx.Response) -> list[pydicom.Dataset]:
    boundary = answer.headers["content-type"].split("boundary=")[1].split(";")[0].strip('"')
    datasets = []
    for part in answer.content.split(b"--" + boundary.encode()):
        head, _, data = part.partition(b"\r\n\r\n")
        if b"Content-Type" in head or b"content-type" in head.lower():
            datasets.append(pydicom.dcmread(io.BytesIO(data.removesuffix(b"\r\n"))))
    return datasets


def find_box(sr: pydicom.Dataset) -> tuple[str, NDArray[np.float64]]:
    """The first closed POLYLINE of the SR: its image and its corners as (column, row)."""
    pending = list(sr.ContentSequence)
    while pending:
        item = pending.pop(0)
        if item.ValueType == "SCOORD" and item.GraphicType == "POLYLINE":
            points = np.array(item.GraphicData, dtype=float).reshape(-1, 2)
            if len(points) == 5 and np.array_equal(points[0], points[-1]):
                image = item.ContentSequence[0].ReferencedSOPSequence[0]
                return str(image.ReferencedSOPInstanceUID), points[:4]
        pending.extend(item.get("ContentSequence", []))
    raise AssertionError("The SR holds no box.")


def locate_fiducials(page: Page) -> NDArray[np.float64]:
    """Affine (2, 3) from image (column, row, 1) to screen px, by the blocks in the screenshot.

    Which block is which is known from their pattern alone: all 8 ways to lay the rectangle's
    corners on what was found are fitted, and the ground truth (a rotation by 90° or a flip that
    the test asked for) is among them; the caller says which by `expected_linear`.
    """
    picture = page.screenshot(path=os.environ.get("OVERREAD_KEEP_PICTURE"))
    grey = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=float)
    bright = (grey.min(axis=2) > 128) & (np.ptp(grey, axis=2) < 12)
    labels, count = ndimage.label(bright)
    weight = grey.mean(axis=2)
    centres = []
    for number in range(1, count + 1):
        where = labels == number
        rows, columns = np.nonzero(where)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        is_block = 3 < height < 80 and 0.8 < width / height < 1.25
        if is_block and where.sum() > 0.9 * height * width:
            # Weighted centroid in a margin: antialiased edges count by their share.
            r0, r1 = max(rows.min() - 2, 0), rows.max() + 3
            c0, c1 = max(columns.min() - 2, 0), columns.max() + 3
            patch = weight[r0:r1, c0:c1]
            total = patch.sum()
            ys, xs = np.mgrid[r0:r1, c0:c1] + 0.5
            centres.append(((patch * xs).sum() / total, (patch * ys).sum() / total))
    return np.array(centres)


def fit_affine(centres: NDArray[np.float64], linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine whose linear part is a positive multiple of `linear` and that lays the
    fiducials on found blocks; fails where fewer than three lie on one."""
    points = np.array([(column + 0.5, row + 0.5) for row, column in FIDUCIALS])
    turned = points @ linear.T
    best: tuple[int, float, NDArray[np.float64]] | None = None
    for i in range(len(centres)):
        for j in range(len(centres)):
            for a, b in ((0, 3), (1, 2), (0, 1), (2, 3), (0, 2), (1, 3)):
                if i == j:
                    continue
                scale = np.linalg.norm(centres[i] - centres[j]) / np.linalg.norm(
                    turned[a] - turned[b]
                )
                moved = turned * scale
                moved = moved + (centres[i] - moved[a])
                distance = np.linalg.norm(moved[:, None] - centres[None], axis=2)
                nearest = distance.min(axis=1)
                hits = nearest < 1.5
                score = (int(hits.sum()), -float(nearest[hits].sum()), moved)
                if best is None or score[:2] > best[:2]:
                    chosen = np.column_stack([points[hits], np.ones(hits.sum())])
                    target = centres[distance.argmin(axis=1)[hits]]
                    if hits.sum() >= 3:
                        solved = np.linalg.lstsq(chosen, target, rcond=None)[0].T
                        best = (score[0], score[1], solved)
    assert best is not None, f"{len(centres)} blocks found: too few to know where the image lies"
    return best[2]


def read_box_corners(page: Page) -> NDArray[np.float64]:
    """Screen positions of the drawn box's four corners, as the browser lays them out."""
    corners = page.evaluate(
        """() => {
          const find = (root) => {
            const hit = root.querySelector('[data-overlay] [data-kind="box"]');
            if (hit) return hit;
            for (const element of root.querySelectorAll('*')) {
              const deep = element.shadowRoot && find(element.shadowRoot);
              if (deep) return deep;
            }
            return null;
          };
          const box = find(document);
          const { x, y, width, height } = box.getBBox();
          const matrix = box.getScreenCTM();
          const right = x + width, bottom = y + height;
          return [[x, y], [right, y], [right, bottom], [x, bottom]].map(([a, b]) => {
            const p = new DOMPoint(a, b).matrixTransform(matrix);
            return [p.x, p.y];
          });
        }"""
    )
    return np.array(corners, dtype=float)


def worst_error(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Largest distance from each expected corner to the nearest found one, both ways."""
    distance = np.linalg.norm(found[:, None] - expected[None], axis=2)
    return float(max(distance.min(axis=0).max(), distance.min(axis=1).max()))


IDENTITY = np.eye(2)
TURNED = np.array([[0.0, -1.0], [1.0, 0.0]])
"""A quarter turn clockwise on the screen (y downwards)."""
MIRRORED = np.array([[-1.0, 0.0], [0.0, 1.0]])


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    page.wait_for_timeout(700)


def check_overlay(page: Page, corners: NDArray[np.float64], linear: NDArray[np.float64]) -> None:
    """The drawn box against where the SR's corners must fall by the blocks in the picture."""
    affine = fit_affine(locate_fiducials(page), linear)
    expected = np.column_stack([corners, np.ones(4)]) @ affine.T
    assert worst_error(read_box_corners(page), expected) <= TOLERANCE_PX


def test_from_stow_to_a_reject_in_the_audit(
    running: Running, bleed: Path, browser: Browser, tmp_path: Path
) -> None:
    server = running.server
    study = study_uid_of(bleed)
    with open_context(browser) as context:
        page = context.new_page()
        sign_in(page, server.url, "reader", server.users["reader"])
        page.get_by_text("No studies").or_(page.locator("ov-worklist")).first.wait_for()
        send_by_stow(running.program, bleed)

        # The tab was open all the time and is not reloaded.
        row = page.locator(f'[data-study-uid="{study}"]')
        row.get_by_text("AI priority: suspected intracranial haemorrhage").wait_for(timeout=120_000)

        objects = fetch_objects(running, study)
        assert {"SR", "SEG"} <= set(objects)
        (sr,), (seg,) = objects["SR"], objects["SEG"]
        check_objects(sr, seg, tmp_path)
        image, corners = find_box(sr)

        row.get_by_role("link").first.click()
        page.locator('[data-overlay] [data-kind="box"]').first.wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        check_opened_on(page, running, study, image)
        check_views(page, corners)
        check_reject(page, running, study)


def check_objects(sr: pydicom.Dataset, seg: pydicom.Dataset, folder: Path) -> None:
    assert sr.VerificationFlag == "UNVERIFIED"
    assert sr.PreliminaryFlag == "PRELIMINARY"
    for name, dataset in (("sr", sr), ("seg", seg)):
        path = folder / f"{name}.dcm"
        dataset.save_as(path)
        program = Path(sys.executable).with_name("dciodvfy")
        said = subprocess.run([program, path], capture_output=True, text=True, check=False)
        errors = [line for line in (said.stdout + said.stderr).splitlines() if "Error" in line]
        assert errors == []


def check_opened_on(page: Page, running: Running, study: str, image: str) -> None:
    """The slice shown is the one that the SR's box lies on."""
    reader = httpx.Client(base_url=running.server.url, timeout=60)
    token = running.server.command("users", "token", "reader").strip()
    reader.headers["Authorization"] = f"Bearer {token}"
    detail = reader.get(f"/api/v1/studies/{study}").json()
    series = detail["open_at"]["series_instance_uid"]
    assert detail["open_at"]["sop_instance_uid"] == image
    images = reader.get(f"/api/v1/studies/{study}/series/{series}/images").json()["images"]
    number = [item["sop_instance_uid"] for item in images].index(image) + 1
    shown = page.locator("[data-rail]").get_attribute("aria-valuetext") or ""
    assert shown.startswith(f"Slice {number} of {len(images)}")


def check_views(page: Page, corners: NDArray[np.float64]) -> None:
    """Zoom, pan, quarter turn, flip and a second window size."""
    check_overlay(page, corners, IDENTITY)
    press(page, "r")
    check_overlay(page, corners, TURNED)
    press(page, "h")
    # Flipping is said of the screen: left and right change places after the turn.
    check_overlay(page, corners, MIRRORED @ TURNED)
    press(page, "0")
    check_overlay(page, corners, IDENTITY)
    box = page.locator("[data-overlay]").first.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -40)
    page.keyboard.up("Control")
    page.mouse.down(button="middle")
    page.mouse.move(middle[0] + 23, middle[1] - 9, steps=4)
    page.mouse.up(button="middle")
    page.wait_for_timeout(700)
    check_overlay(page, corners, IDENTITY)
    press(page, "0")
    page.set_viewport_size({"width": 1100, "height": 760})
    page.wait_for_timeout(1000)
    check_overlay(page, corners, IDENTITY)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.wait_for_timeout(700)


def check_reject(page: Page, running: Running, study: str) -> None:
    page.get_by_role("button", name="Reject").first.click()
    reasons = page.get_by_role("group", name="Why it is rejected")
    reasons.get_by_role("button", name="Calcification").click()
    deadline = time.monotonic() + 20
    admin = running.server.client(running.server.command("users", "token", "admin").strip())
    while time.monotonic() < deadline:
        audit = admin.get("/api/v1/audit", params={"limit": 500}).json()
        verdicts = [e for e in audit["events"] if e["action"] == "verdict given"]
        if verdicts:
            break
        page.wait_for_timeout(300)
    assert [(e["actor"], e["study_instance_uid"]) for e in verdicts] == [("reader", study)]
    assert verdicts[0]["detail"]["kind"] == "reject"
    assert audit["is_intact"] is True
    actions = {e["action"] for e in audit["events"] if e["actor"] == "reader"}
    assert {"signed in", "study opened", "result shown"} <= actions


def test_plain_head_raises_no_flag(
    running: Running, test_data: Path, browser: Browser, tmp_path: Path
) -> None:
    study = study_uid_of(test_data / "ct-head")
    send_by_stow(running.program, test_data / "ct-head")
    with open_context(browser) as context:
        page = context.new_page()
        sign_in(page, running.server.url, "reader", running.server.users["reader"])
        row = page.locator(f'[data-study-uid="{study}"]')
        row.get_by_text("Analysed, no flag").wait_for(timeout=120_000)
        assert row.get_by_text("AI priority").count() == 0
        assert page.get_by_role("tab", name="Critical").inner_text().strip() in (
            "Critical",
            "Critical 0",
            "Critical\n0",
        )


def test_sent_twice_is_one_result(running: Running, bleed: Path) -> None:
    study = study_uid_of(bleed)
    admin = running.server.client(running.server.command("users", "token", "admin").strip())
    digests = []
    for _ in range(2):
        send_by_stow(running.program, bleed)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            answer = admin.get("/api/v1/results", params={"study_instance_uid": study})
            results = answer.json()["results"] if answer.status_code == 200 else []
            if results:
                break
            time.sleep(0.3)
        time.sleep(3)
        results = admin.get("/api/v1/results", params={"study_instance_uid": study}).json()[
            "results"
        ]
        assert len(results) == 1
        objects = fetch_objects(running, study)
        digests.append(
            {
                str(d.SOPInstanceUID): hashlib.sha256(d.to_json().encode()).hexdigest()
                for datasets in objects.values()
                for d in datasets
            }
        )
    assert digests[0] == digests[1]
