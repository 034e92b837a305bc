"""The 3D view of a pose and of a pocket: drawn where there is WebGL, a clear word where there is none."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

WAIT_MS = 120_000


def open_pose(watched: Any) -> Any:
    """The details of the docked molecule of a scripted turn."""
    page = watched.open()
    turn = watched.ask("show molecules")
    turn.locator(".molecule").nth(2).get_by_role("button", name="3D pose and details").click()
    return page


def pixels(page: Any) -> Image.Image:
    page.wait_for_timeout(1500)
    return Image.open(io.BytesIO(page.locator(".pose").screenshot(timeout=WAIT_MS))).convert("RGB")


def of_the_ligand(picture: Image.Image) -> int:
    """Pixels in the colour of the ligand's carbons (teal)."""
    return sum(1 for r, g, b in picture.getdata() if g > r + 40 and b > r + 25 and g > 70)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_the_pose_is_drawn_in_its_pocket(new_page: Any, scheme: str, width: int) -> None:
    watched = new_page(width=width, scheme=scheme)
    page = open_pose(watched)
    page.locator('.pose[data-state="ready"]').wait_for(timeout=WAIT_MS)
    page.locator(".pose").scroll_into_view_if_needed()
    picture = pixels(page)
    assert len(set(picture.getdata())) > 500
    assert of_the_ligand(picture) > 500
    watched.picture(f"pose-{scheme}-{width}")
    ground = picture.getpixel((4, 4))
    page.locator("#inspector").get_by_role("button", name="Close details").click()
    page.locator("#theme").click()
    open_again = page.locator(".turn .molecule").nth(2).get_by_role("button", name="3D pose and details")
    open_again.click()
    page.locator('.pose[data-state="ready"]').wait_for(timeout=WAIT_MS)
    assert pixels(page).getpixel((4, 4)) != ground


def test_a_pocket_is_shown_in_its_structure(new_page: Any) -> None:
    watched = new_page()
    page = watched.open()
    turn = watched.ask("kinds")
    turn.locator('.item[data-kind="pocket"]').get_by_role("button", name="3D and details").click()
    page.locator('.pose[data-state="ready"]').wait_for(timeout=WAIT_MS)
    page.locator("#inspector", has_text="3 residues of the site teal").wait_for()
    assert of_the_ligand(pixels(page)) > 300
    watched.picture("pocket-light")


def test_without_webgl_there_is_a_clear_word(new_page: Any) -> None:
    watched = new_page()
    watched.page.add_init_script(
        """const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
            return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
        };"""
    )
    page = open_pose(watched)
    page.locator('.pose[data-state="failed"]').wait_for()
    assert "no WebGL" in page.locator(".pose").inner_text()
