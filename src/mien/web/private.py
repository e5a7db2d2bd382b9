"""Files that are for their owner alone."""

import os
from pathlib import Path

from mien.atomic import replacing


def write_private(path: Path, text: str) -> None:
    """Write a small text file of mode 0600, whole or not at all."""
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
