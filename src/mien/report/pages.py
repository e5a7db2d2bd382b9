"""Pages from templates: one file that needs nothing else, every value escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from mien.atomic import write_text


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mien.report"), autoescape=select_autoescape(default=True)
    )


def write_page(path: Path, template: str, **values: Any) -> None:
    """Fill `templates/TEMPLATE` with values and write it whole."""
    write_text(path, _environment().get_template(template).render(**values))
