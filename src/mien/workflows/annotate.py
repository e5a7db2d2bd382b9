"""`mien.annotation_project` and its verbs: projects of labels by hand."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mien.annotation.exchange import Exchanged, export_labels, import_labels
from mien.annotation.items import Frames, Item
from mien.annotation.journal import Action
from mien.annotation.lags import found_lags
from mien.annotation.pack import Unpacked, pack, unpack
from mien.annotation.panel import FIRST, VERIFIED, measured_lags, read_panel
from mien.annotation.prepare import image_item, pictures_of, read_video, video_items
from mien.annotation.project import (
    ADJUDICATOR,
    ANSWERS,
    DEFAULT_EXPRESSIONS,
    STAGES,
    Project,
    ProjectInfo,
    drawn_orders,
    parse_annotators,
    parse_tasks,
    parse_units,
)
from mien.annotation.suggest import Suggested, suggest
from mien.errors import InputError, check_name, unknown_name
from mien.labels.action_units import DOCUMENT_AUS
from mien.progress import Progress, silent
from mien.store import Store
from mien.workflows.ingest import Ingested, ingest

ROUNDS = (FIRST, VERIFIED)


@dataclass
class Created:
    """What came of it. faceless: items in which no face was found."""

    folder: Path
    items: list[str]
    ingested: Ingested
    faceless: list[str] = field(default_factory=list)


def init_annotation(
    folder: str | Path,
    inputs: Sequence[str | Path],
    *,
    annotators: Sequence[str],
    tasks: Sequence[str] = ("va", "au", "expression"),
    units: Sequence[str | int] = DOCUMENT_AUS,
    expressions: Sequence[str] = DEFAULT_EXPRESSIONS,
    sound: bool = True,
    together: bool = False,
    control: float = 0.2,
    fps: float = 30.0,
    seed: int | None = None,
    progress: Callable[[str], AbstractContextManager[Progress]] = lambda name: nullcontext(silent),
) -> Created:
    """Make a project: ingest videos and folders of pictures into its store, and draw orders.

    inputs: videos, folders of videos, folders of pictures. annotators: names, which become layers.
    tasks: va, au, expression. units, expressions: what the latter two label. sound: whether videos
    are heard. together: all units in one pass; else a pass per unit. control: share of a model's
    suggestions that stay hidden. fps: of the store's frames; labels are of the file's own. seed: of
    the orders; None: drawn.

    Raises InputError where the folder holds a project, nothing can be read, or a name is unknown.
    """
    home = Path(folder)
    if (home / "project.json").exists():
        raise InputError(f"{home}: holds a project already; give another folder")
    people, chosen, lanes = parse_annotators(annotators), parse_tasks(tasks), parse_units(units)
    if not 0 <= control <= 1:
        raise InputError(f"control {control:g}: give a share from 0 to 1")
    if len(set(expressions)) < len(expressions) or not all(map(str.isprintable, expressions)):
        raise InputError("expressions: give names, each once")
    items, ingested = _items(home, [Path(p) for p in inputs], fps, progress)
    seed = secrets.randbelow(2**31) if seed is None else seed
    named = _distinct([item for item, _ in items])
    frames = {item.id: of for item, (_, of) in zip(named, items, strict=True)}
    orders = drawn_orders(people, named, seed)
    info = ProjectInfo(
        secrets.token_hex(8), people, chosen, lanes, tuple(expressions), tuple(named), orders, seed,
        sound, together, control,
    )  # fmt: skip
    Project.create(home, info, frames).close()
    faceless = [i.name for i in named if not (frames[i.id].box > 0).any()]
    return Created(home, [item.name for item in named], ingested, faceless)


Bars = Callable[[str], AbstractContextManager[Progress]]


def _items(
    home: Path, paths: Sequence[Path], fps: float, progress: Bars
) -> tuple[list[tuple[Item, Frames]], Ingested]:
    """Ingest videos and pictures; raises InputError where nothing of them can be read."""
    photographs = pictures_of(paths)
    videos = [p for p in paths if p not in photographs]
    store = home / "store"
    ingested = Ingested()
    if videos:
        ingested = ingest(videos, store=store, fps=fps, progress=progress)
    opened = Store.open_or_create(store, None)
    items: list[tuple[Item, Frames]] = []
    for summary in ingested.videos:
        path = Path(summary.input)
        with progress(f"{path.name}, its frames") as bar:
            pictures = read_video(home, path, bar)
        items += video_items(opened, path, summary.video, len(items) + 1, pictures)
        pictures.close()
    for place in photographs:
        with progress(place.name) as bar:
            items.append(image_item(opened, place, len(items) + 1, bar))
    if not items:
        told = "; ".join(f"{name}: {why}" for name, why in ingested.failed.items())
        raise InputError(f"nothing to annotate: {told or 'no video or picture was given'}")
    return items, ingested


def _distinct(items: Sequence[Item]) -> list[Item]:
    """Items of which no two have one name, as they name files of an export."""
    found: list[Item] = []
    names: set[str] = set()
    for item in items:
        name, n = item.name, 2
        while name in names:
            name, n = f"{item.name}-{n}", n + 1
        names.add(name)
        found.append(replace(item, name=name))
    return found


def annotation_links(project: str | Path) -> dict[str, str]:
    """Secret of every annotator and of the adjudicator, as the pages' links hold it."""
    opened = Project(Path(project))
    try:
        return {name: opened.token(name) for name in _people(opened)}
    finally:
        opened.close()


def _people(project: Project) -> tuple[str, ...]:
    known = [*project.info.annotators, ADJUDICATOR]
    return tuple(name for name in known if project.has_token(name))


def set_annotation_stage(project: str | Path, stage: str, *, force: bool = False) -> str:
    """Open the second look (verification), or the settling of disputes (adjudication), to all.

    Before verification nobody sees another's labels; from then on first passes are closed. Raises
    InputError for a step back, and, without force, while an annotator has not begun an item.
    """
    check_name("stage", stage, STAGES)
    opened = Project(Path(project))
    try:
        if STAGES.index(stage) < STAGES.index(opened.stage):
            raise InputError(f"the project is in {opened.stage}: nobody can be made blind again")
        if (left := _untouched(opened)) and not force:
            more = f" and {len(left) - 3} more" if left[3:] else ""
            raise InputError(
                f"not begun yet: {'; '.join(left[:3])}{more}; --force goes on without them"
            )
        action = Action(ADJUDICATOR, "", "stage", "", f"stage-{stage}", "stage", {"stage": stage})
        opened.journal.append([action])
        return opened.stage
    finally:
        opened.close()


def _untouched(project: Project) -> list[str]:
    training = project.training()
    worked = {(a.annotator, a.item, a.task) for a in project.journal.read(round=FIRST)}
    return [
        f"{name} {item.name} ({task})"
        for name in project.info.annotators
        for item in project.info.items
        if item.id not in training
        for task in project.info.tasks
        if (name, item.id, task) not in worked
    ]


def export_annotation(
    project: str | Path,
    out: str | Path,
    *,
    format: str = "json",
    annotators: Sequence[str] | None = None,
    round: str = FIRST,
    lag_compensated: bool = False,
    spent: bool = False,
) -> Exchanged:
    """Write annotators' labels as files. format: a key of `mien.annotation.formats.FORMATS`.

    round: first, or verify, their second look. lag_compensated: traces are written earlier by each
    annotator's lag, and a file says so. spent: the time that labels took goes along, where the
    format can hold it. Raises InputError for an unknown name, and where nothing was said.
    """
    check_name("round", round, ROUNDS)
    opened = Project(Path(project))
    try:
        chosen = _chosen(opened, annotators)
        shifts = _shifts(opened) if lag_compensated else {}
        done = export_labels(opened, Path(out), format, chosen, round, shifts, spent)
    finally:
        opened.close()
    if not done.files:
        raise InputError(f"{project}: nothing of this was annotated that {format} can hold")
    if lag_compensated:
        _tell_shifts(Path(out), shifts)
    return done


def _tell_shifts(out: Path, shifts: dict[str, float]) -> None:
    from mien.atomic import write_text
    from mien.text import to_json

    write_text(out / "shifts.json", to_json({"traces_earlier_by_s": shifts}))


def _shifts(project: Project) -> dict[str, float]:
    found = {name: lag for name, (lag, _) in found_lags(read_panel(project)).items()}
    return {**measured_lags(project), **found}


def import_annotation(
    project: str | Path,
    source: str | Path,
    *,
    format: str = "json",
    annotators: Sequence[str] | None = None,
) -> Exchanged:
    """Add the labels that files hold to annotators' first pass: all of them, or none.

    Files are found by the names that `export_annotation` gives them. What is imported as `answers`
    makes its items training: everybody does them first and is told how well. Raises InputError
    where a file does not fit, or an annotator has labels of the same item and task already.
    """
    opened = Project(Path(project))
    try:
        chosen = [ANSWERS] if annotators == [ANSWERS] else _chosen(opened, annotators)
        return import_labels(opened, Path(source), format, chosen)
    finally:
        opened.close()


def pack_annotation(
    project: str | Path, out: str | Path, *, annotator: str, videos: bool = True
) -> int:
    """Write one annotator's part of a project into a file for another machine; see `pack.pack`."""
    opened = Project(Path(project))
    try:
        _chosen(opened, [annotator])
        return pack(opened, annotator, Path(out), videos)
    finally:
        opened.close()


def unpack_annotation(source: str | Path, project: str | Path) -> Unpacked:
    """Make a project of a packed part, or bring what was done with it home."""
    return unpack(Path(source), Path(project))


def suggest_annotation(
    project: str | Path,
    *,
    model: str | Path,
    checkpoint: Literal["best", "last"] = "best",
    threshold: float = 0.5,
    progress: Progress = silent,
) -> Suggested:
    """Let a model suggest ranges and traces, which annotators then accept, nudge or refuse.

    model: a run, an ONNX file, or weights that come with mien. threshold: probability from which a
    unit counts as active. A share of the ranges (the project's `control`) is shown to nobody.
    Raises InputError where there is no such model.
    """
    from mien.workflows.models import load_recogniser

    if not 0 < threshold < 1:
        raise InputError(f"threshold {threshold:g}: give a probability between 0 and 1")
    opened = Project(Path(project))
    try:
        recogniser = load_recogniser(model, checkpoint)
        store = Store.open(opened.folder / "store")
        return suggest(opened, store, recogniser, Path(model).name, threshold, progress)
    finally:
        opened.close()


def _chosen(project: Project, annotators: Sequence[str] | None) -> tuple[str, ...]:
    known = project.info.annotators
    for name in annotators or ():
        if name not in known:
            raise unknown_name("annotator", name, known)
    return tuple(name for name in known if annotators is None or name in annotators)
