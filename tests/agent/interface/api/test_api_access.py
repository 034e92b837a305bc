"""Who may ask: token, cookie, other sites' pages, other names, rates, sizes and types."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from agent.interface.api.access import Access, host_name
from agent.interface.api.guard import MAX_JSON_BYTES
from agent.interface.api.limits import RateLimit
from agent.interface.listening import is_loopback, needs_token
from tests.agent.interface.api.serving import HERE, Home

TOKEN = "correct horse battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def guarded(make_home: Callable[..., Home]) -> Iterator[TestClient]:
    with TestClient(
        make_home(token=TOKEN).app, base_url="http://organon.example", client=HERE, follow_redirects=False
    ) as opened:
        yield opened


def test_everything_but_the_life_sign_needs_the_token(guarded: TestClient) -> None:
    assert guarded.get("/healthz").json() == {"status": "ok"}
    for path in (
        "/",
        "/api/v1/runs",
        "/metrics",
        "/readyz",
        "/v1/models",
        "/mcp",
        "/api/docs",
        "/static/x/y.js",
        "/no",
    ):
        refused = guarded.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer"), path
        assert refused.headers["content-type"] == "application/problem+json"
    assert guarded.get("/api/v1/runs", headers=BEARER).status_code == 200
    assert guarded.get("/api/v1/runs", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    for wrong in ("Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \udcff".encode(errors="replace")):
        assert guarded.get("/api/v1/runs", headers={"Authorization": wrong}).status_code == 401


def test_a_browser_logs_in_and_out(guarded: TestClient) -> None:
    page = {"Accept": "text/html,*/*"}
    sent_away = guarded.get("/", headers=page)
    assert (sent_away.status_code, sent_away.headers["location"]) == (303, "/login")
    form = guarded.get("/login", headers=page)
    assert 'name="token"' in form.text
    assert "unsafe" not in form.headers["content-security-policy"]
    own = {"Origin": "http://organon.example", "Sec-Fetch-Site": "same-origin"}
    wrong = guarded.post("/login", data={"token": "guess"}, headers=own)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    right = guarded.post("/login", data={"token": TOKEN}, headers=own)
    assert (right.status_code, right.headers["location"]) == (303, "/")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert guarded.get("/api/v1/runs").status_code == 200
    assert guarded.post("/logout", headers=own).status_code == 303
    assert guarded.get("/api/v1/runs").status_code == 401


def test_a_cookie_of_another_token_or_time_is_worth_nothing() -> None:
    mine, other = Access("one"), Access("two")
    good = mine.make_cookie()
    expires, _, signature = good.partition(".")
    assert mine._is_cookie(good)
    for forged in ("", "x", good + "0", f"{int(expires) + 9}.{signature}", f"1.{mine._signature('1')}", "²."):
        assert not mine._is_cookie(forged)
    assert not other._is_cookie(good)


def test_guessing_the_token_is_slowed(guarded: TestClient) -> None:
    codes = [guarded.get("/api/v1/runs", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(30)]
    assert codes[:20] == [401] * 20
    assert set(codes[21:]) == {429}
    assert guarded.get("/api/v1/runs", headers=BEARER).status_code == 200
    own = {"Origin": "http://organon.example"}
    tries = [guarded.post("/login", data={"token": str(n)}, headers=own).status_code for n in range(12)]
    assert tries == [401] * 10 + [429] * 2


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost:3000"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
    ],
)
def test_only_our_own_page_or_a_program_changes_something(
    headers: dict[str, str], allowed: bool, client: TestClient
) -> None:
    answer = client.post("/api/v1/validate", json={"molecules": ["CCO"], "checks": ["sanitise"]}, headers=headers)
    assert answer.status_code == (200 if allowed else 403)
    assert client.get("/api/v1/runs", headers=headers).status_code == 200


def test_without_a_token_other_names_and_addresses_are_refused(make_home: Callable[..., Home]) -> None:
    app = make_home(allowed_hosts="organon.example").app
    for base, code in (
        ("http://localhost:8765", 200),
        ("http://127.0.0.1", 200),
        ("http://[::1]:99", 200),
        ("http://Organon.Example:80", 200),
        ("http://evil.example", 421),
        ("http://127.0.0.1.evil.example", 421),
    ):
        assert TestClient(app, base_url=base, client=HERE).get("/api/v1/runs").status_code == code, base
    abroad = TestClient(app, base_url="http://localhost", client=("203.0.113.7", 50000))
    assert abroad.get("/api/v1/runs").status_code == 403


def test_nothing_is_allowed_to_other_origins(client: TestClient) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/v1/runs", headers=asked)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]
    page = client.get("/api/v1/runs", headers={"Origin": "http://evil.example"})
    assert not [name for name in page.headers if name.startswith("access-control")]
    assert page.headers["cross-origin-resource-policy"] == "same-origin"


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/healthz", "/api/v1/runs", "/nothing", "/login", "/api/docs"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy or "default-src 'none'" in policy
        scripts = [part for part in policy.split(";") if part.strip().startswith("script-src")]
        assert all("unsafe-inline" not in part and "http" not in part for part in scripts)


def test_a_client_may_ask_so_often(make_home: Callable[..., Home]) -> None:
    client = TestClient(make_home(rate_limit=5).app, base_url="http://localhost", client=HERE)
    answers = [client.get("/api/v1/runs") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["title"] == "Too Many Requests"
    assert client.get("/healthz").status_code == 200


def test_the_bucket_fills_again_and_forgets_old_clients() -> None:
    now = [0.0]
    limit = RateLimit(60, clock=lambda: now[0])
    assert [limit.take("a") for _ in range(60)] == [0.0] * 60
    assert limit.take("a") == pytest.approx(1.0)
    assert limit.take("b") == 0.0
    now[0] = 2.5
    assert [limit.take("a") == 0.0 for _ in range(3)] == [True, True, False]
    for client in range(20_000):
        limit.take(str(client))
    assert len(limit._buckets) <= 10_000
    assert RateLimit(0).take("anybody") == 0.0


def test_bodies_have_a_size_and_a_type(client: TestClient) -> None:
    large = client.post(
        "/api/v1/runs", content=b"x" * (MAX_JSON_BYTES + 1), headers={"Content-Type": "application/json"}
    )
    assert large.status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b"[" * (MAX_JSON_BYTES // 32)

    streamed = client.post("/api/v1/runs", content=pieces(), headers={"Content-Type": "application/json"})
    assert (streamed.status_code, streamed.headers["content-type"]) == (413, "application/problem+json")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        refused = client.post("/api/v1/runs", content=b'{"kind": "chat"}', headers={"Content-Type": kind})
        assert refused.status_code == 415, kind
    assert client.post("/api/v1/files", json={}).status_code == 415
    for body in (b"", b"{", b"[" * 5000, b'{"kind": NaN}', b"\xff\xfe", b"null"):
        wrong = client.post("/api/v1/runs", content=body, headers={"Content-Type": "application/json"})
        assert wrong.status_code in (400, 422), body[:20]
        assert wrong.json()["detail"]


def test_an_address_others_can_reach_needs_a_token() -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        assert is_loopback(host)
        assert not needs_token(host, None)
    for host in ("0.0.0.0", "::", "192.168.1.5", "organon.example", ""):
        assert needs_token(host, None), host
        assert not needs_token(host, "t")
    assert [host_name(h) for h in ("A.b:80", "[::1]:80", "[::1]", "x", "")] == ["a.b", "::1", "::1", "x", ""]
