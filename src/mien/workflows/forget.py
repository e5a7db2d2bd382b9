"""`mien.forget`: take a person out of a store for good."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mien.errors import InputError
from mien.progress import say_nothing
from mien.store import Store
from mien.store.forget import traces


@dataclass(frozen=True)
class Forgetting:
    """What came of it.

    ids: of the person, as subjects.csv says. faces: taken out. runs: folders of the trainings that
    saw the person; None where none was asked for. traces: what is left; None where it was not
    looked for.
    """

    ids: list[str]
    faces: int
    runs: list[str] | None
    traces: list[str] | None


def forget(
    store: str | Path,
    subject: str,
    *,
    runs: str | Path | None = None,
    verify: bool = False,
    say: Callable[[str], None] = say_nothing,
) -> Forgetting:
    """Remove a person's faces, labels, splits, logs, journals, and pixels in every size.

    subject: as in the store, `corpus/id`. runs: a folder of runs in which to name those that were
    trained on the person. verify: read the store again and look for what is left. What was
    interrupted goes on when it is called again. Raises InputError for a person that the store does
    not know.
    """
    if runs is not None and not Path(runs).is_dir():
        raise InputError(f"{runs}: is no folder")
    opened = Store.open(Path(store))
    whom = opened.forget(subject)
    seen = None if runs is None else _runs_that_saw(Path(runs), set(whom.names), say)
    left = traces(opened, whom) if verify else None
    return Forgetting(list(whom.names), whom.faces, seen, left)


def _runs_that_saw(folder: Path, names: set[str], say: Callable[[str], None]) -> list[str]:
    """Runs whose run.json names the person among those trained on."""
    found = []
    for path in sorted(folder.rglob("run.json")):
        try:
            data = json.loads(path.read_text("utf-8"))["data"]
            if names & {*data["subject"], *data.get("subject_id", ())}:
                found.append(str(path.parent))
        except (OSError, ValueError, LookupError, TypeError) as error:
            say(f"{path}: does not say whom the run was trained on ({error!r})")
    return found
