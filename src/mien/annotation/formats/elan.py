"""ELAN's files: a tier per Action Unit, one of expressions, and what was looked through.

    ANNOTATOR/talk.eaf

An annotation runs from its first frame's time to the time at which its last frame goes, in whole
milliseconds as ELAN counts. Its text is the label, the intensity behind it (`AU12C`), then, parted
by `|`, the apex's frame and a note. Traces are no annotations: they go along as CSV or Aff-Wild's.
"""

import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from mien.annotation.formats.base import Entry, Sheet, marks_entry, read_text, safe_name, untangled
from mien.annotation.marks import LETTERS, Mark
from mien.annotation.state import State
from mien.atomic import replacing
from mien.errors import InputError

_SEEN = " (looked through)"
_ROOT = {
    "AUTHOR": "", "DATE": "2000-01-01T00:00:00+00:00", "FORMAT": "3.0", "VERSION": "3.0",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
}  # fmt: skip


class Elan:
    """The format `elan`."""

    carries: tuple[str, ...] = ("au", "expression")

    def files(self, folder: Path, sheet: Sheet) -> list[Path]:
        """One file."""
        return [folder / sheet.annotator / f"{safe_name(sheet.item.name)}.eaf"]

    def write(self, folder: Path, sheet: Sheet) -> None:
        """Write the tiers of both tasks, where anything was said."""
        spans = _spans(sheet)
        if not spans:
            return
        root = Xml.Element("ANNOTATION_DOCUMENT", {**_ROOT, "AUTHOR": sheet.annotator})
        header = Xml.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
        name = Path(sheet.item.path).name
        media = {
            "MEDIA_URL": f"./{name}",
            "MIME_TYPE": "video/*",
            "RELATIVE_MEDIA_URL": f"./{name}",
        }
        Xml.SubElement(header, "MEDIA_DESCRIPTOR", media)
        order = Xml.SubElement(root, "TIME_ORDER")
        times = sorted({t for tier in spans.values() for *ends, _ in tier for t in ends})
        slot = {time: f"ts{i + 1}" for i, time in enumerate(times)}
        for time, key in slot.items():
            Xml.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=key, TIME_VALUE=str(time))
        number = 0
        for tier, found in spans.items():
            about = {"LINGUISTIC_TYPE_REF": "default-lt", "PARTICIPANT": sheet.annotator}
            node = Xml.SubElement(root, "TIER", {**about, "TIER_ID": tier})
            for begin, end, text in found:
                number += 1
                ends = {"TIME_SLOT_REF1": slot[begin], "TIME_SLOT_REF2": slot[end]}
                inner = Xml.SubElement(
                    Xml.SubElement(node, "ANNOTATION"),
                    "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **ends},
                )  # fmt: skip
                Xml.SubElement(inner, "ANNOTATION_VALUE").text = text
        Xml.SubElement(root, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false",
                       LINGUISTIC_TYPE_ID="default-lt", TIME_ALIGNABLE="true")  # fmt: skip
        Xml.indent(root)
        (path,) = self.files(folder, sheet)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            Xml.ElementTree(root).write(temporary, encoding="UTF-8", xml_declaration=True)

    def read(self, folder: Path, sheet: Sheet, notes: list[str]) -> list[Entry]:
        """Read the tiers whose names the project knows."""
        (path,) = self.files(folder, sheet)
        if not path.is_file():
            return []
        entries: list[Entry] = []
        for task in self.carries:
            labels = sheet.labels.get(task, ())
            marks = []
            for tier, found in _tiers(path).items():
                if tier.removesuffix(_SEEN) in labels and tier.endswith(_SEEN):
                    for begin, end, _ in found:
                        first, last = _frames(sheet, begin, end)
                        body = {"labels": [tier.removesuffix(_SEEN)], "first": first, "last": last}
                        entries.append(Entry(task, "seen", body))
                elif tier in labels or (task == tier == "expression"):
                    marks += [_mark(path, sheet, labels, tier, *span) for span in found]
            marks = untangled(marks, task == "expression", str(path), notes)
            entries[:0] = marks_entry(task, marks)
        return entries


Span = tuple[int, int, str]


def _spans(sheet: Sheet) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for task in Elan.carries:
        state = sheet.states.get(task, State())
        for mark in sorted(state.marks.values(), key=lambda m: (m.first, m.label)):
            tier = "expression" if task == "expression" else mark.label
            parts = [mark.label + (mark.intensity or "")]
            parts += [] if mark.apex is None else [f"apex {mark.apex}"]
            parts += [mark.note] if mark.note else []
            ends = _times(sheet, mark.first, mark.last)
            found.setdefault(tier, []).append((*ends, " | ".join(parts)))
        for label, spans in sorted(state.seen.items()):
            for first, last in spans:
                ends = _times(sheet, first, last)
                found.setdefault(label + _SEEN, []).append((*ends, ""))
    return dict(sorted(found.items()))


def _times(sheet: Sheet, first: int, last: int) -> tuple[int, int]:
    begin = round(float(sheet.frames.time_s[first]) * 1000)
    return begin, max(round(float(sheet.frames.until_s[last]) * 1000), begin + 1)


def _frames(sheet: Sheet, begin: int, end: int) -> tuple[int, int]:
    """The frames that begin and end nearest to these times."""
    first = int(sheet.frames.nearest(np.array([begin / 1000]))[0])
    until = sheet.frames.until_s
    last = int(np.abs(until - end / 1000).argmin()) if len(until) else 0
    return first, max(first, last)


def _mark(
    path: Path, sheet: Sheet, labels: tuple[str, ...], tier: str, begin: int, end: int, text: str
) -> Mark:
    head, *rest = [part.strip() for part in text.split("|")]
    label, letter = (head, None) if tier == "expression" else (tier, None)
    if tier != "expression" and re.fullmatch(rf"({re.escape(tier)})?[{LETTERS}]", head):
        letter = head[-1]
    if label not in labels:
        raise InputError(f"{path}: expression {label!r} is none of {', '.join(labels)}")
    apex = None
    if rest and (match := re.fullmatch(r"apex (\d{1,9})", rest[0])):
        apex, rest = int(match[1]), rest[1:]
    first, last = _frames(sheet, begin, end)
    values = {
        "id": f"elan-{tier}-{first}", "label": label, "first": first, "last": last, "apex": apex,
        "intensity": letter, "note": " | ".join(rest), "source": "import:elan",
    }  # fmt: skip
    try:
        return Mark.from_dict(values, len(sheet.frames))
    except InputError as error:
        raise InputError(f"{path}, {tier} at {begin} ms: {error}") from error


def _tiers(path: Path) -> dict[str, list[Span]]:
    """Annotations by tier; those without times of their own are left out."""
    text = read_text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(f"{path}: declares entities, which no file of ELAN does; it is not read")
    try:
        root = Xml.fromstring(text.encode())
        slots = {
            node.attrib["TIME_SLOT_ID"]: int(node.attrib["TIME_VALUE"])
            for node in root.iter("TIME_SLOT")
            if "TIME_VALUE" in node.attrib
        }
        found: dict[str, list[Span]] = {}
        for tier in root.iter("TIER"):
            spans = found.setdefault(tier.attrib["TIER_ID"], [])
            for node in tier.iter("ALIGNABLE_ANNOTATION"):
                ends = [slots.get(node.attrib[f"TIME_SLOT_REF{i}"]) for i in (1, 2)]
                value = node.findtext("ANNOTATION_VALUE") or ""
                if ends[0] is not None and ends[1] is not None:
                    spans.append((ends[0], ends[1], value))
    except (Xml.ParseError, LookupError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as ELAN's: {error}") from error
    return found
