"""A small site behind its doors: real stores and archive, one made-up CT study, three people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from overread.access.role import Role
from overread.adapters.archive.embedded import EmbeddedArchive
from overread.adapters.archive.quarantine import FolderQuarantine
from overread.adapters.identity.local import LocalIdentity
from overread.adapters.store.audit_trail import SqlAuditTrail
from overread.adapters.store.database import Database
from overread.adapters.store.event_log import SqlEventLog, SqlWorklist
from overread.adapters.store.jobs import SqlJobs
from overread.adapters.store.migrate import migrate
from overread.adapters.store.results import SqlResults
from overread.adapters.store.users import SqlAccounts
from overread.api.app import create_app
from overread.api.ports import ApiBounds, ApiDependencies, ListedModel
from overread.api.web_files import WebFiles
from overread.audit.event import AuditAction
from overread.model.card import (
    InputRequirement,
    ModelCard,
    ModelRef,
    ModelStatus,
    OutputCode,
)
from overread.pipeline.ports import Job, JobState, StoredObject, StoredResult
from overread.result.encoding.json_form import to_json
from overread.result.mask import to_mask
from overread.result.region import Box
from overread.result.result import Finding, Measurement, Result
from overread.study.study import ImageRef
from overread.vocabulary import unit
from overread.vocabulary.code import Code
from overread.vocabulary.errors import NotFound
from overread.vocabulary.event import EventKind
from overread.vocabulary.geometry import ImagePoint
from overread.vocabulary.uid import Uid

STUDY = "1.2.826.0.1.1"
SERIES = "1.2.826.0.1.1.1"
SOPS = [f"1.2.826.0.1.1.1.{n}" for n in range(1, 5)]
RESULT = "1.2.826.0.1.8"
HIDDEN_RESULT = "1.2.826.0.1.88"
TRACKING = "1.2.826.0.1.9"
NAME = "DOE^JANE"
ROWS, COLUMNS = 32, 24
PASSWORD = "correct horse battery"
PEOPLE = {
    "reader": Role.READER,
    "referrer": Role.REFERRING,
    "admin": Role.ADMINISTRATOR,
    "modality": Role.SERVICE,
}
CODE = Code("50960005", "SCT", "Hemorrhage")
FLAG = {
    "text": "AI priority: suspected bleed",
    "tracking_uid": TRACKING,
    "finding": "Bleed, right",
    "confidence": 0.91,
    "volume_ml": 14.1,
    "model": "head",
    "model_version": "1.0",
    "model_status": "demonstration",
}
RELEASED = {
    "job_id": "j1",
    "result_uid": RESULT,
    "series_instance_uid": SERIES,
    "model": "head",
    "phase": "automatic",
    "note": "demonstration, no checkpoint",
    "audience": ["reader"],
    "flags": [FLAG],
    "key_image": {"sop_instance_uid": SOPS[1], "frame": 1},
}
CARD = ModelCard(
    ref=ModelRef("head", "1.0", "ab" * 32),
    title="Head",
    manufacturer="Overread",
    status=ModelStatus.DEMONSTRATION,
    intended_use="tests",
    limits=("everything",),
    evidence="none",
    score_meaning="none",
    flag_text="suspected bleed",
    algorithm_family=Code("123110", "DCM", "Artificial Intelligence"),
    inputs=InputRequirement(modalities=("CT",)),
    outputs=(OutputCode("bleed", "Bleed", CODE, CODE, is_critical=True),),
    thresholds={"flag": 0.5},
)


@dataclass(slots=True)
class Doors:
    """The application and what stands behind it."""

    app: FastAPI
    events: SqlEventLog
    audit: SqlAuditTrail
    identity: LocalIdentity
    results: SqlResults
    jobs: SqlJobs
    scratch: Path
    csrf: dict[str, str] = field(default_factory=dict)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://overread.test")

    async def sign_in(self, name: str) -> httpx.AsyncClient:
        """A client with the cookie and the CSRF header of this person."""
        client = self.client()
        given = {"username": name, "password": PASSWORD}
        answer = await client.post("/api/v1/session", json=given)
        assert answer.status_code == 200, answer.text
        client.headers["X-Overread-CSRF"] = answer.json()["csrf_token"]
        return client

    async def actions(self) -> list[AuditAction]:
        return [AuditAction(s.event.action) for s in await self.audit.read_after(0, 1000)]


def make_slice(index: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = SOPS[index]
    header = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, SOPS[index]
    header.StudyInstanceUID, header.SeriesInstanceUID = STUDY, SERIES
    header.PatientName, header.PatientID = NAME, "4711"
    header.PatientBirthDate, header.PatientSex, header.PatientAge = "19550101", "F", "071Y"
    header.StudyDate, header.StudyTime, header.AccessionNumber = "20260102", "030405", "A1"
    header.StudyDescription, header.StudyID, header.ReferringPhysicianName = "Head", "1", ""
    header.Modality, header.Manufacturer, header.SeriesNumber = "CT", "Test", 1
    header.InstanceNumber, header.FrameOfReferenceUID = index + 1, "1.2.826.0.1.7"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    # Sheared by 1 mm for each 5 mm and uneven: the last gap is 7 mm.
    along = [0.0, 5.0, 10.0, 17.0][index]
    header.ImagePositionPatient = [-10.0, along / 5, along]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing, header.SliceThickness = [0.5, 0.5], 5
    header.Rows, header.Columns, header.SamplesPerPixel = ROWS, COLUMNS, 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.PixelRepresentation, header.RescaleSlope, header.RescaleIntercept = 1, 1, -1024
    header.PixelData = make_pixels(index).tobytes()
    return header


def make_pixels(index: int) -> np.ndarray:
    """Stored values of a slice, int16 (rows, columns)."""
    values = np.arange(ROWS * COLUMNS, dtype="<i2").reshape(ROWS, COLUMNS)
    return (values + 1000 * index).astype("<i2")


def make_result() -> Result:
    mask = np.zeros((4, ROWS, COLUMNS), dtype=bool)
    mask[1, 4:12, 6:14] = True
    images = tuple(ImageRef(Uid(sop)) for sop in SOPS)
    box = Box(images[1], ImagePoint(6, 4), ImagePoint(14, 12))
    finding = Finding(
        output="bleed",
        label="Bleed, right",
        finding=CODE,
        category=CODE,
        site=None,
        laterality=None,
        confidence=0.91,
        is_flagged=True,
        regions=(box, to_mask(mask, images)),
        measurements=(Measurement(Code("118565006", "SCT", "Volume"), 14.1, unit.MILLILITRE, 1.2),),
        key_image=images[1],
        tracking_id="bleed 1",
        tracking_uid=Uid(TRACKING),
        color_rgb=(86, 180, 233),
    )
    return Result(
        result_uid=Uid(RESULT),
        study_instance_uid=Uid(STUDY),
        series_instance_uid=Uid(SERIES),
        frame_of_reference_uid=Uid("1.2.826.0.1.7"),
        model=CARD.ref,
        model_title=CARD.title,
        model_manufacturer=CARD.manufacturer,
        model_status=CARD.status,
        algorithm_family=CARD.algorithm_family,
        score_meaning=CARD.score_meaning,
        flag_text=CARD.flag_text,
        input_digest="cd" * 32,
        started_at="2026-01-02T03:05:00+00:00",
        source_images=images,
        findings=(finding,),
        notices=(),
    )


@asynccontextmanager
async def open_doors(folder: Path, bounds: ApiBounds | None = None) -> AsyncIterator[Doors]:
    """The site, with its study stored, arrived and analysed."""
    database = Database(f"sqlite:///{folder / 'overread.sqlite'}")
    migrate(database)
    archive = EmbeddedArchive(folder / "archive")
    events, results, jobs = SqlEventLog(database), SqlResults(database), SqlJobs(database)
    audit = SqlAuditTrail(database)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    identity = LocalIdentity(SqlAccounts(database), hasher=cheap)
    for name, role in PEOPLE.items():
        await identity.save_user(name, name.title(), {role}, PASSWORD)

    async def start_inference(study: str, series: str | None, model: str | None) -> Job:
        if study != STUDY:
            raise NotFound("No such study.")
        job = Job("j1", Uid(study), Uid(series or SERIES), model or "head", JobState.QUEUED, "t")
        return (await jobs.create(job))[0]

    app = create_app(
        ApiDependencies(
            archive=archive,
            quarantine=FolderQuarantine(folder / "quarantine", 10**6),
            events=events,
            worklist=SqlWorklist(database),
            results=results,
            jobs=jobs,
            audit=audit,
            identity=identity,
            list_models=lambda: [ListedModel(CARD, "automatic", "demonstration")],
            start_inference=start_inference,
            scratch_dir=folder / "scratch",
            dicomweb=None,
            bounds=bounds or ApiBounds(),
        ),
        WebFiles(make_web(folder / "web")),
    )
    doors = Doors(app, events, audit, identity, results, jobs, folder / "scratch")
    await fill(doors, archive, folder)
    async with app.router.lifespan_context(app):
        yield doors
    database.close()


async def fill(doors: Doors, archive: EmbeddedArchive, folder: Path) -> None:
    files = []
    for index in range(4):
        files.append(folder / f"slice-{index}.dcm")
        make_slice(index).save_as(files[-1], enforce_file_format=True)
    report = await archive.store(files)
    assert len(report.stored) == 4, report
    facts = {"patient_name": NAME, "patient_id": "4711", "modalities": ["CT"], "series_count": 1}
    arrived = {"study": {**facts, "patient_age": "71 Y"}, "instances_received": 4}
    await doors.events.append(EventKind.STUDY_ARRIVED, STUDY, arrived)
    await doors.results.save(
        StoredResult(
            result_uid=Uid(RESULT),
            study_instance_uid=Uid(STUDY),
            series_instance_uid=Uid(SERIES),
            model_name="head",
            document=to_json(make_result()),
            phase="automatic",
            note="demonstration, no checkpoint",
            audience=frozenset({Role.READER, Role.ADMINISTRATOR}),
            objects=(StoredObject("SR", Uid("1.2.826.5"), Uid("1.2.826.5.1"), None, True),),
        )
    )
    hidden = await doors.results.read(RESULT)
    await doors.results.save(
        StoredResult(
            result_uid=Uid(HIDDEN_RESULT),
            study_instance_uid=Uid(STUDY),
            series_instance_uid=Uid(SERIES),
            model_name="silent",
            document=hidden.document,
            phase="silent",
            note="",
            audience=frozenset(),
        )
    )
    await doors.events.append(EventKind.RESULT_RELEASED, STUDY, RELEASED)


def make_web(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Overread</title>")
    (folder / "assets" / "codec.wasm").write_bytes(b"\0asm")
    (folder / "assets" / "app.js").write_text("export {}")
    return folder
