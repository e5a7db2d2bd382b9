"""AFEW-VA (Kossaifi et al. 2017): clips of films, valence and arousal of every frame.

    PATH/001/001.json      video_id, actor, frames: {"00000": {valence, arousal, landmarks}}
    PATH/001/00000.png     frames of the film, not cut: `--find-faces` cuts them

Values are -10 to 10 and become -1 to 1. An actor may be in several clips: a person is an actor.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from mien.corpora.labelled_pictures import LabelledPictures, Picture, Read, affect
from mien.errors import InputError
from mien.media.names import shown

SCALE = 10.0


class AfewVa(LabelledPictures):
    """The corpus kind `afew-va`."""

    kind = "afew-va"
    citation = (
        "Kossaifi et al. 2017, AFEW-VA database for valence and arousal estimation in-the-wild"
    )
    terms = "research only, by its authors' page"

    def read(self, path: Path, args: argparse.Namespace) -> Read:
        """Read every clip's JSON; clips may lie in folders of several parts."""
        found = Read([])
        for file in sorted(path.rglob("*.json")):
            if file.parent.name == file.stem and not file.is_symlink():
                _read_clip(file, found)
        if not found.rows:
            raise InputError(f"{shown(path)}: holds no 001/001.json")
        if not args.find_faces:
            found.notes.append("pictures are whole frames: --find-faces cuts the faces")
        return found


def _read_clip(path: Path, found: Read) -> None:
    try:
        clip: dict[str, Any] = json.loads(path.read_text("utf-8"))
        frames, actor = dict(clip["frames"]), clip.get("actor")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{shown(path)}: is no clip of AFEW-VA ({error})") from error
    for name, entry in sorted(frames.items()):
        found.rows += 1
        if not name.isdigit():
            raise InputError(f"{shown(path)}: frame {name!r} is no number")
        file = path.parent / f"{name}.png"
        if not file.is_file():
            found.missing.append(f"{path.stem}/{name}.png")
            continue
        try:
            values = [float(entry[axis]) / SCALE for axis in ("valence", "arousal")]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{shown(path)}: frame {name} has no valence and arousal") from error
        found.pictures.append(
            Picture(
                file, affect(path, 0, *values), subject=str(actor) if actor else None,
                video=path.stem, frame=int(name), track=0,
            )
        )  # fmt: skip
