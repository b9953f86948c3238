"""What a reader's browser gets: worklist, study, pixels, pictures, volume, results, verdicts."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from uuid import uuid4

import imagecodecs
import numpy as np
import pytest
from doors import (
    COLUMNS,
    HIDDEN_RESULT,
    NAME,
    RESULT,
    ROWS,
    SERIES,
    SOPS,
    STUDY,
    TRACKING,
    Doors,
    make_pixels,
)
from PIL import Image

from overread.api.rest import schema
from overread.audit.event import AuditAction
from overread.result.encoding.json_form import from_json, to_json
from overread.vocabulary.event import EventKind
from overread.vocabulary.uid import Uid

FRAMES = f"/api/v1/studies/{STUDY}/series/{SERIES}/instances/{SOPS[1]}/frames/1"


async def test_worklist_row_is_of_the_described_form(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    body = (await client.get("/api/v1/worklist")).json()
    view = schema.WorklistView.model_validate(body)
    (row,) = view.rows
    assert (row.rank, row.is_critical, row.patient_name, row.modality) == (1, True, NAME, "CT")
    assert row.flag is not None
    assert (row.flag.text, row.flag.confidence) == ("AI priority: suspected bleed", 0.91)
    assert row.result_uids == [RESULT]
    assert row.analysis.state == "analysed"
    assert view.last_event_id == await doors.events.read_last_id()
    thumbnail = await client.get(row.thumbnail_url)
    assert thumbnail.headers["content-type"] == "image/jpeg"


async def test_referrer_outside_the_audience_sees_no_claim(doors: Doors) -> None:
    client = await doors.sign_in("referrer")
    (row,) = (await client.get("/api/v1/worklist")).json()["rows"]
    assert (row["flag"], row["is_critical"], row["result_uids"]) == (None, False, [])
    assert (await client.get(f"/api/v1/results/{RESULT}")).status_code == 404
    study = (await client.get(f"/api/v1/studies/{STUDY}")).json()
    assert study["results"] == []
    assert study["open_at"]["sop_instance_uid"] == SOPS[2]


async def test_study_opens_on_the_flagged_image_and_says_how_slices_lie(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    study = schema.StudyView.model_validate((await client.get(f"/api/v1/studies/{STUDY}")).json())
    assert study.open_at is not None
    assert (study.open_at.series_instance_uid, study.open_at.sop_instance_uid) == (SERIES, SOPS[1])
    assert (study.patient.name, study.study_datetime) == (NAME, "2026-01-02T03:04:05")
    (series,) = study.series
    assert (series.image_count, series.is_displayable) == (4, True)
    spacing = series.spacing
    assert (spacing.is_volume, spacing.is_tilted, spacing.is_even) == (True, True, False)
    assert spacing.gaps_mm == pytest.approx([5, 7])
    assert spacing.tilt_degrees == pytest.approx(np.degrees(np.arctan(1 / 5)), abs=0.01)
    assert [result.result.result_uid for result in study.results] == [RESULT]
    assert [one.model for one in series.suitability] == ["head"]
    assert (await doors.actions())[-2:] == [AuditAction.STUDY_OPENED, AuditAction.RESULT_SHOWN]


async def test_images_come_in_stack_order_with_their_planes(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    body = (await client.get(f"/api/v1/studies/{STUDY}/series/{SERIES}/images")).json()
    images = schema.ImagesView.model_validate(body).images
    assert [image.sop_instance_uid for image in images] == SOPS
    first = images[0]
    assert first.plane is not None
    assert first.plane.position == [-10, 0, 0]
    assert first.spacing_mm == [0.5, 0.5]
    assert (first.rows, first.columns, first.is_signed) == (ROWS, COLUMNS, True)
    assert (first.rescale_intercept, first.rescale_unit) == (-1024, "HU")
    assert images[1].pixels_url == FRAMES


async def test_frame_is_lossless_in_both_forms(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    raw = await client.get(FRAMES)
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["x-overread-bits"] == "16"
    assert "private" in raw.headers["cache-control"]
    pixels = np.frombuffer(raw.content, "<i2").reshape(ROWS, COLUMNS)
    assert np.array_equal(pixels, make_pixels(1))
    packed = await client.get(FRAMES, headers={"Accept": "image/jphc, */*"})
    assert packed.headers["content-type"] == "image/jphc"
    assert np.array_equal(imagecodecs.htj2k_decode(packed.content), make_pixels(1))
    assert "Accept" in packed.headers["vary"]


async def test_rendered_frame_has_the_asked_width(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    picture = Image.open(io.BytesIO((await client.get(f"{FRAMES}/rendered?width=12")).content))
    assert picture.size == (12, 16)
    assert (await client.get(f"{FRAMES}/rendered?width=0")).status_code == 422
    assert (await client.get(f"{FRAMES}/rendered?width=99999")).status_code == 422


async def test_thumbnail_is_outlined_only_for_who_may_see_the_finding(doors: Doors) -> None:
    def count_blue(jpeg: bytes) -> int:
        rgb = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), dtype=int)
        return int(((rgb[..., 2] - rgb[..., 0]) > 40).sum())

    reader = await doors.sign_in("reader")
    referrer = await doors.sign_in("referrer")
    url = f"/api/v1/studies/{STUDY}/thumbnail"
    assert count_blue((await reader.get(url)).content) > 10
    assert count_blue((await referrer.get(url)).content) == 0
    series = await reader.get(f"/api/v1/studies/{STUDY}/series/{SERIES}/thumbnail")
    assert count_blue(series.content) == 0


async def test_volume_is_resampled_and_leaves_nothing_on_disk(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    answer = await client.get(f"/api/v1/studies/{STUDY}/series/{SERIES}/volume")
    grid = schema.VolumeView.model_validate(answer.json())
    assert grid.is_resampled
    assert grid.note
    columns, rows, slices = grid.dimensions
    voxels = await client.get(grid.voxels_url)
    assert voxels.headers["content-encoding"] == "gzip"
    values = np.frombuffer(voxels.content, "<i2").reshape(slices, rows, columns)
    assert values[0, 0, 0] == make_pixels(0)[0, 0] - 1024
    assert not [path for path in doors.scratch.rglob("*") if path.is_file()]
    mask = await client.get(f"/api/v1/results/{RESULT}/findings/{TRACKING}/volume")
    body = schema.VolumeMaskView.model_validate(mask.json())
    assert body.dimensions == grid.dimensions
    assert sum(body.runs) == columns * rows * slices
    covered_mm3 = sum(body.runs[1::2]) * float(np.prod(grid.spacing_mm))
    # 8 × 8 pixels of 0.25 mm², over half of 5 mm on either side.
    assert covered_mm3 == pytest.approx(64 * 0.25 * 5, rel=0.15)


async def test_voxels_are_gzip_on_the_wire(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    url = f"/api/v1/studies/{STUDY}/series/{SERIES}/voxels"
    async with client.stream("GET", url) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert len(gzip.decompress(raw)) % 2 == 0


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/studies/1.2.3",
        f"/api/v1/studies/{STUDY}/series/9.9/images",
        f"/api/v1/studies/{STUDY}/series/9.9/thumbnail",
        f"/api/v1/studies/{STUDY}/series/9.9/volume",
        FRAMES.replace("frames/1", "frames/2"),
        FRAMES.replace(SOPS[1], "9.9"),
        "/api/v1/results/9.9",
        f"/api/v1/results/{RESULT}/findings/9.9/volume",
        "/api/v1/inference/none",
        "/api/v1/inference/none/events",
    ],
)
async def test_what_is_not_there_is_not_found(doors: Doors, path: str) -> None:
    answer = await (await doors.sign_in("reader")).get(path)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("path", ["studies/..", "studies/1.a", "studies/" + "1." * 40 + "1"])
async def test_what_is_no_uid_is_refused(doors: Doors, path: str) -> None:
    answer = await (await doors.sign_in("reader")).get(f"/api/v1/{path}")
    assert answer.status_code in (401, 404, 422)


async def test_results_are_of_the_described_form_and_each_showing_is_audited(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    listed = await client.get("/api/v1/results", params={"study_instance_uid": STUDY})
    views = schema.ResultsView.model_validate(listed.json()).results
    assert [view.result.result_uid for view in views] == [RESULT]
    one = schema.ResultView.model_validate((await client.get(f"/api/v1/results/{RESULT}")).json())
    assert (one.phase, one.phase_note) == ("automatic", "demonstration, no checkpoint")
    assert [made.kind for made in one.objects] == ["SR"]
    assert (await doors.actions()).count(AuditAction.RESULT_SHOWN) == 2


def judge(kind: str, **more: object) -> dict[str, object]:
    return {"verdict_id": str(uuid4()), "tracking_uid": TRACKING, "kind": kind, **more}


async def test_verdict_sent_twice_is_one_verdict_one_event_one_audit(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    given = judge("reject", reason="calcification")
    url = f"/api/v1/results/{RESULT}/verdicts"
    first = await client.post(url, json=given)
    again = await client.post(url, json=given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    verdict = schema.VerdictView.model_validate(first.json())
    assert (verdict.made_by, verdict.reason) == ("reader", "calcification")
    events = [e for e in await doors.events.read_after(0) if e.kind is EventKind.VERDICT_GIVEN]
    assert len(events) == 1
    assert (await doors.actions()).count(AuditAction.VERDICT_GIVEN) == 1
    (row,) = (await client.get("/api/v1/worklist")).json()["rows"]
    assert (row["is_critical"], row["verdict"]) == (False, "reject")
    view = (await client.get(f"/api/v1/results/{RESULT}")).json()
    assert [v["verdict_id"] for v in view["verdicts"]] == [given["verdict_id"]]
    assert view["result"]["findings"][0]["is_flagged"] is True


async def test_adjustment_is_measured_on_the_real_slices(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    square = [[4, 4], [12, 4], [12, 8], [4, 8]]
    contour = {
        "kind": "contour",
        "image": {"sop_instance_uid": SOPS[2], "frame": 1},
        "points": square,
        "is_hole": False,
    }
    answer = await client.post(
        f"/api/v1/results/{RESULT}/verdicts", json=judge("adjust", regions=[contour])
    )
    assert answer.status_code == 201, answer.text
    area, volume = answer.json()["measurements"]
    assert (area["value"], area["unit"]["value"]) == (pytest.approx(32 * 0.25), "mm2")
    # The third slice stands for half of 5 mm and half of 7 mm.
    assert (volume["value"], volume["unit"]["value"]) == (pytest.approx(8 * 6 / 1000), "mL")
    assert answer.json()["regions"] == [contour]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (judge("adjust"), 422),
        (judge("shrug"), 422),
        (judge("withdraw"), 409),
        (judge("accept", tracking_uid="9.9"), 404),
        ({**judge("accept"), "verdict_id": "no uuid"}, 422),
        (judge("accept", unknown=1), 422),
        (
            judge(
                "adjust",
                regions=[
                    {
                        "kind": "box",
                        "image": {"sop_instance_uid": "9.9", "frame": 1},
                        "top_left": [0, 0],
                        "bottom_right": [1, 1],
                    }
                ],
            ),
            422,
        ),
        (
            judge(
                "accept",
                regions=[
                    {
                        "kind": "box",
                        "image": {"sop_instance_uid": SOPS[0], "frame": 1},
                        "top_left": [0, 0],
                        "bottom_right": [1, 1],
                    }
                ],
            ),
            422,
        ),
    ],
)
async def test_verdict_without_sense_is_refused(doors: Doors, given: dict, status: int) -> None:
    client = await doors.sign_in("reader")
    answer = await client.post(f"/api/v1/results/{RESULT}/verdicts", json=given)
    assert answer.status_code == status, answer.text


async def test_verdicts_are_for_readers_and_results_they_may_see(doors: Doors) -> None:
    admin = await doors.sign_in("admin")
    url = f"/api/v1/results/{RESULT}/verdicts"
    assert (await admin.post(url, json=judge("accept"))).status_code == 403
    reader = await doors.sign_in("reader")
    hidden = f"/api/v1/results/{HIDDEN_RESULT}/verdicts"
    assert (await reader.post(hidden, json=judge("accept"))).status_code == 404


async def test_withdraw_takes_the_last_one_back(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    url = f"/api/v1/results/{RESULT}/verdicts"
    assert (await client.post(url, json=judge("reject"))).status_code == 201
    assert (await client.post(url, json=judge("withdraw"))).status_code == 201
    (row,) = (await client.get("/api/v1/worklist")).json()["rows"]
    assert (row["is_critical"], row["verdict"]) == (True, None)
    assert (await client.post(url, json=judge("withdraw"))).status_code == 409


async def test_inference_asked_twice_is_one_job(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    first = await client.post("/api/v1/inference", json={"study_instance_uid": STUDY})
    again = await client.post("/api/v1/inference", json={"study_instance_uid": STUDY})
    assert (first.status_code, first.json()) == (202, again.json())
    job = schema.JobView.model_validate((await client.get(first.headers["location"])).json())
    assert job.state == "queued"
    missing = await client.post("/api/v1/inference", json={"study_instance_uid": "9.9"})
    assert missing.status_code == 404


async def test_models_and_audit_are_of_the_described_form(doors: Doors) -> None:
    client = await doors.sign_in("admin")
    models = schema.ModelsView.model_validate((await client.get("/api/v1/models")).json())
    assert [(card.name, card.phase) for card in models.models] == [("head", "automatic")]
    audit = schema.AuditView.model_validate((await client.get("/api/v1/audit")).json())
    assert audit.is_intact
    assert [event.action for event in audit.events] == ["signed in", "audit read"]
    assert NAME not in audit.model_dump_json()


async def test_quarantine_is_listed_and_counted(doors: Doors) -> None:
    quarantine = doors.app.state.dependencies.quarantine
    refused = doors.scratch.parent / "slice-0.dcm"
    await quarantine.put(refused, "STOW-RS", "no UID", "send it whole", file_name="a.dcm")
    reader = await doors.sign_in("reader")
    view = schema.QuarantineView.model_validate((await reader.get("/api/v1/quarantine")).json())
    assert [(item.reason, item.file_name) for item in view.items] == [("no UID", "a.dcm")]
    assert (await reader.get("/api/v1/worklist")).json()["quarantined"] == 1
    referrer = await doors.sign_in("referrer")
    assert (await referrer.get("/api/v1/worklist")).json()["quarantined"] == 0


async def test_images_seen_without_opening_the_study_are_audited_once(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    for _ in range(3):
        assert (await client.get(FRAMES)).status_code == 200
    await client.get(f"/api/v1/studies/{STUDY}/series/{SERIES}/images")
    assert (await doors.actions()).count(AuditAction.STUDY_OPENED) == 1
    await client.get(f"/api/v1/studies/{STUDY}")
    assert (await doors.actions()).count(AuditAction.STUDY_OPENED) == 2
    other = await doors.sign_in("admin")
    await other.get(FRAMES)
    assert (await doors.actions()).count(AuditAction.STUDY_OPENED) == 3


@pytest.mark.parametrize("is_withheld", [False, True])
async def test_a_newer_result_takes_the_older_ones_place(doors: Doors, is_withheld: bool) -> None:
    """After a late slice two outlines of one model would lie on one image. One that is withheld
    takes nobody's place: the worklist knows nothing of it either."""
    client = await doors.sign_in("reader")
    older = await doors.results.read(RESULT)
    claim = replace(from_json(older.document), result_uid=Uid("1.2.826.0.1.99"))
    newer = replace(
        older,
        result_uid=claim.result_uid,
        document=to_json(claim),
        audience=frozenset() if is_withheld else older.audience,
    )
    await doors.results.save(newer)
    listed = await client.get("/api/v1/results", params={"study_instance_uid": STUDY})
    shown = [view["result"]["result_uid"] for view in listed.json()["results"]]
    assert shown == [RESULT if is_withheld else newer.result_uid]
    stored = await doors.results.list_for_study(STUDY)
    assert {RESULT, newer.result_uid} <= {result.result_uid for result in stored}
    assert (await client.get(f"/api/v1/results/{RESULT}")).status_code == 200
