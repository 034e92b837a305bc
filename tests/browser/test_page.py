"""The page in a real browser, over the real routes, with scripted runs: what a person sees and can do."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

WAIT_MS = 30_000


def state_of(turn: Any, state: str) -> None:
    turn.page.locator(f'.turn[data-run="{turn.get_attribute("data-run")}"][data-state="{state}"]').wait_for(
        timeout=WAIT_MS
    )


def drawn(place: Any) -> None:
    """A structure is there: an image that has pixels."""
    image = place.locator(".drawing img").first
    image.wait_for(timeout=WAIT_MS)
    assert image.evaluate("image => image.complete && image.naturalWidth") > 50


def test_the_page_is_light(new_page: Any) -> None:
    """What is loaded before anything is asked: small, and the 3D viewer (5 MB) not among it."""
    watched = new_page()
    page = watched.open()
    loaded = page.evaluate("() => performance.getEntriesByType('resource').map((r) => [r.name, r.transferSize])")
    assert 10 < len(loaded) < 80
    assert sum(size for _, size in loaded) < 200_000
    assert not [name for name, _ in loaded if "molstar" in name]
    watched.picture("welcome-light")


def test_the_page_is_usable_at_once(new_page: Any) -> None:
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip("other programs use all processors: a time would say nothing about the page")
    watched = new_page()
    usable = []
    for _ in range(5):
        page = watched.open()
        usable.append(page.evaluate("() => performance.getEntriesByName('organon-usable')[0].startTime"))
        page.goto("about:blank")
    assert min(usable) < 1000, f"usable after {usable} ms"


def test_it_says_that_the_offline_front_end_is_no_language_model(new_page: Any) -> None:
    page = new_page().open()
    page.get_by_text("not a language model").wait_for()
    page.get_by_role("button", name="Offline front end").click()
    page.locator("#inspector", has_text="not a language model").wait_for()


@pytest.mark.slow
def test_an_example_goes_into_the_field_and_is_not_sent(new_page: Any) -> None:
    page = new_page().open()
    example = page.locator(".example").first
    text = example.inner_text()
    example.click()
    assert page.input_value("#compose-text") == text
    assert page.locator(".turn").count() == 0


def test_ask_and_see_steps_molecules_checks_and_the_answer(new_page: Any) -> None:
    watched = new_page()
    watched.open()
    turn = watched.ask("show molecules please")
    turn.locator(".step").nth(1).wait_for(state="attached")
    state_of(turn, "done")
    assert turn.locator(".step[data-state=done]").count() == 2
    assert turn.locator(".work").get_attribute("open") is None
    turn.locator(".work > summary").click()
    turn.locator(".step summary").nth(1).click()
    inside = turn.locator(".step").nth(1).inner_text()
    for told in (
        "ABL1",
        "docking M1",
        "Not checked",
        "affinity: a docking score is no affinity",
        "exhaustiveness 1 is for a first look",
    ):
        assert told in inside, told
    card = turn.locator(".molecule").first
    drawn(card)
    assert card.locator(".handle").inner_text() == "M1"
    assert "180.2 Da" in card.inner_text()
    assert card.locator("summary .mark").count() == 4
    card.locator(".reasons > summary").click()
    assert "acylates proteins" in card.inner_text()
    assert "outside the training range" in card.inner_text()
    assert turn.locator(".answer strong").first.inner_text() == "Aspirin"
    watched.picture("molecules-light")


@pytest.mark.slow
def test_a_number_tells_where_it_comes_from(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("show molecules")
    state_of(turn, "done")
    turn.locator(".molecule .traced").first.click()
    page.locator("#inspector dl.facts").first.wait_for()
    assert "molecule_properties" in page.locator("#inspector").inner_text()


@pytest.mark.slow
def test_citations_show_their_passage(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("literature on resistance")
    state_of(turn, "done")
    mark = turn.locator(".answer .cite").first
    mark.hover()
    card = page.locator("#passage-card")
    card.wait_for(state="visible")
    assert "page 3" in card.inner_text()
    mark.click()
    assert "The T315I substitution" in page.locator("#inspector blockquote").inner_text()


def test_what_others_wrote_stays_text(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    for words in ("literature", "table", "kinds"):
        state_of(watched.ask(words), "done")
    assert page.get_by_text("<img src=x").count() >= 4
    assert page.locator("main img[src=x]").count() == 0
    assert page.locator("main script").count() == 0
    assert page.title() != "owned"


@pytest.mark.slow
def test_table_sorts_filters_selects_and_saves(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("a table")
    state_of(turn, "done")
    drawn(turn)
    numbers = lambda: [float(t) for t in turn.locator('td[data-label="QED"] .traced').all_inner_texts()]  # noqa: E731
    turn.get_by_role("button", name="QED").click()
    assert numbers() == sorted(numbers(), reverse=True)
    turn.get_by_role("button", name="QED").click()
    assert numbers() == sorted(numbers())
    assert turn.locator("th[aria-sort=ascending]").count() == 1
    turn.get_by_label("Filter Generate molecules").fill("caffeine")
    assert turn.locator("tbody tr").count() == 2
    turn.get_by_label("Filter Generate molecules").fill("")
    turn.get_by_label("Filter by checks").select_option("fail")
    assert turn.locator("tbody tr").count() == 1
    turn.get_by_label("Filter by checks").select_option("")
    for at in (0, 1):
        turn.locator("tbody input[type=checkbox]").nth(at).check()
    assert "2 chosen" in turn.locator(".chosen").inner_text()
    turn.locator(".chosen").get_by_role("button", name="Dock").click()
    assert re.fullmatch(r"Dock M\d+ and M\d+ into ", page.input_value("#compose-text"))
    with page.expect_download() as saved:
        turn.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    assert len(rows) == 12
    assert {"handle", "smiles", "vina (kcal/mol)", "reactive reason"} <= set(rows[0])
    assert all(row["vina call"] for row in rows)
    with page.expect_download() as saved:
        turn.get_by_role("button", name="SDF").click()
    (mol,) = [mol for mol in Chem.SDMolSupplier(str(saved.value.path())) if mol is not None]
    assert mol.GetConformer().Is3D()
    assert float(mol.GetProp("Vina score (kcal/mol)")) < 0


def test_a_failed_step_says_what_to_do(new_page: Any) -> None:
    watched = new_page()
    watched.open()
    turn = watched.ask("fail")
    state_of(turn, "done")
    assert turn.locator(".step[data-state=failed]").count() == 1
    turn.locator(".step summary").click()
    assert "there is M1, M2" in turn.locator(".fault").inner_text()


def test_approve_with_other_arguments_reload_go_on_pause_and_stop(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("a long one")
    card = turn.locator(".approval")
    card.wait_for()
    assert "96 dockings" in card.inner_text()
    assert turn.locator(".step[data-state=waiting]").count() == 1
    watched.picture("approval-light")
    card.get_by_label("Rounds").fill("5")
    card.get_by_role("button", name="Accept").click()
    page.get_by_text("Accepted with changed arguments").wait_for()
    page.get_by_text(re.compile(r"round 1 of 5: docked \d+")).first.wait_for()
    page.reload()
    turn = page.locator(".turn")
    page.get_by_text("This run is still going.").wait_for()
    page.get_by_text(re.compile(r"round 1 of 5: docked \d+")).first.wait_for()
    assert turn.locator(".approval:not(.closed)").count() == 0
    turn.get_by_role("button", name="Pause").click()
    state_of(turn, "paused")
    turn.get_by_role("button", name="Resume").click()
    state_of(turn, "running")
    page.evaluate(
        """() => {
            window.told = new Set();
            const tags = () => [...document.querySelectorAll(".work .tag")];
            const look = () => tags().forEach((tag) => window.told.add(tag.dataset.state));
            new MutationObserver(look).observe(document.querySelector(".work"), { childList: true, subtree: true });
        }"""
    )
    page.get_by_role("button", name="Stop this turn").click()
    state_of(turn, "stopped")
    assert "stopping" in page.evaluate("[...window.told]")
    page.get_by_text("This run is still going.").wait_for(state="hidden")
    assert turn.get_by_role("button", name="Resume").is_visible()
    assert watched.complaints == []


@pytest.mark.slow
def test_refused_means_not_run(new_page: Any) -> None:
    watched = new_page()
    watched.open()
    turn = watched.ask("a long one")
    turn.get_by_role("button", name="Refuse").press("Enter")
    state_of(turn, "done")
    assert turn.locator(".step[data-state=refused]").count() == 1
    assert turn.page.evaluate("document.activeElement.closest('.approval') !== null")
    assert "Nothing was run" in turn.locator(".answer").inner_text()


def test_a_campaign_shows_itself_inside_its_turn(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("a campaign")
    panel = turn.locator(".campaign")
    panel.wait_for()
    panel.locator(".funnel li").first.wait_for()
    state_of(turn, "done")
    panel.locator('.tag[data-state="done"]').wait_for()
    panel.get_by_role("button", name="CSV").wait_for()
    assert "3 of 3" in panel.locator(".budgets").inner_text()
    assert panel.locator(".curve").count() == 2
    with page.expect_download() as saved:
        panel.get_by_role("button", name="CSV").click()
    assert len(list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))) == 3
    with page.expect_download() as saved:
        panel.get_by_role("button", name="SDF").click()
    assert len([mol for mol in Chem.SDMolSupplier(str(saved.value.path())) if mol is not None]) == 3
    page.reload()
    page.locator(".turn .campaign").wait_for()
    assert page.locator(".turn").count() == 1
    watched.picture("campaign-light")


@pytest.mark.slow
def test_files_by_button_and_by_dropping(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    page.set_input_files(
        "#composer input[type=file]", {"name": "mols.smi", "mimeType": "text/plain", "buffer": b"CCO ethanol\n"}
    )
    page.locator(".attachments .handle").wait_for()
    assert page.locator(".attachments .handle").inner_text() == "F1"
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["smiles,ic50\\nCCO,1\\n"], "assay.csv", { type: "text/csv" }));
            const told = { bubbles: true, cancelable: true, dataTransfer: carried };
            for (const kind of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(kind, told));
        }"""
    )
    page.get_by_text("F2", exact=True).wait_for()
    turn = watched.ask("kinds")
    state_of(turn, "done")
    assert "mols.smi" in turn.locator(".said").inner_text()
    assert page.locator(".attachments li").count() == 0


def test_of_several_files_one_that_is_refused_leaves_the_others(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    watched.expected = "Failed to load resource"
    texts = {"empty.smi": b"", "one.smi": b"CCO ethanol\n", "two.smi": b"CCN ethylamine\n"}
    files = [{"name": name, "mimeType": "text/plain", "buffer": text} for name, text in texts.items()]
    page.set_input_files("#composer input[type=file]", files)
    page.get_by_text("F2", exact=True).wait_for()
    assert page.locator(".attachments .name").all_inner_texts() == ["one.smi", "two.smi"]
    assert "'empty.smi' is empty" in page.locator(".toast.error").inner_text()


@pytest.mark.slow
def test_a_refused_file_is_told_with_the_reason(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    watched.expected = "Failed to load resource"
    page.set_input_files(
        "#composer input[type=file]", {"name": "x.pdb", "mimeType": "text/plain", "buffer": b"\x00\x01\x02"}
    )
    page.locator(".toast.error").wait_for()
    assert len(page.locator(".toast.error").inner_text()) > 20


@pytest.mark.slow
def test_conversations_are_found_again(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    state_of(watched.ask("molecule of the xylophone"), "done")
    page.locator("#sidebar").get_by_role("button", name="New conversation").click()
    assert page.locator(".welcome").is_visible()
    page.fill("#session-search", "xylophone")
    page.locator("#sidebar a", has_text="xylophone").first.click()
    page.locator(".turn .molecule").first.wait_for()
    page.go_back()
    page.locator(".welcome").wait_for()
    page.fill("#session-search", "no such thing")
    page.get_by_text("Nothing matches.").wait_for()


def test_with_the_keyboard_alone(new_page: Any) -> None:
    page = new_page().open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "compose-text"
    page.keyboard.type("show")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("molecules")
    page.keyboard.press("Enter")
    turn = page.locator(".turn")
    state_of(turn, "done")
    assert turn.locator(".words").inner_text() == "show\nmolecules"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("dialog.help").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog.help").wait_for(state="hidden")
    turn.locator(".work > summary").focus()
    page.keyboard.press("Enter")
    assert turn.locator(".work").get_attribute("open") is not None
    turn.locator(".molecule .picture").first.focus()
    page.keyboard.press("Enter")
    page.locator("#inspector h2").wait_for()
    assert page.evaluate("document.activeElement.closest('#inspector') !== null")
    page.keyboard.press("Escape")
    page.locator("#inspector").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.classList.contains('picture')")
    page.keyboard.press("d")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "compose-text"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_phone(new_page: Any, scheme: str) -> None:
    watched = new_page(width=400, scheme=scheme)
    page = watched.open()
    fits = "document.documentElement.scrollWidth <= 400 && document.getElementById('main').scrollWidth <= 400"
    assert page.evaluate(fits)
    watched.picture(f"phone-welcome-{scheme}")
    cut = """() => [...document.querySelectorAll("#main .traced")]
        .filter((number) => number.getBoundingClientRect().right > 400).length"""
    for words in ("table", "campaign", "kinds", "literature"):
        state_of(watched.ask(words), "done")
        page.wait_for_timeout(300)
        assert page.evaluate(fits), words
        assert page.evaluate(cut) == 0, f"{words}: a number stands beside the screen"
        watched.picture(f"phone-{words}-{scheme}")
    page.get_by_role("button", name="Conversations").click()
    page.locator("#sidebar").get_by_role("button", name="New conversation").click()
    page.locator(".welcome").wait_for()


@pytest.mark.slow
def test_dark_follows_the_system_and_the_switch_wins(new_page: Any) -> None:
    watched = new_page(scheme="dark")
    page = watched.open()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    state_of(watched.ask("table"), "done")
    watched.picture("table-dark")
    page.locator("#theme").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)" != dark
    page.reload()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_every_part_has_a_name_for_those_who_listen(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    state_of(watched.ask("table"), "done")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, select, textarea")]
            .filter((part) => part.checkVisibility() && !(part.innerText || "").trim() && !part.title)
            .filter((part) => !part.getAttribute("aria-label") && !part.labels?.length)
            .map((part) => part.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    assert page.locator("#announcer[aria-live=polite]").count() == 1


@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back_is_no_end(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("a long one")
    turn.get_by_role("button", name="Accept").click()
    page.get_by_text(re.compile("docked [0-9]+")).first.wait_for()
    watched.expected = "ERR_INTERNET_DISCONNECTED"
    page.context.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(1200)
    before = turn.locator(".told li").count()
    page.context.set_offline(False)
    page.wait_for_function("n => document.querySelectorAll('.told li').length > n + 3", arg=before, timeout=WAIT_MS)
    told = turn.locator(".told li").all_text_contents()
    assert told == [f"round 1 of 2: docked {n}" for n in range(len(told))]
    page.get_by_role("button", name="Stop this turn").click()
    state_of(turn, "stopped")
