"""A store's data card: sections filled from it between marks, people's own sentences around them.

The questions are those of Gebru et al. 2018, "Datasheets for datasets". A block that mien wrote
stands between `<!-- mien:NAME DIGEST -->` and `<!-- /mien:NAME -->`; all that lies outside of
blocks is people's own and is kept, word for word. The digest tells a block that somebody changed.
"""

import hashlib
import re
from collections.abc import Callable, Sequence

import numpy as np

from mien.corpora import CORPORA
from mien.curation.agreement import agreements
from mien.curation.collection import NOT_STATED, Collection
from mien.curation.document_tables import Cell, Table, attributes, batches, stages, subjects
from mien.curation.splitting import unit_gaps
from mien.curation.wanted import empty_regions, scarce
from mien.errors import InputError
from mien.labels.heads import HEADS
from mien.store.splits import shared_between_splits

_BLOCK = re.compile(
    r"<!-- mien:(?P<name>[a-z]+) (?P<digest>[0-9a-f]{12}) -->\n"
    r"(?P<text>.*?)<!-- /mien:(?P=name) -->",
    re.DOTALL,
)
_MARK = re.compile(r"<!-- /?mien:")


def new_card(of: Collection) -> str:
    """Write a card from nothing: every section, with a line that asks for what no store knows."""
    parts = [f"# Data card: {of.store.folder.resolve().name}\n"]
    for name, (title, question, fill) in SECTIONS.items():
        parts.append(f"## {title}\n")
        if question:
            parts.append(f"_{question}_\n")
        if fill is not None:
            parts.append(_block(name, fill(of)) + "\n")
    return "\n".join(parts)


def renewed_card(text: str, of: Collection, where: str) -> str:
    """Fill the blocks of an older card anew and keep every word outside of them.

    A block that somebody took out stays out. Raises InputError where a block was changed by hand,
    or marks are broken: words would be lost.
    """
    blocks = list(_BLOCK.finditer(text))
    if len(_MARK.findall(text)) != 2 * len(blocks):
        raise InputError(
            f"{where}: the marks of a block are broken; mend them, or name another file"
        )
    if not blocks:
        raise InputError(f"{where}: holds no block that mien wrote; name another file")
    for block in blocks:
        line = text.count("\n", 0, block.start()) + 1
        known = SECTIONS.get(block["name"])
        if known is None or known[2] is None:
            raise InputError(f"{where}, line {line}: mien has no section {block['name']!r}")
        if _digest(block["text"]) != block["digest"]:
            raise InputError(
                f"{where}, line {line}: the block {block['name']!r} was changed by hand; write "
                "below its end instead, and take the change out or delete the block's two marks"
            )

    def filled(block: re.Match[str]) -> str:
        fill = SECTIONS[block["name"]][2]
        assert fill is not None
        return _block(block["name"], fill(of))

    return _BLOCK.sub(filled, text)


def _block(name: str, body: str) -> str:
    text = body.strip("\n").replace("<!--", "&lt;!--") + "\n"
    return f"<!-- mien:{name} {_digest(text)} -->\n{text}<!-- /mien:{name} -->"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _composition(of: Collection) -> str:
    missing: list[list[Cell]] = []
    for head in of.labels.heads:
        known = ~np.isnan(of.labels[head.name]).all(1)
        missing.append([head.type.title, int(known.sum()), 100.0 * float(known.mean())])
    labelled = Table("Labels", "", ["labels", "labelled faces", "%"], missing)
    crops = f"Crops of {of.store.info.size} × {of.store.info.size} px, RGB."
    return "\n".join([crops, "", *(_table(t) for t in (attributes(of), labelled, subjects(of)))])


def _collection(of: Collection) -> str:
    rows: list[list[Cell]] = []
    sources = of.store.info.sources.values()
    for corpus in dict.fromkeys(entry["corpus"] for entry in sources):
        mine = [entry for entry in sources if entry["corpus"] == corpus]
        kinds = ", ".join(sorted({entry["kind"] for entry in mine}))
        days = sorted(entry["added"][:10] for entry in mine if entry.get("added"))
        when = f"{days[0]} to {days[-1]}" if days and days[0] != days[-1] else "".join(days[:1])
        rows.append([corpus, kinds, len(mine), sum(e.get("faces", 0) for e in mine), when])
    found = Table("Sources", "", ["corpus", "kind", "sources", "faces", "added"], rows)
    return "\n".join(_table(table) for table in (found, batches(of), stages(of)))


def _consent(of: Collection) -> str:
    stated = of.store.subjects.stated
    people = set(of.people.used())
    by_person: dict[str, list[str]] = {}
    for name in stated:
        by_person.setdefault(of.store.subjects.person(name), []).append(name)
    rows: list[list[Cell]] = []
    for purpose in ("research", "publication"):
        said = [
            {getattr(stated[name], purpose) for name in by_person.get(person, ())}
            for person in people
        ]
        refused = sum(False in answers for answers in said)
        agreed = sum(True in answers and False not in answers for answers in said)
        rows.append([purpose, agreed, refused, len(people) - agreed - refused])
    ends = [s.until for n, s in stated.items() if s.until and of.store.subjects.person(n) in people]
    table = Table("", "", ["consent to", "yes", "no", NOT_STATED], rows)
    text = _table(table) + "\nAs subjects.csv states it, people counted."
    return text + (f" The first consent ends on {min(ends).isoformat()}." if ends else "")


def _labelling(of: Collection) -> str:
    rows: list[list[Cell]] = []
    for layer in of.store.layers:
        labels = of.store.labels([layer])
        for head in labels.heads:
            known = ~np.isnan(labels[head.name])
            said = labels[head.name] > 0 if head.kind.classes else known
            outputs = [
                o for o, any_ in zip(head.outputs, np.asarray(said.any(0)), strict=True) if any_
            ]
            if outputs:
                rows.append([layer, head.name, int(known.any(1).sum()), " ".join(outputs)])
    order = "Where two layers speak of one face, the first counts.\n\n"
    return order + _table(Table("", "", ["layer", "head", "faces", "outputs"], rows))


def _agreement(of: Collection) -> str:
    rows: list[list[Cell]] = [
        [" and ".join(a.layers), HEADS[a.head].title, a.faces, a.measure, a.value]
        for a in agreements(of.store)
    ]
    if not rows:
        return "No two layers label the same faces: nothing is known of agreement."
    table = Table("", "", ["layers", "labels", "faces", "measure", "mean"], rows)
    return _table(table) + (
        "\nMean over the outputs: CCC of continuous labels, Cohen's kappa of counted ones. A layer "
        "that was made of another one agrees with it for that reason."
    )


def _splits(of: Collection) -> str:
    if of.split is None:
        return "There is no split."
    rows: list[list[Cell]] = [
        [part, len(mine), sum(of.sexes(mine).values()), len(of.videos.at(mine).used())]
        for part, mine in of.parts.items()
    ]
    shared = list(shared_between_splits(of.split, of.people, of.videos))
    said = "No person and no video is in two parts." if not shared else "; ".join(shared[:5])
    placed = np.flatnonzero(of.split.codes >= 0)
    gaps = unit_gaps(of.labels.at(placed), of.split.codes[placed].astype(np.intp))
    gap = f" The largest gap of a unit's share: {max(gaps.values()):.2f} points." if gaps else ""
    return _table(Table("", "", ["part", "faces", "people", "videos"], rows)) + f"\n{said}{gap}"


def _licence(of: Collection) -> str:
    kinds: dict[str, str] = {}
    for entry in of.store.info.sources.values():
        kinds.setdefault(entry["corpus"], entry["kind"])
    lines = []
    for corpus, kind in kinds.items():
        known = CORPORA[kind].load() if kind in CORPORA else None
        citation, terms = getattr(known, "citation", ""), getattr(known, "terms", "")
        told = "; ".join(text for text in (citation, terms) if text)
        lines.append(f"- {corpus}: {told or 'terms are not known to mien'}")
    return "\n".join(lines)


def _limits(of: Collection) -> str:
    lines = []
    for head, found in scarce(of).items():
        rare = [f"{s.name} ({s.why})" for s in found if s.why]
        if rare:
            lines.append(f"- {HEADS[head].title}; rare or of few people: {', '.join(rare)}")
    if np.isfinite(of.labels.column("valence_arousal", "valence")).any():
        _, regions = empty_regions(of)
        lines.append(
            f"- {len(regions)} cells of valence and arousal within the unit circle are empty"
        )
    sexes = of.sexes(np.arange(len(of.store)))
    if sexes[NOT_STATED]:
        lines.append(f"- of {sexes[NOT_STATED]} of {sum(sexes.values())} people no sex is stated")
    nameless = int((of.people.codes < 0).sum())
    if nameless:
        lines.append(f"- {nameless} faces name nobody: they may be of people in another part")
    return "\n".join(lines) or "- none that can be counted"


def _table(table: Table) -> str:
    lines = [f"**{table.title}**\n"] if table.title else []
    lines += [_line(table.columns), _line(["---"] * len(table.columns))]
    lines += [_line([_cell(cell) for cell in row]) for row in table.rows]
    return "\n".join([*lines, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _cell(cell: Cell) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else f"{cell}"


SECTIONS: dict[str, tuple[str, str, Callable[[Collection], str] | None]] = {
    "motivation": ("Motivation", "For what, by whom, and paid by whom was it made?", None),
    "composition": ("Composition", "What is not in it, and why?", _composition),
    "collection": ("Collection", "How were videos found and chosen?", _collection),
    "consent": ("Consent", "Who asked, and how can people take it back?", _consent),
    "labelling": ("Labelling", "Who labelled, with which tool and training?", _labelling),
    "agreement": ("Agreement", "What was done where raters disagreed?", _agreement),
    "splits": ("Splits", "What are the parts for?", _splits),
    "licence": ("Licence", "Under which terms may it be used, and how is it cited?", _licence),
    "limits": ("Limits", "What should nobody conclude from it?", _limits),
}
"""Name to title, what people are asked, and what fills it."""
