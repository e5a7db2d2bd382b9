"""A store: faces and their labels on disk. `docs/formats.md` describes it for other readers."""

from mien.store.store import Store

__all__ = ["Store"]
