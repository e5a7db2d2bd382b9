"""The frame of a page: nothing from outside, light and dark, scripts as modules."""

import json
import secrets
from collections.abc import Sequence
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

IMPORTS = {
    "preact": "/static/vendor/preact/preact.mjs",
    "preact/hooks": "/static/vendor/preact/hooks.mjs",
    "htm": "/static/vendor/htm/htm.mjs",
    "uplot": "/static/vendor/uplot/uPlot.esm.js",
    "mien": "/static/mien.js",
    "mien/player": "/static/player.js",
}
"""What a page's script may import by name."""

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/static/icon.svg">
{styles}
<script type="importmap" nonce="{nonce}">{imports}</script>
<script type="application/json" id="page-data">{data}</script>
{script}
</head>
<body>
{body}
</body>
</html>
"""


def page(
    title: str,
    *,
    script: str | None = None,
    styles: Sequence[str] = (),
    data: Any = None,
    body: str = '<main id="app"><noscript>This page needs JavaScript.</noscript></main>',
    status: int = 200,
) -> HTMLResponse:
    """Return a page.

    script: address of its module. styles: addresses of style sheets after `base.css`. data: what
    `pageData` of `mien.js` returns, anything JSON holds. body: HTML, inserted as it is.
    """
    nonce = secrets.token_urlsafe(16)
    sheets = ["/static/base.css", *styles]
    html = _FRAME.format(
        title=escape(title),
        styles="\n".join(f'<link rel="stylesheet" href="{escape(s)}">' for s in sheets),
        nonce=nonce,
        imports=_in_script({"imports": IMPORTS}),
        data=_in_script(data),
        script="" if script is None else f'<script type="module" src="{escape(script)}"></script>',
        body=body,
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": policy(nonce)})


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page: this server alone, and what the page makes."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob: mediastream:",
            "connect-src 'self'",
            "worker-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _in_script(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
