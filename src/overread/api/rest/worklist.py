"""The worklist, and what could not be taken into it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from overread.access.role import Permission
from overread.api.gate import require
from overread.api.rest.answering import PROBLEMS, answer, find_dependencies
from overread.api.rest.forms import to_row_view
from overread.api.rest.schema import QuarantineView, WorklistView
from overread.worklist.ranking import rank
from overread.worklist.showing import show

router = APIRouter(tags=["worklist"], responses=PROBLEMS)

_MAX_QUARANTINED = 500


@router.get("/worklist", response_model=WorklistView)
async def read_worklist(request: Request) -> Response:
    """All studies, first to be read first."""
    principal = require(request, Permission.VIEW_STUDY)
    dependencies = find_dependencies(request)
    rows, last_event_id = await dependencies.worklist.list_rows(dependencies.bounds.worklist_rows)
    ranked = rank((show(row, principal) for row in rows), datetime.now(UTC))
    sees_quarantine = principal.has(Permission.VIEW_QUARANTINE)
    return answer(
        {
            "rows": [to_row_view(shown, number) for number, shown in enumerate(ranked, start=1)],
            "last_event_id": last_event_id,
            "quarantined": await dependencies.quarantine.count() if sees_quarantine else 0,
        }
    )


@router.get("/quarantine", response_model=QuarantineView)
async def read_quarantine(request: Request) -> Response:
    """Files that were not taken, newest first, each with its reason and what to do."""
    require(request, Permission.VIEW_QUARANTINE)
    items = await find_dependencies(request).quarantine.list_items(_MAX_QUARANTINED)
    return answer(
        {
            "items": [
                {
                    "quarantine_id": item.quarantine_id,
                    "received_at": item.received_at,
                    "source": item.source,
                    "file_name": item.file_name,
                    "reason": item.reason,
                    "remedy": item.remedy,
                    "study_instance_uid": item.study_instance_uid,
                }
                for item in items
            ]
        }
    )
