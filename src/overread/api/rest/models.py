"""Which models there are, and what each says of itself."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from overread.access.role import Permission
from overread.api.gate import require
from overread.api.rest.answering import PROBLEMS, answer, find_dependencies
from overread.api.rest.forms import to_card_view
from overread.api.rest.schema import ModelsView

router = APIRouter(tags=["models"], responses=PROBLEMS)


@router.get("/models", response_model=ModelsView)
async def read_models(request: Request) -> Response:
    """The cards, each with its phase at this site."""
    require(request, Permission.VIEW_MODELS)
    listed = find_dependencies(request).list_models()
    return answer({"models": [to_card_view(one) for one in listed]})
