"""Signing in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from overread.access.session import Session
from overread.api.gate import SESSION_COOKIE, find_principal, require_same_origin
from overread.api.rest.answering import PROBLEMS, answer, find_dependencies
from overread.api.rest.forms import to_session_view
from overread.api.rest.schema import SessionView, SignIn
from overread.audit.event import AuditAction, Outcome
from overread.vocabulary.errors import NotAuthenticated, TooManyAttempts

router = APIRouter(tags=["session"], responses=PROBLEMS)


@router.post("/session", response_model=SessionView)
async def sign_in(request: Request, given: SignIn) -> Response:
    """Sign in; sets the session's cookie."""
    require_same_origin(request.headers)
    dependencies = find_dependencies(request)
    address = request.client.host if request.client else ""
    try:
        secret, session = await dependencies.identity.sign_in(
            given.username, given.password, address
        )
    except (NotAuthenticated, TooManyAttempts) as error:
        # The name as typed is not written down: it may be a password in the wrong field.
        await dependencies.audit.record(
            "unknown",
            AuditAction.SIGNED_IN,
            Outcome.FAILURE,
            detail={"reason": type(error).__name__},
        )
        raise
    await dependencies.audit.record(session.principal.name, AuditAction.SIGNED_IN)
    response = answer(to_session_view(session))
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        httponly=True,
        samesite="strict",
        secure=dependencies.is_cookie_secure,
        path="/",
    )
    return response


@router.get("/session", response_model=SessionView)
async def read_session(request: Request) -> Response:
    """The session of the cookie."""
    session = request.scope["state"].get("session")
    if not isinstance(session, Session):
        raise NotAuthenticated("A bearer token has no session: sign in to have one.")
    return answer(to_session_view(session))


@router.delete("/session", status_code=204)
async def sign_out(request: Request) -> Response:
    """End the session of the cookie."""
    principal = find_principal(request)
    dependencies = find_dependencies(request)
    secret = request.cookies.get(SESSION_COOKIE)
    if secret:
        await dependencies.identity.sign_out(secret)
        await dependencies.audit.record(principal.name, AuditAction.SIGNED_OUT)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return response
