"""Real campaigns compared on the page: chosen at a result, shown under an address that can be kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.campaign import parse_campaign
from agent.config import Settings
from agent.interface.api.application import build_api
from agent.service import RunService
from agent.session import Session
from tests.agent.test_two_campaigns import SMALL
from tests.browser.conftest import serve

WAIT_MS = 60_000
LARGER: dict[str, Any] = {
    **SMALL,
    "constraints": {"reactive": "none", "heavy_atoms": "10..20"},
    "budget": {"docking_calls": 16},
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Home:
    """A server over three finished campaigns on one target: two docked in the same way, one otherwise."""

    address: str
    first: str
    second: str
    other: str

    def compared(self, a: str, b: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.address}/api/v1/compare", params={"a": a, "b": b}, timeout=120)
        return dict(answer.raise_for_status().json())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    session = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=2))
    runs = []
    for change in (
        {},
        {"name": "second", "per_round": 96},
        {
            "name": "other docking",
            "docking": {**SMALL["docking"], "exhaustiveness": 2, "final_exhaustiveness": 2},
            "budget": {"docking_calls": 2},
        },
    ):
        runs.append(session.start_campaign(parse_campaign({**LARGER, **change}, Path("/"))))
        assert session.execute(runs[-1]).state == "done"
    address, stop = serve(build_api(session, RunService(session), session.settings))
    yield Home(address, *runs)
    stop()


def compare(watched: Any, a: str, b: str) -> Any:
    page = watched.open(f"#/compare/{a}/{b}")
    page.locator(".comparison .measures").wait_for(timeout=WAIT_MS)
    return page


def number(value: float) -> str:
    """A difference as the page writes it."""
    return f"{value:+.{3 if abs(value) < 1 else 2}f}" if value else "0"


def test_the_other_campaign_is_chosen_at_a_result_by_keyboard(new_page: Any, home: Home) -> None:
    watched = new_page(address=home.address)
    page = watched.open(f"#/run/{home.first}")
    button = page.get_by_role("button", name="Compare with …")
    button.press("Enter")
    dialog = page.locator("dialog[open]")
    dialog.locator("a").first.wait_for()
    assert dialog.locator(".title").all_inner_texts() == ["other docking", "second"]
    page.keyboard.press("n")
    assert dialog.is_visible(), "the keys of the page rest while a dialog is open"
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert button.evaluate("button => document.activeElement === button")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.closest('dialog a')")
    page.keyboard.press("Tab")
    watched.picture("compare-choice")
    page.keyboard.press("Enter")
    page.locator(".comparison .measures").wait_for(timeout=WAIT_MS)
    assert page.evaluate("location.hash") == f"#/compare/{home.first}/{home.second}"
    assert page.title() == "first and second · Organon"
    page.go_back()
    button.wait_for()


def test_what_the_comparison_says_is_shown(new_page: Any, home: Home) -> None:
    watched = new_page(address=home.address)
    page = compare(watched, home.first, home.second)
    found = home.compared(home.first, home.second)
    differs = page.locator("section", has_text="What differs").locator("tbody tr")
    assert [line.split() for line in differs.all_inner_texts()] == [["per_round", "64", "96"]]
    assert page.locator(".cautions").get_by_text(found["notes"][-1]).is_visible()
    assert page.locator(".funnel").count() == 2
    for stage, shown in zip(found["funnel_a"], page.locator(".funnel").first.locator(".counts").all(), strict=False):
        assert shown.inner_text().split() == [str(stage["passed"]), "of", str(stage["in"])]
    rows = page.locator(".measures tbody tr:not(.group)")
    assert rows.count() == len(found["scores"])
    (vina,) = [one for one in found["scores"] if (one["score"], one["of"]) == ("vina", "docked")]
    row = rows.filter(has_text="Vina score").last
    text = row.inner_text()
    assert f"{vina['a']['best']:.2f}" in text
    assert vina["low"] is not None, "enough was docked for an interval"
    assert f"interval {number(vina['low'])} to {number(vina['high'])}" in text
    assert ("better" if vina["decided"] else "no difference shown") in text
    assert row.locator(".spread rect").count() == 2
    row.locator(".traced").first.click()
    page.locator("#inspector dl.facts").get_by_text("kcal/mol").first.wait_for(timeout=WAIT_MS)


def test_shared_and_own_candidates_are_drawn_and_open(new_page: Any, home: Home) -> None:
    watched = new_page(address=home.address)
    page = compare(watched, home.first, home.second)
    found = home.compared(home.first, home.second)
    assert found["overlap"]["identical_docked"], "two runs of one seed share molecules"
    headings = page.locator(".comparison h4").all_inner_texts()
    assert headings[-3:] == ["Docked in both, as scored in the rounds", "Ranked in A alone", "Ranked in B alone"]
    galleries = page.locator(".gallery")
    assert galleries.first.locator("li").count() == min(12, len(found["overlap"]["identical_docked"]))
    for picture in galleries.locator("li:first-child .drawing").all():
        picture.scroll_into_view_if_needed()
        picture.locator("img").wait_for(timeout=WAIT_MS)
    galleries.last.locator(".picture").first.press("Enter")
    assert "#" in page.locator("#inspector h2").inner_text()


def test_what_may_not_be_compared_stands_first_with_its_reason(new_page: Any, home: Home) -> None:
    watched = new_page(address=home.address)
    page = compare(watched, home.first, home.other)
    cautions = page.locator(".cautions")
    assert "Vina score" in cautions.inner_text()
    assert "docked with different exhaustiveness (1 and 2)." in cautions.inner_text()
    above = "() => document.querySelector('.cautions').compareDocumentPosition(document.querySelector('.measures'))"
    assert page.evaluate(above) == 4, "before the numbers"
    row = page.locator(".measures tr", has_text="Vina score").first
    assert "not compared" in row.inner_text()
    assert row.locator(".spread").count() == 0, "no common scale for what is not comparable"
    watched.picture("compare-obstacle")


def test_the_address_can_be_kept_and_a_wrong_one_says_why(new_page: Any, home: Home) -> None:
    watched = new_page(address=home.address)
    page = compare(watched, home.first, home.second)
    page.reload()
    page.locator(".comparison .measures").wait_for(timeout=WAIT_MS)
    watched.expected = "Failed to load resource"
    page.evaluate(f"location.hash = '#/compare/{home.first}/{home.first}'")
    page.get_by_text("name two different runs").wait_for()
    page.evaluate(f"location.hash = '#/compare/{home.first}/000000000000'")
    page.get_by_text("These two cannot be compared").wait_for()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 400), ("dark", 400)])
def test_it_fits_in_any_light(new_page: Any, home: Home, scheme: str, width: int) -> None:
    watched = new_page(address=home.address, scheme=scheme, width=width)
    page = compare(watched, home.first, home.second)
    main = page.locator("#main")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    cut = f"""() => [...document.querySelectorAll(".comparison td, .comparison li, .comparison p")]
        .filter((part) => part.checkVisibility() && part.getBoundingClientRect().right > {width}).length"""
    assert page.evaluate(cut) == 0
    for part in ("top", "measures", "gallery"):
        if part != "top":
            page.locator(f".{part}").first.evaluate("part => part.scrollIntoView({ block: 'start' })")
        page.wait_for_timeout(700)
        watched.picture(f"compare-{part}-{scheme}-{width}")
