"""Local pages: what `mien live`, the review page and the annotation app stand on. Extra `web`.

    access = Access.alone()                       # one person, a token made now
    access = Access.kept(folder / "tokens.json", ["r1", "r2"])   # the same links every time
    app = application([Route("/", home), *frame_routes("/videos", find)], access)
    serve(app, access)                            # prints a link per person, returns on Ctrl-C

    async def home(request):                      # a Starlette endpoint
        who = identity(request)                   # whose token the request carries
        return page("Title", script="/static/live.js", data={"who": who})

- `Access`: tokens, each with the identity of who holds it. `identity(request)`: that identity.
- `application(routes, access)`: a Starlette app. Every request needs a token: in the link
  (`?token=`, taken out of the address at once), then a cookie, or the header `Authorization: Bearer
  TOKEN`. Foreign hosts (DNS rebinding) and requests from other sites are refused. An InputError of
  an endpoint becomes status 400 with `{"error": "one line"}`, every other failure a line too.
- `page(title, script=..., data=...)`: the frame of a page: a CSP that reaches nothing outside,
  light and dark, `base.css`. The script is a module, which may import `preact`, `preact/hooks`,
  `htm`, `uplot` and `mien` (`static/mien.js`: `html`, `render`, `api`, `pageData`, `colour`,
  `theme`).
- `static_files(path, folder)`: a route for a package's own scripts.
- `frame_routes(path, find)`: frame-exact pictures of videos, for the component `Player` of
  `mien/player` (`static/player.js`); `find` returns a `FrameSource`, such as
  `mien.media.exact.ExactFrames`.
- `serve(app, access)`: on 127.0.0.1 unless told otherwise, `Tls` for other machines; files that are
  written meanwhile are the user's alone. `running(app)`: the same in the background, for tests.
- `write_private(path, text)`: a file of mode 0600, whole or not at all.
"""

from mien.web.access import Access, identity
from mien.web.application import application, static_files
from mien.web.frames import FrameSource, frame_routes
from mien.web.page import page
from mien.web.private import write_private
from mien.web.server import Tls, running, serve

__all__ = [
    "Access",
    "FrameSource",
    "Tls",
    "application",
    "frame_routes",
    "identity",
    "page",
    "running",
    "serve",
    "static_files",
    "write_private",
]
