"""Whatever is sent, the doors refuse it in words and never break."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from doors import RESULT, SERIES, SOPS, STUDY, TRACKING, Doors, open_doors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LIGHT = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

UIDS = st.one_of(
    st.sampled_from([STUDY, SERIES, SOPS[0], RESULT, TRACKING, "1.2.3", "0", "1..2", "a"]),
    st.text(max_size=80),
)
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(["", "0", "-1", "1e9", "null", "٣"]))
SEGMENTS = st.one_of(UIDS, st.sampled_from(["1", "0", "2", "-1", "99999999999999999999"]))
JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
IMAGES = st.fixed_dictionaries({"sop_instance_uid": UIDS, "frame": st.integers(-1, 3) | JSONS})
POINTS = st.lists(st.floats() | st.integers(-5, 10**6), min_size=0, max_size=3)
REGIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("contour"),
            "image": IMAGES,
            "points": st.lists(POINTS, max_size=6),
            "is_hole": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("box"), "image": IMAGES, "top_left": POINTS, "bottom_right": POINTS}
    ),
    JSONS,
)
VERDICTS = st.fixed_dictionaries(
    {
        "verdict_id": st.uuids().map(str) | TEXTS,
        "tracking_uid": st.just(TRACKING) | UIDS,
        "kind": st.sampled_from(["accept", "reject", "adjust", "withdraw"]) | TEXTS,
    },
    optional={"reason": TEXTS | JSONS, "regions": st.lists(REGIONS, max_size=3) | JSONS},
)
PATHS = st.sampled_from(
    [
        "/api/v1/studies/{}",
        "/api/v1/studies/{}/thumbnail",
        "/api/v1/studies/{}/series/{}/images",
        "/api/v1/studies/{}/series/{}/thumbnail",
        "/api/v1/studies/{}/series/{}/volume",
        "/api/v1/studies/{}/series/{}/instances/{}/frames/{}",
        "/api/v1/studies/{}/series/{}/instances/{}/frames/{}/rendered",
        "/api/v1/results/{}",
        "/api/v1/results/{}/findings/{}/volume",
        "/api/v1/results",
        "/api/v1/inference/{}",
        "/api/v1/audit",
        "/api/v1/{}/{}",
    ]
)
QUERIES = st.dictionaries(
    st.sampled_from(["width", "after", "limit", "last_event_id", "study_instance_uid", "v"]),
    TEXTS,
    max_size=3,
)


class Runner:
    """One site for all examples, on one loop."""

    def __init__(self, folder: Any) -> None:
        self.loop = asyncio.Runner()
        self.context = open_doors(folder)
        self.doors: Doors = self.loop.run(self.context.__aenter__())
        self.clients = {
            name: self.loop.run(self.doors.sign_in(name)) for name in ("reader", "admin")
        }

    def send(self, name: str, method: str, path: str, **more: Any) -> int:
        if "content" in more:
            more.setdefault("headers", {"Content-Type": "application/json"})
        answer = self.loop.run(self.clients[name].request(method, path, **more))
        assert answer.status_code < 500, f"{method} {path!r} {more}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code

    def close(self) -> None:
        self.loop.run(self.context.__aexit__(None, None, None))
        self.loop.close()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


def quote(text: str) -> str:
    return urllib.parse.quote(text.encode("utf-8", "surrogatepass"), safe="") or "_"


@LIGHT
@given(
    path=PATHS,
    segments=st.tuples(*[SEGMENTS] * 4),
    query=QUERIES,
    name=st.sampled_from(["reader", "admin"]),
)
def test_reading_never_breaks(
    runner: Runner, path: str, segments: tuple[str, ...], query: dict[str, str], name: str
) -> None:
    filled = path.format(*(quote(segment) for segment in segments[: path.count("{}")]))
    runner.send(name, "GET", filled, params=query)


@LIGHT
@given(VERDICTS | JSONS)
def test_verdicts_never_break(runner: Runner, body: Any) -> None:
    runner.send("reader", "POST", f"/api/v1/results/{RESULT}/verdicts", content=to_text(body))


@LIGHT
@given(
    st.fixed_dictionaries({"study_instance_uid": UIDS}, optional={"model": TEXTS | JSONS}) | JSONS
)
def test_inference_never_breaks(runner: Runner, body: Any) -> None:
    runner.send("reader", "POST", "/api/v1/inference", content=to_text(body))


@LIGHT
@given(body=st.binary(max_size=60), kind=st.sampled_from(["application/json", "text/plain", "x"]))
def test_any_bytes_never_break(runner: Runner, body: bytes, kind: str) -> None:
    for path in ("/api/v1/inference", f"/api/v1/results/{RESULT}/verdicts"):
        runner.send("reader", "POST", path, content=body, headers={"Content-Type": kind})


@LIGHT
@given(st.dictionaries(st.sampled_from(["username", "password", "x"]), JSONS | TEXTS, max_size=3))
def test_signing_in_never_breaks(runner: Runner, body: Any) -> None:
    runner.send("reader", "POST", "/api/v1/session", content=to_text(body))


def to_text(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000", r"\uffff"])
def test_odd_characters_never_break(runner: Runner, text: str) -> None:
    verdict = '{"verdict_id":"00000000-0000-0000-0000-%012d","tracking_uid":"%s","kind":"reject",'
    body = verdict % (len(text) * 7 + ord(text[-1]), TRACKING) + f'"reason":"{text}"}}'
    runner.send("reader", "POST", f"/api/v1/results/{RESULT}/verdicts", content=body.encode())
    body = f'{{"username":"{text}","password":"{text}"}}'
    runner.send("reader", "POST", "/api/v1/session", content=body.encode())
    body = f'{{"study_instance_uid":"{STUDY}","model":"{text}"}}'
    runner.send("reader", "POST", "/api/v1/inference", content=body.encode())
