"""`mien.annotate`: serve a project of annotation until Ctrl-C."""

from collections.abc import Callable
from pathlib import Path

from mien.errors import InputError
from mien.extras import need
from mien.progress import Progress, say_nothing, silent


def annotate(
    project: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    certificate: str | Path | None = None,
    key: str | Path | None = None,
    say: Callable[[str], None] = say_nothing,
    progress: Progress = silent,
) -> None:
    """Serve the annotation app; every label is on the disk before its page calls it saved.

    host: another address than this machine's own needs a certificate and key (PEM files). port:
    None for one that is free. say: told a link per annotator, then how to stop. Raises InputError
    where there is no project, a video of it is gone, or the port is taken.
    """
    need("mien annotate", "starlette", "uvicorn")
    from mien.annotation.project import Project
    from mien.annotation.server import access_of, annotation_application
    from mien.web import Tls, serve

    if (certificate is None) != (key is None):
        raise InputError("give --certificate and --key together")
    tls = None
    if certificate is not None and key is not None:
        tls = Tls(Path(certificate), Path(key))
    opened = Project(Path(project))
    try:
        access = access_of(opened)
        hosts = () if host == "127.0.0.1" else (host,)
        app = annotation_application(opened, access, hosts=hosts, progress=progress)
        serve(app, access, host=host, port=port, tls=tls, say=say)
    finally:
        opened.close()
