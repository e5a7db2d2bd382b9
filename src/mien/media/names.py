"""File names as text that can be printed, whatever bytes they are made of."""

import os
from pathlib import Path


def shown(path: Path) -> str:
    r"""Return a name for one line of text: bytes that are no UTF-8 and control characters as \x..

    The path itself opens the file; what this returns may not.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reason(error: BaseException) -> str:
    """Return what a library's error says, on one line."""
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())
