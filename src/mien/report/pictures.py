"""Pictures inside a page."""

import base64
from pathlib import Path


def data_url(path: Path) -> str:
    """A PNG as a URL that holds it, so that a page is one file."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
