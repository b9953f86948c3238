"""The line a study runs through: fetch, run, gate, encode, deliver, announce.

Every step takes and gives JSON (UIDs and digests), can run twice without a second effect, and
makes again whatever scratch files it lacks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from overread.delivery.deliver import deliver
from overread.delivery.ports import Destination, Parcel
from overread.governance.gate import AwaitingApproval, Policy, Release, gate
from overread.model.ports import Runner, RunRequest
from overread.pipeline.models import Models
from overread.pipeline.ports import (
    Artefacts,
    EventLog,
    Jobs,
    JobState,
    Json,
    Line,
    Results,
    StoredObject,
    StoredResult,
)
from overread.pipeline.progress import ProgressReport
from overread.pipeline.release_note import describe_release
from overread.pipeline.scratch import Scratch
from overread.pipeline.sources import read_key_pictures, read_sources
from overread.result.building import build_result
from overread.result.digest import input_digest
from overread.result.encoding.json_form import from_json, to_json
from overread.result.encoding.objects import ENCODER_VERSION, encode_all
from overread.result.result import Result
from overread.study.ports import Archive
from overread.study.volume import read_volume
from overread.vocabulary.errors import Conflict
from overread.vocabulary.event import EventKind
from overread.vocabulary.uid import Uid

LINE_VERSION = "1"
"""Raised when the meaning of a step's JSON changes: leftovers of another version start anew."""


@dataclass(frozen=True, slots=True)
class ClinicalLine:
    """The steps over their ports."""

    archive: Archive
    models: Models
    runner: Runner
    policy: Callable[[], Policy]
    destinations: tuple[Destination, ...]
    results: Results
    jobs: Jobs
    events: EventLog
    artefacts: Artefacts
    scratch: Scratch

    def to_line(self) -> Line:
        return Line(
            name="clinical",
            version=LINE_VERSION,
            steps=(
                ("fetch", self.fetch),
                ("run", self.run),
                ("gate", self.gate),
                ("encode", self.encode),
                ("deliver", self.deliver),
                ("announce", self.announce),
            ),
        )

    async def fetch(self, value: Json) -> Json:
        """Bring the series into scratch and say what exactly was read."""
        await self._report(value, "fetch", "fetching images")
        await self._fetch_images(value)
        folder = self.scratch.input_folder(value["job_id"])
        volume = await asyncio.to_thread(read_volume, folder)
        return {"input_digest": await asyncio.to_thread(input_digest, volume)}

    async def run(self, value: Json) -> Json:
        """Let the model read, and write its claims down as a `Result`."""
        card = self.models.find(value["model"]["name"])
        if card.ref.digest != value["model"]["digest"]:
            raise Conflict(
                f"{card.ref.name} was changed while its job waited: start the analysis again."
            )
        await self._ensure_images(value)
        job_id = value["job_id"]
        work = self.scratch.make_empty(self.scratch.work_folder(job_id))
        request = RunRequest(card, self.scratch.input_folder(job_id), work)
        async with ProgressReport(self.jobs, self.events, value, "run") as progress:
            prediction = await self.runner.run(request, progress)
        volume = await asyncio.to_thread(read_volume, request.series_folder)
        result = await asyncio.to_thread(
            build_result,
            prediction,
            card,
            volume,
            study_instance_uid=Uid(value["study_instance_uid"]),
            input_digest=value["input_digest"],
            started_at=value["started_at"],
            versions=f"line {LINE_VERSION}, encoder {ENCODER_VERSION}, {self.policy().version}",
        )
        digest = await self.artefacts.put(to_json(result))
        return {"result_uid": result.result_uid, "result_digest": digest}

    async def gate(self, value: Json) -> Json:
        """Ask the site's policy."""
        await self._report(value, "gate", "asking the site's policy")
        decision = gate(await self._read_result(value), self.policy())
        if isinstance(decision, Release):
            return {
                "decision": "release",
                "phase": str(decision.phase),
                "note": decision.note,
                "audience": sorted(decision.audience),
            }
        if isinstance(decision, AwaitingApproval):
            return {"decision": "awaiting approval", "approver": str(decision.approver)}
        return {"decision": "withheld", "reason": decision.reason}

    async def encode(self, value: Json) -> Json:
        """Write the result as DICOM objects."""
        if value["decision"] != "release":
            return {"objects": []}
        await self._report(value, "encode", "writing DICOM objects")
        await self._ensure_images(value)
        result = await self._read_result(value)
        folder = self.scratch.input_folder(value["job_id"])
        sources = await asyncio.to_thread(read_sources, folder, result)
        pictures = await asyncio.to_thread(read_key_pictures, folder, result)
        encoded = await asyncio.to_thread(encode_all, result, sources, pictures)
        return {
            "objects": [
                {
                    "kind": item.kind,
                    "sop_class_uid": item.sop_class_uid,
                    "sop_instance_uid": item.sop_instance_uid,
                    "series_instance_uid": item.series_instance_uid,
                    "digest": await self.artefacts.put(item.data),
                }
                for item in encoded
            ]
        }

    async def deliver(self, value: Json) -> Json:
        """Store the objects where the release allows it."""
        if value["decision"] != "release":
            return {"receipts": []}
        await self._report(value, "deliver", "storing to the archive")
        decision = gate(await self._read_result(value), self.policy())
        if not isinstance(decision, Release):
            return {"receipts": [], "decision": "withheld"}
        parcels = tuple(
            [
                Parcel(
                    kind=item["kind"],
                    sop_class_uid=Uid(item["sop_class_uid"]),
                    sop_instance_uid=Uid(item["sop_instance_uid"]),
                    series_instance_uid=Uid(item["series_instance_uid"]),
                    digest=item["digest"],
                    data=await self.artefacts.read(item["digest"]),
                )
                for item in value["objects"]
            ]
        )
        receipts = await deliver(decision, parcels, self.destinations)
        return {"receipts": [receipt.sop_instance_uid for receipt in receipts]}

    async def announce(self, value: Json) -> Json:
        """Say once that there is a result, then take the images away."""
        result = await self._read_result(value)
        is_released = value["decision"] == "release"
        stored = set(value["receipts"])
        await self.results.save(
            StoredResult(
                result_uid=result.result_uid,
                study_instance_uid=result.study_instance_uid,
                series_instance_uid=result.series_instance_uid,
                model_name=result.model.name,
                document=to_json(result),
                phase=value.get("phase", "silent"),
                note=value.get("note", ""),
                audience=frozenset(value["audience"]) if is_released else frozenset(),
                objects=tuple(
                    StoredObject(
                        kind=item["kind"],
                        series_instance_uid=Uid(item["series_instance_uid"]),
                        sop_instance_uid=Uid(item["sop_instance_uid"]),
                        digest=None,
                        is_stored=item["sop_instance_uid"] in stored,
                    )
                    for item in value["objects"]
                ),
            )
        )
        kind = EventKind.RESULT_RELEASED if is_released else EventKind.ANALYSIS_ENDED
        data = describe_release(result, value) if is_released else {"job_id": value["job_id"]}
        await self.events.append_once(
            f"{value['job_id']}:announce", kind, result.study_instance_uid, data
        )
        await self._finish(value, result)
        return {}

    async def _finish(self, value: Json, result: Result) -> None:
        job = await self.jobs.read(value["job_id"])
        await self.jobs.save(
            replace(
                job,
                state=JobState.DONE,
                step="announce",
                share=1.0,
                message="done",
                result_uid=result.result_uid,
            )
        )
        for item in value["objects"]:
            await self.artefacts.remove(item["digest"])
        await self.artefacts.remove(value["result_digest"])
        self.scratch.remove(value["job_id"])

    async def _read_result(self, value: Json) -> Result:
        """From the artefacts, or from the results where a run was cut off while it tidied up."""
        if await self.artefacts.has(value["result_digest"]):
            return from_json(await self.artefacts.read(value["result_digest"]))
        return from_json((await self.results.read(value["result_uid"])).document)

    async def _fetch_images(self, value: Json) -> None:
        folder = self.scratch.make_empty(self.scratch.input_folder(value["job_id"]))
        arriving = self.archive.retrieve(
            value["study_instance_uid"], value["series_instance_uid"], folder
        )
        async for _ in arriving:
            pass
        (folder.parent / "fetched").touch()

    async def _ensure_images(self, value: Json) -> None:
        """After a crash the scratch area is empty: fetch again."""
        if not (self.scratch.input_folder(value["job_id"]).parent / "fetched").exists():
            await self._fetch_images(value)

    async def _report(self, value: Json, step: str, message: str) -> None:
        async with ProgressReport(self.jobs, self.events, value, step) as progress:
            progress(0.0, message)
