"""Reading the audit, which is itself audited."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from overread.access.role import Permission
from overread.api.gate import require
from overread.api.rest.answering import PROBLEMS, answer, find_dependencies
from overread.api.rest.forms import to_audit_event_view
from overread.api.rest.schema import AuditView
from overread.audit.event import AuditAction
from overread.audit.hash_chain import Intact

router = APIRouter(tags=["audit"], responses=PROBLEMS)


@router.get("/audit", response_model=AuditView)
async def read_audit(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Events after a sequence, and whether the whole chain holds."""
    principal = require(request, Permission.READ_AUDIT)
    trail = find_dependencies(request).audit
    await trail.record(
        principal.name, AuditAction.AUDIT_READ, detail={"after": after, "limit": limit}
    )
    events = await trail.read_after(after, limit)
    is_intact = isinstance(await trail.verify(), Intact)
    return answer(
        {"events": [to_audit_event_view(sealed) for sealed in events], "is_intact": is_intact}
    )
