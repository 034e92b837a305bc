"""The page in a real browser, from disk: draws the pose, sorts, filters, copies, asks the network for nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from agent.report import write_report

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
WAIT_MS = 120_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(abl1_run: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    first = abl1_run.result.candidates[5].model_copy(update={"origin": HOSTILE})
    result = abl1_run.result.model_copy(update={"candidates": [*abl1_run.result.candidates[:5], first]})
    out = tmp_path_factory.mktemp("browser") / "report.html"
    return write_report(result, abl1_run.artifacts, abl1_run.campaign, abl1_run.calls, out).as_uri()


def open_page(browser: Any, address: str, width: int = 1280, scheme: str = "light") -> tuple[Any, list[str]]:
    """The page and a list that collects every script error and every request that leaves the file."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"error {error}"))
    page.on("console", lambda m: complaints.append(f"console {m.text}") if m.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else complaints.append(r.url))
    page.goto(address)
    return page, complaints


def wait_for_pose(page: Any, key: str) -> None:
    page.locator("#viewer").scroll_into_view_if_needed()
    page.locator(f'#viewer[data-state="ready"][data-pose="{key}"]').wait_for(timeout=WAIT_MS)


def viewer_pixels(page: Any) -> Image.Image:
    page.wait_for_timeout(1500)
    return Image.open(io.BytesIO(page.locator("#viewer").screenshot(timeout=WAIT_MS))).convert("RGB")


def ligand_pixels(picture: Image.Image) -> int:
    """Pixels of the ligand's carbon colour (teal: green and blue well above red)."""
    return sum(1 for r, g, b in picture.getdata() if g > r + 40 and b > r + 25 and g > 70)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pose_is_drawn_in_its_pocket(browser: Any, address: str, scheme: str) -> None:
    page, complaints = open_page(browser, address, scheme=scheme)
    wait_for_pose(page, "reference")
    picture = viewer_pixels(page)
    assert len(set(picture.getdata())) > 500
    assert ligand_pixels(picture) > 500
    page.select_option("#pose", "candidate-2")
    wait_for_pose(page, "candidate-2")
    other = viewer_pixels(page)
    assert ligand_pixels(other) > 500
    assert other.tobytes() != picture.tobytes()
    page.check("#overlay")
    page.wait_for_timeout(3000)
    orange = sum(1 for r, g, b in viewer_pixels(page).getdata() if r > g + 30 and g > b + 25)
    assert orange > sum(1 for r, g, b in other.getdata() if r > g + 30 and g > b + 25) + 200
    assert complaints == []
    assert page.title() != "owned"
    page.close()


def test_table_sorts_filters_and_keeps_the_reference_first(browser: Any, address: str) -> None:
    page, complaints = open_page(browser, address)
    order = "[...document.querySelectorAll('#ranking > tbody:not([hidden])')].map(body => body.id)"
    rows = page.evaluate(f"() => {order}")
    assert rows == ["row-reference", *(f"row-candidate-{n}" for n in range(1, 7))]
    page.click('#ranking th button[data-sort="s1"]')
    qed = page.evaluate("() => [...document.querySelectorAll('#ranking > tbody.candidate')].map(b => +b.dataset.s1)")
    assert qed == sorted(qed, reverse=True)
    page.click('#ranking th button[data-sort="s1"]')
    qed = page.evaluate("() => [...document.querySelectorAll('#ranking > tbody.candidate')].map(b => +b.dataset.s1)")
    assert qed == sorted(qed)
    assert page.evaluate(f"() => {order}")[0] == "row-reference"
    page.select_option("#verdicts", "fail")
    assert page.evaluate(f"() => {order}") == ["row-reference", "row-candidate-3"]
    assert page.inner_text("#shown") == "1 of 6 candidates shown"
    page.select_option("#verdicts", "")
    page.fill("#find", "no parameters")
    assert page.evaluate(f"() => {order}") == ["row-reference", "row-candidate-2"]
    assert complaints == []
    page.close()


def test_smiles_is_copied_whole(browser: Any, address: str, abl1_run: Any) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(address)
    page.click("#row-candidate-1 button.copy")
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == abl1_run.result.candidates[0].smiles
    context.close()


def test_theme_toggle_overrides_the_system(browser: Any, address: str) -> None:
    page, _ = open_page(browser, address, scheme="dark")
    background = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) == "rgb(255, 255, 255)" != dark
    page.close()


@pytest.mark.parametrize("width", [360, 400, 768, 900, 1101, 1280])
def test_no_sideways_scrolling(browser: Any, address: str, width: int) -> None:
    page, _ = open_page(browser, address, width=width)
    page.click("#row-candidate-2 summary")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    wide = """() => [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg, #viewer')
        && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)"""
    assert page.evaluate(wide) == []
    page.close()


def test_on_paper_every_row_is_open_and_the_pose_is_a_picture(browser: Any, address: str) -> None:
    page, _ = open_page(browser, address)
    wait_for_pose(page, "reference")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("() => [...document.querySelectorAll('details')].every(d => d.open)")
    source = page.get_attribute("#viewer-print", "src")
    assert source.startswith("data:image/png;base64,")
    page.locator("#viewer-print").evaluate("picture => picture.decode()")
    inked = page.evaluate("""() => {
        const picture = document.getElementById('viewer-print');
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
        const context = canvas.getContext('2d');
        context.drawImage(picture, 0, 0);
        const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
        const colours = new Set();
        for (let i = 0; i < data.length; i += 4) colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
        return colours.size;
    }""")
    assert inked > 500
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert not page.evaluate("() => [...document.querySelectorAll('#ranking details')].some(d => d.open)")
    page.close()
