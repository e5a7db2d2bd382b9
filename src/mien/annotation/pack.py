"""One annotator's part of a project as one file: to another machine, and back."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mien.annotation.items import Frames, Item
from mien.annotation.journal import Action
from mien.annotation.project import Project, ProjectInfo, write_private
from mien.atomic import replacing
from mien.errors import InputError

FORMAT = "mien-annotation-pack-1"
_ID = re.compile(r"v\d{3,6}")
_MOST_JSON = 1 << 30


@dataclass(frozen=True)
class Unpacked:
    """What came of it. created: a project was made; else actions were added to the one there."""

    annotator: str
    created: bool
    actions: int


def pack(project: Project, annotator: str, target: Path, videos: bool = True) -> int:
    """Write one annotator's part: items, frames, own actions, secret and, if wanted, the videos.

    Returns the number of actions. Raises InputError where a video is gone.
    """
    token = project.token(annotator)
    info = replace(
        project.info, annotators=(annotator,), orders={annotator: project.info.orders[annotator]}
    )
    actions = [asdict(a) for a in project.journal.read(annotator=annotator)]
    about = {"format": FORMAT, "annotator": annotator, "token": token, "project": info.to_dict()}
    with replacing(target) as temporary:
        temporary.touch(0o600)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:
            file.writestr("pack.json", json.dumps(about))
            file.writestr("journal.json", json.dumps(actions), zipfile.ZIP_DEFLATED)
            for item in info.items:
                file.write(project.folder / "frames" / f"{item.id}.npz", f"frames/{item.id}.npz")
                for name, path in _media(item, project.frames(item.id)) if videos else ():
                    if not path.is_file():
                        raise InputError(f"{path}: is gone; --no-videos leaves videos out")
                    file.write(path, name)
    return len(actions)


def _media(item: Item, frames: Frames) -> list[tuple[str, Path]]:
    path = Path(item.path)
    if item.kind == "images":
        return [(f"media/{item.id}/{i:06d}{Path(name).suffix}", path / name)
                for i, name in enumerate(frames.names)]  # fmt: skip
    return [(f"media/{item.id}{path.suffix}", path)]


def unpack(source: Path, folder: Path) -> Unpacked:
    """Make a project of a packed part, or add what it says to the project that it is from.

    Raises InputError for a file that is no pack, and where the folder holds another project.
    """
    with _opened(source) as file:
        about = _json(file, "pack.json")
        if about.get("format") != FORMAT:
            raise InputError(f"{source}: is no part of a project that this mien reads")
        info = ProjectInfo.from_dict(about["project"])
        annotator = str(about["annotator"])
        actions = [Action(**{**values, "id": None}) for values in _json(file, "journal.json")]
        if any(a.annotator != annotator for a in actions) or info.annotators != (annotator,):
            raise InputError(f"{source}: holds what others than {annotator} said")
        if not all(_ID.fullmatch(item.id) for item in info.items):
            raise InputError(f"{source}: names an item in no way that mien does")
        created = not (folder / "project.json").exists()
        if created:
            _create(file, folder, info, annotator, str(about["token"]))
        project = Project(folder)
    try:
        if project.info.id != info.id or annotator not in project.info.annotators:
            raise InputError(f"{source}: is no part of the project in {folder}")
        before = sum(1 for _ in project.journal.read(annotator=annotator))
        project.journal.append(actions)
        after = sum(1 for _ in project.journal.read(annotator=annotator))
    finally:
        project.close()
    return Unpacked(annotator, created, after - before)


def _create(
    file: zipfile.ZipFile, folder: Path, info: ProjectInfo, annotator: str, token: str
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames: dict[str, Frames] = {}
    items = []
    for item in info.items:
        (folder / "frames").mkdir(exist_ok=True)
        _copy(file, f"frames/{item.id}.npz", folder / "frames" / f"{item.id}.npz")
        frames[item.id] = Frames.load(folder / "frames" / f"{item.id}.npz")
        items.append(_with_media(file, folder, item, frames[item.id]))
    Project.create(folder, replace(info, items=tuple(items)), frames).close()
    write_private(folder / "tokens.json", {annotator: token})


def _with_media(file: zipfile.ZipFile, folder: Path, item: Item, frames: Frames) -> Item:
    """Take an item's videos or pictures out of the pack, where they are in it."""
    there, names = _media(item, frames), set(file.namelist())
    if not all(name in names for name, _ in there):
        return item
    for name, path in there:
        images = item.kind == "images"
        target = folder / (f"media/{item.id}/{path.name}" if images else name)
        if not target.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{name}: leads out of {folder}")
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(file, name, target)
    home = folder / "media" / item.id if item.kind == "images" else folder / there[0][0]
    return replace(item, path=str(home.resolve()))


def _copy(file: zipfile.ZipFile, name: str, target: Path) -> None:
    with replacing(target) as temporary, file.open(name) as part, temporary.open("wb") as out:
        temporary.chmod(0o600)
        shutil.copyfileobj(part, out)


def _json(file: zipfile.ZipFile, name: str) -> Any:
    if file.getinfo(name).file_size > _MOST_JSON:
        raise InputError(f"{name}: is larger than {_MOST_JSON >> 30} GiB")
    return json.loads(file.read(name))


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as file:
            yield file
    except InputError:
        raise
    except (OSError, zipfile.BadZipFile, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{source}: cannot be read as a packed part: {error}") from error
