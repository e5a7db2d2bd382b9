"""Tiers of ELAN (.eaf, EAF 3.0): expressions and units, beside what others annotate by hand."""

import xml.etree.ElementTree as xml
from pathlib import Path

from mien.analysis.affect_table import AffectTable
from mien.analysis.formats.tiers import Tier, tiers
from mien.atomic import replacing

_TYPE = "default-lt"
_MIME = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm"}


def write_elan(path: Path, table: AffectTable) -> None:
    """Write the tiers of one input; ELAN opens its video where it lies."""
    found = tiers(table)
    video = Path(table.inputs[0])
    root = xml.Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "mien", "DATE": "1970-01-01T00:00:00+00:00", "FORMAT": "3.0", "VERSION": "3.0"},
    )
    header = xml.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    media = {"MIME_TYPE": _MIME.get(video.suffix.lower(), "video/*"), "MEDIA_URL": _url(video)}
    xml.SubElement(header, "MEDIA_DESCRIPTOR", media | {"RELATIVE_MEDIA_URL": f"./{video.name}"})
    times = _time_order(root, found)
    number = 0
    for tier in found:
        element = xml.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": _TYPE, "TIER_ID": tier.name})
        for i, segment in enumerate(tier.segments):
            number += 1
            slots = times[tier.name, i]
            about = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0]}
            place = xml.SubElement(element, "ANNOTATION")
            aligned = xml.SubElement(
                place, "ALIGNABLE_ANNOTATION", about | {"TIME_SLOT_REF2": slots[1]}
            )
            xml.SubElement(aligned, "ANNOTATION_VALUE").text = segment.label
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true"}
    xml.SubElement(root, "LINGUISTIC_TYPE", kind)
    xml.indent(root)
    with replacing(path) as temporary:
        xml.ElementTree(root).write(temporary, encoding="UTF-8", xml_declaration=True)


def _url(video: Path) -> str:
    return video.resolve().as_uri()


def _time_order(root: xml.Element, found: list[Tier]) -> dict[tuple[str, int], tuple[str, str]]:
    """Write the slots, each annotation its own two, in order of time."""
    ends = [
        (round(1000 * time_s), tier.name, i, which)
        for tier in found
        for i, segment in enumerate(tier.segments)
        for which, time_s in enumerate((segment.start_s, segment.end_s))
    ]
    order = xml.SubElement(root, "TIME_ORDER")
    slots: dict[tuple[str, int, int], str] = {}
    for number, (time_ms, name, i, which) in enumerate(sorted(ends), start=1):
        slots[name, i, which] = f"ts{number}"
        about = {"TIME_SLOT_ID": f"ts{number}", "TIME_VALUE": str(time_ms)}
        xml.SubElement(order, "TIME_SLOT", about)
    return {(name, i): (slots[name, i, 0], slots[name, i, 1]) for name, i, _ in slots}
