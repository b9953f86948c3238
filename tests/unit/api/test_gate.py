"""Nobody passes who may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doors import HIDDEN_RESULT, PASSWORD, RESULT, SERIES, SOPS, STUDY, TRACKING, Doors, open_doors
from starlette.routing import Mount, Route, WebSocketRoute

from overread.api.ports import ApiBounds
from overread.audit.event import AuditAction

PUBLIC = {("GET", "/healthz"), ("HEAD", "/healthz"), ("POST", "/api/v1/session")}
VALUES = {
    "study": STUDY,
    "series": SERIES,
    "sop": SOPS[0],
    "frame": "1",
    "result": RESULT,
    "tracking_uid": TRACKING,
    "job_id": "j1",
    "path": "unknown/file",
}


def list_routes(app: object) -> list[tuple[str, str]]:
    """(method, path) of everything the application routes, path parameters filled in."""
    found: list[tuple[str, str]] = []

    def walk(routes: object, prefix: str) -> None:
        for route in routes:  # type: ignore[attr-defined]  # starlette's list
            path = prefix + getattr(route, "path", "")
            if isinstance(route, Mount):
                walk(route.routes, path)
            elif isinstance(route, Route):
                filled = re.sub(r"\{(\w+)(:\w+)?\}", lambda m: VALUES[m[1]], path)
                found.extend((method, filled) for method in route.methods or ())
            elif hasattr(route, "original_router"):  # how FastAPI keeps an included router
                walk(route.original_router.routes, prefix + route.include_context.prefix)
            else:
                assert isinstance(route, WebSocketRoute), f"{route} was not looked into"

    walk(app.routes, "")  # type: ignore[attr-defined]  # FastAPI
    return found


async def test_every_route_but_the_public_ones_asks_who_it_is(doors: Doors) -> None:
    spec = (await (await doors.sign_in("admin")).get("/openapi.json")).json()
    described = {
        (method.upper(), re.sub(r"\{(\w+)\}", lambda m: VALUES[m[1]], path))
        for path, methods in spec["paths"].items()
        for method in methods
    }
    routes = set(list_routes(doors.app)) | described
    assert len(described) > 20
    async with doors.client() as stranger:
        for method, path in sorted(routes - PUBLIC):
            answer = await stranger.request(method, path)
            assert answer.status_code == 401, f"{method} {path} answers {answer.status_code}"
            if method != "HEAD":
                assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/dicomweb/studies", "/metrics", "/docs", "/openapi.json", "/../etc/passwd", "/api"]
)
async def test_unknown_addresses_are_closed_too(doors: Doors, path: str) -> None:
    async with doors.client() as stranger:
        assert (await stranger.get(path)).status_code == 401


async def test_application_files_are_open_and_typed(doors: Doors) -> None:
    async with doors.client() as stranger:
        for page in ("/", "/worklist", f"/studies/{STUDY}"):
            answer = await stranger.get(page)
            assert (answer.status_code, "Overread" in answer.text) == (200, True)
        wasm = await stranger.get("/assets/codec.wasm")
        assert wasm.headers["content-type"] == "application/wasm"
        assert "immutable" in wasm.headers["cache-control"]
        script = await stranger.get("/assets/app.js")
        assert script.headers["content-type"].startswith("text/javascript")
        health = await stranger.get("/healthz")
        assert (health.status_code, health.json()) == (200, {"status": "ok"})


async def test_every_answer_carries_the_security_headers(doors: Doors) -> None:
    async with doors.client() as stranger:
        for path in ("/healthz", "/", "/api/v1/worklist"):
            headers = (await stranger.get(path)).headers
            assert "script-src 'self' 'wasm-unsafe-eval'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"


async def test_signing_in_and_out(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    session = (await client.get("/api/v1/session")).json()
    assert (session["user"], session["roles"]) == ("reader", ["reader"])
    assert "give verdict" in session["permissions"]
    assert (await client.delete("/api/v1/session")).status_code == 204
    client.cookies.clear()
    assert (await client.get("/api/v1/session")).status_code == 401
    actions = await doors.actions()
    assert actions == [AuditAction.SIGNED_IN, AuditAction.SIGNED_OUT]


async def test_cookie_is_out_of_reach_of_scripts_and_other_sites(doors: Doors) -> None:
    async with doors.client() as client:
        given = {"username": "reader", "password": PASSWORD}
        cookie = (await client.post("/api/v1/session", json=given)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_signed_out_session_is_dead_on_the_server(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    stolen = client.cookies["overread_session"]
    await client.delete("/api/v1/session")
    async with doors.client() as thief:
        thief.cookies["overread_session"] = stolen
        assert (await thief.get("/api/v1/worklist")).status_code == 401


async def test_wrong_password_and_unknown_user_read_alike(doors: Doors) -> None:
    async with doors.client() as client:
        wrong = await client.post("/api/v1/session", json={"username": "reader", "password": "x"})
        nobody = await client.post("/api/v1/session", json={"username": "zoe", "password": "x"})
    assert (wrong.status_code, nobody.status_code) == (401, 401)
    assert wrong.json()["detail"] == nobody.json()["detail"]
    events = await doors.audit.read_after(0, 10)
    assert [(e.event.actor, e.event.outcome) for e in events] == [("unknown", "failure")] * 2


async def test_guessing_is_slowed_down(doors: Doors) -> None:
    async with doors.client() as client:
        given = {"username": "reader", "password": "guess"}
        answers = [await client.post("/api/v1/session", json=given) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        right = {"username": "reader", "password": PASSWORD}
        assert (await client.post("/api/v1/session", json=right)).status_code == 429


async def test_unsafe_request_needs_the_csrf_token_and_our_origin(doors: Doors) -> None:
    client = await doors.sign_in("reader")
    asked = {"study_instance_uid": STUDY}
    token = client.headers.pop("X-Overread-CSRF")
    assert (await client.post("/api/v1/inference", json=asked)).status_code == 403
    wrong = {"X-Overread-CSRF": "x" * len(token)}
    assert (await client.post("/api/v1/inference", json=asked, headers=wrong)).status_code == 403
    right = {"X-Overread-CSRF": token}
    other = {**right, "Origin": "https://evil.test"}
    assert (await client.post("/api/v1/inference", json=asked, headers=other)).status_code == 403
    own = {**right, "Origin": "http://overread.test"}
    assert (await client.post("/api/v1/inference", json=asked, headers=own)).status_code == 202


async def test_bearer_token_opens_without_csrf(doors: Doors) -> None:
    token = await doors.identity.create_token("reader")
    async with doors.client() as program:
        program.headers["Authorization"] = f"Bearer {token}"
        asked = {"study_instance_uid": STUDY}
        assert (await program.post("/api/v1/inference", json=asked)).status_code == 202
        assert (await program.get("/api/v1/session")).status_code == 401
        program.headers["Authorization"] = f"Bearer {token}x"
        assert (await program.get("/api/v1/worklist")).status_code == 401


ALLOWED = {
    "/api/v1/worklist": {"reader", "referrer", "admin"},
    f"/api/v1/studies/{STUDY}": {"reader", "referrer", "admin"},
    "/api/v1/quarantine": {"reader", "admin"},
    "/api/v1/models": {"reader", "referrer", "admin"},
    "/api/v1/audit": {"admin"},
    f"/api/v1/results?study_instance_uid={STUDY}": {"reader", "referrer", "admin"},
    f"/api/v1/studies/{STUDY}/series/{SERIES}/images": {"reader", "referrer", "admin"},
}


@pytest.mark.parametrize("name", ["reader", "referrer", "admin", "modality"])
async def test_roles_open_what_they_may(doors: Doors, name: str) -> None:
    client = await doors.sign_in(name)
    for path, people in ALLOWED.items():
        answer = await client.get(path)
        expected = 200 if name in people else 403
        assert answer.status_code == expected, f"{name} {path}: {answer.text}"


async def test_withheld_result_is_not_there_for_anybody(doors: Doors) -> None:
    for name in ("reader", "referrer", "admin"):
        client = await doors.sign_in(name)
        assert (await client.get(f"/api/v1/results/{HIDDEN_RESULT}")).status_code == 404
        opened = (await client.get(f"/api/v1/studies/{STUDY}")).text
        assert "silent" not in opened


async def test_body_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    async with open_doors(tmp_path, ApiBounds(body_bytes=200)) as doors, doors.client() as client:
        large = {"username": "reader", "password": "x" * 300}
        assert (await client.post("/api/v1/session", json=large)).status_code == 413

        async def drip():  # type: ignore[no-untyped-def]  # a body whose length is not said
            for _ in range(30):
                yield b"x" * 10

        dripped = await client.post(
            "/api/v1/session", content=drip(), headers={"Content-Type": "application/json"}
        )
        assert dripped.status_code == 413


async def test_problem_document_never_repeats_what_was_sent(doors: Doors) -> None:
    async with doors.client() as client:
        given = {"username": "reader", "password": {"secret": "hunter2"}}
        answer = await client.post("/api/v1/session", json=given)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}


async def test_unforeseen_error_says_nothing_of_itself(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(_limit: int) -> None:
        raise ZeroDivisionError("DOE^JANE")

    client = await doors.sign_in("reader")
    monkeypatch.setattr(doors.app.state.dependencies.worklist, "list_rows", explode)
    answer = await client.get("/api/v1/worklist")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "DOE" not in answer.text


async def test_log_names_the_route_and_nobody(
    doors: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    client = await doors.sign_in("reader")
    await client.get(f"/api/v1/studies/{STUDY}")
    said = capsys.readouterr()
    assert "/api/v1/studies/{study}" in said.out + said.err
    assert STUDY not in said.out + said.err
    assert "DOE" not in said.out + said.err


async def test_unbuilt_application_says_what_to_do(tmp_path: Path) -> None:
    from overread.api.web_files import WebFiles  # noqa: PLC0415  # only here

    answer = WebFiles(tmp_path / "nothing").answer("/worklist")
    assert answer.status_code == 503
    assert b"make web" in bytes(answer.body)
