"""What a table asks of a run: kept in its run.json, by which tables and claims know it again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "asked"
"""Of run.json."""
LONGEST = 160
"""Characters of a folder's name."""


@dataclass(frozen=True)
class AskedRun:
    """A training of a recipe with settings. pictures: a drawn corpus instead of a store's faces."""

    recipe: str
    settings: tuple[str, ...]
    pictures: str
    seed: int
    steps: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `of` reads back."""
        return {
            "recipe": self.recipe,
            "settings": list(self.settings),
            "pictures": self.pictures,
            "seed": self.seed,
            "steps": self.steps,
        }

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "AskedRun | None":
        """Read it from the content of a run.json; None where no table asked for the run."""
        known = info.get(KEY)
        try:
            return None if known is None else cls(**{**known, "settings": tuple(known["settings"])})
        except (TypeError, KeyError):
            return None

    @property
    def folder_name(self) -> str:
        """A name for its folder that a person can read; nothing reads it back."""
        words = [
            self.recipe,
            self.pictures,
            *self.settings,
            f"seed={self.seed}",
            f"steps={self.steps}",
        ]
        name = "_".join(word for word in words if word)
        plain = "".join(c if c.isalnum() or c in "_.=" else "-" for c in name)
        if len(plain) <= LONGEST:
            return plain
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return f"{plain[: LONGEST - 13]}_{digest}"
