"""Scripts of others: as published, pinned, with their licences; and the style's contrast."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import mien.web
from mien.web.page import IMPORTS

STATIC = Path(mien.web.__file__).parent / "static"
VENDOR = STATIC / "vendor"


def test_every_vendored_file_is_the_published_one_and_listed():
    packages = json.loads((VENDOR / "versions.json").read_text())
    files = [item for package in packages for item in package["files"].items()]
    listed = {name: entry["sha256"] for name, entry in files}
    there = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "versions.json"
    }
    assert there == listed
    for package in packages:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        text = (VENDOR / package["name"] / "LICENSE").read_text()
        assert {"MIT": "MIT License", "Apache-2.0": "Apache License"}[package["licence"]] in text


def test_what_pages_import_is_there():
    for address in IMPORTS.values():
        assert (STATIC / address.removeprefix("/static/")).is_file(), address


def test_no_script_or_style_names_another_host():
    for path in [*STATIC.glob("*.js"), *STATIC.glob("*.css")]:
        assert not re.findall(r"https?://(?!www\.w3\.org)", path.read_text()), path


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_controls_have_the_contrast_of_wcag_aa(theme):
    css = (STATIC / "base.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    colours = {name: (light, dark)[theme] for name, light, dark in pairs}
    assert len(colours) == 14
    for ground in (colours["ground"], colours["raised"]):
        for text in ("text", "quiet", "accent", "good", "bad"):
            assert contrast(colours[text], ground) >= 4.5, text
        for line in ("line", "trace-1", "trace-2", "trace-3", "trace-4"):
            assert contrast(colours[line], ground) >= 3, line
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["on-accent"], colours["bad"]) >= 4.5
    assert contrast("#f2f3f4", "#26292d") >= 4.5
    assert contrast("#f2f3f4", "#34383d") >= 4.5
