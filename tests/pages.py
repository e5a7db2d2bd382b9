"""What tests of pages share."""

import time
from typing import Any

from playwright.sync_api import Error


def until(tab: Any, expression: str, seconds: float = 20.0) -> Any:
    """Ask a page until it says something true; playwright's own waiting evaluates text in the page.

    Returns what it said. Raises AssertionError when it never does.
    """
    end, found = time.monotonic() + seconds, None
    while not found:
        assert time.monotonic() < end, f"never true: {expression}"
        time.sleep(0.01)
        try:
            found = tab.evaluate(expression)
        except Error as error:  # the link's page gives way to the one it leads to
            if "navigation" not in str(error):
                raise
    return found
