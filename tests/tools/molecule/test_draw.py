import re
from xml.etree import ElementTree

import pytest

from tools.errors import InputError
from tools.molecule.draw import CARBON, ELEMENT_COLOURS, draw_svg

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", ["#ffffff", "#101418"])
@pytest.mark.parametrize("colour", [CARBON, *ELEMENT_COLOURS.values()])
def test_every_colour_reads_on_light_and_dark(colour, background):
    assert contrast(colour, background) >= 3.0


def test_the_drawing_is_clean_transparent_xml():
    svg = draw_svg("C/C=C\\C(=O)Nc1ccc(Br)c(S)c1", 240, 160)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert root.get("width") == "240px"
    assert "<rect" not in svg
    assert "script" not in svg
    assert "<?xml" not in svg
    assert "rdkit" not in svg
    used = {colour.lower() for colour in re.findall(r"#[0-9A-Fa-f]{6}", svg)}
    assert used <= {CARBON, *ELEMENT_COLOURS.values()}


def test_the_title_is_the_smiles_escaped():
    assert "<title>C/C=C\\C#N</title>" in draw_svg("C/C=C\\C#N")
    assert "<title>CC-&gt;N</title>" not in draw_svg("CCN")


def test_highlights_are_drawn_and_checked():
    assert draw_svg(ASPIRIN, highlight=[0, 1, 2]) != draw_svg(ASPIRIN)
    with pytest.raises(InputError, match="atom 99"):
        draw_svg(ASPIRIN, highlight=[99])


def test_drawing_is_deterministic_and_refuses_nonsense():
    assert draw_svg(ASPIRIN) == draw_svg(ASPIRIN)
    with pytest.raises(InputError):
        draw_svg("c1ccc")
    with pytest.raises(InputError):
        draw_svg(ASPIRIN, width=2)
