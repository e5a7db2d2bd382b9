"""A project of annotation on disk.

    DIR/project.json     what is labelled, by whom, in which order; never changes
    DIR/journal.sqlite   every action, in order; only ever grows
    DIR/tokens.json      a secret per annotator
    DIR/frames/v001.npz  exact times of an item's frames, and boxes of the person's face
    DIR/store/           the ingested videos
    DIR/pictures/        what is needed to show any frame at once; may be removed

All files can be read by their owner alone.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.annotation.items import Frames, Item
from mien.annotation.journal import Journal
from mien.atomic import replacing
from mien.errors import InputError, unknown_name
from mien.labels import action_units, expressions
from mien.store.schema import check_part_name

FORMAT = "mien-annotation-1"
TASKS = ("va", "au", "expression")
ADJUDICATOR = "adjudicator"
"""Whose link opens the page where disagreements are settled."""
ANSWERS = "answers"
"""As whom the known answers of training items are imported."""
STAGES = ("blind", "verification", "adjudication")
"""In order; nobody sees another's labels while a project is blind."""


@dataclass(frozen=True)
class ProjectInfo:
    """The content of project.json.

    id: drawn, so that what was packed finds its way back.
    orders: by annotator the items' ids, in the random order in which they are shown. seed: of those
    orders. together: all units in one pass. sound: whether videos are heard. control: share of a
    model's suggestions that stay hidden, to see how far the shown ones lead people.
    """

    id: str
    annotators: tuple[str, ...]
    tasks: tuple[str, ...]
    units: tuple[str, ...]
    expressions: tuple[str, ...]
    items: tuple[Item, ...]
    orders: Mapping[str, tuple[str, ...]]
    seed: int
    sound: bool = True
    together: bool = False
    control: float = 0.2

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ProjectInfo":
        """Read back `to_dict`; raises InputError for another format."""
        if values.get("format") != FORMAT:
            raise InputError(f"format {values.get('format')!r}, this mien reads {FORMAT}")
        found = {key: value for key, value in values.items() if key != "format"}
        for key in ("annotators", "tasks", "units", "expressions"):
            found[key] = tuple(found[key])
        found["items"] = tuple(Item.from_dict(item) for item in found["items"])
        found["orders"] = {name: tuple(ids) for name, ids in found["orders"].items()}
        return cls(**found)


def parse_tasks(tasks: Sequence[str]) -> tuple[str, ...]:
    """Check names of tasks; raises InputError for an unknown one, or none."""
    for task in tasks:
        if task not in TASKS:
            raise unknown_name("task", task, TASKS)
    if not tasks:
        raise InputError(f"tasks: give at least one of {', '.join(TASKS)}")
    return tuple(task for task in TASKS if task in tasks)


def parse_units(units: Sequence[str | int]) -> tuple[str, ...]:
    """Columns of Action Units (`AU12`) as people write them; InputError for none of FACS."""
    numbers = []
    for unit in units:
        text = str(unit).strip()
        number = action_units.parse(text if text.lower().startswith("au") else f"AU{text}")
        if number is None:
            raise InputError(f"unit {unit!r}: is no Action Unit that mien knows")
        numbers.append(number)
    return tuple(map(action_units.column, sorted(set(numbers))))


def parse_annotators(names: Sequence[str]) -> tuple[str, ...]:
    """Check annotators' names, which become layers of a store."""
    for name in names:
        check_part_name("annotator", name)
        if name in (ADJUDICATOR, ANSWERS):
            raise InputError(f"annotator {name!r}: this name means something else here")
    if len(set(names)) < len(names):
        raise InputError("annotators: one is named twice")
    if not names:
        raise InputError("annotators: give at least one")
    return tuple(names)


def drawn_orders(
    annotators: Sequence[str], items: Sequence[Item], seed: int
) -> dict[str, tuple[str, ...]]:
    """An order of the items for each annotator: effects of order do not line up."""
    source = np.random.default_rng(seed)
    ids = [item.id for item in items]
    return {name: tuple(ids[i] for i in source.permutation(len(ids))) for name in annotators}


class Project:
    """A project on disk, open. Raises InputError where there is none or it is damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        path = self.folder / "project.json"
        if not path.is_file():
            raise InputError(
                f"{self.folder}: not an annotation project (no project.json in it); "
                f"`mien annotate init {self.folder} VIDEO... --annotators NAMES` makes one"
            )
        try:
            self.info = ProjectInfo.from_dict(json.loads(path.read_text("utf-8")))
            self._tokens = json.loads((self.folder / "tokens.json").read_text("utf-8"))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            raise InputError(f"{path}: cannot be read as a project: {error!r}") from error
        self.journal = Journal(self.folder / "journal.sqlite")
        self._frames: dict[str, Frames] = {}

    @classmethod
    def create(cls, folder: Path, info: ProjectInfo, frames: Mapping[str, Frames]) -> "Project":
        """Write a project into a folder that has none; tokens are drawn.

        Raises InputError where there is one already.
        """
        if (folder / "project.json").exists():
            raise InputError(f"{folder}: holds a project already; give another folder")
        (folder / "frames").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        for item in info.items:
            frames[item.id].save(folder / "frames" / f"{item.id}.npz")
        Journal.create(folder / "journal.sqlite")
        people = (*info.annotators, ADJUDICATOR)
        write_private(folder / "tokens.json", {n: secrets.token_urlsafe(24) for n in people})
        write_private(folder / "project.json", info.to_dict())
        return cls(folder)

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def item(self, name: str) -> Item:
        """The item of an id; raises InputError where there is none."""
        for item in self.info.items:
            if item.id == name:
                return item
        raise unknown_name("item", name, [item.id for item in self.info.items])

    def frames(self, item: str) -> Frames:
        """Frames of an item, by its id."""
        if item not in self._frames:
            self._frames[item] = Frames.load(self.folder / "frames" / f"{self.item(item).id}.npz")
        return self._frames[item]

    def token(self, annotator: str) -> str:
        """The annotator's secret."""
        if annotator not in self._tokens:
            raise unknown_name("annotator", annotator, self._tokens)
        return str(self._tokens[annotator])

    def has_token(self, annotator: str) -> bool:
        """Whether somebody has a secret here; of a packed part the annotator alone."""
        return annotator in self._tokens

    def who(self, token: str) -> str | None:
        """Whose secret it is, or None; takes the same time whatever it is."""
        given = token.encode("utf-8", "replace")
        found = None
        for name, known in self._tokens.items():
            if secrets.compare_digest(given, str(known).encode()):
                found = name
        return found

    @property
    def stage(self) -> str:
        """One of STAGES, as the journal says."""
        return self.journal.stage() or STAGES[0]

    def training(self) -> frozenset[str]:
        """Items whose answers are known: everybody does them first, and they count for nothing."""
        return self.journal.items_of(ANSWERS)

    def labels_of(self, item: Item) -> dict[str, tuple[str, ...]]:
        """Labels of each task: dimensions, units, expressions."""
        dimensions = ("valence", "arousal")
        every = {"va": dimensions, "au": self.info.units, "expression": self.info.expressions}
        return {task: every[task] for task in self.info.tasks}


def write_private(path: Path, content: Any) -> None:
    """Write JSON that its owner alone can read, whole or not at all."""
    with replacing(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())


DEFAULT_EXPRESSIONS = expressions.BASIC
