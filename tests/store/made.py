"""Stores of made crops, without an import."""

import numpy as np

from mien.store import Store


def crops(n: int, size: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8)


def add(store: Store, source: str, pictures: np.ndarray, labels=None, split=None, **faces):
    """Commit crops as a source that is a corpus of its own."""
    corpus = faces.pop("corpus", source)
    with store.new_shard() as shard:
        shard.append(pictures)
        return store.commit(
            source,
            corpus=corpus,
            kind="test",
            crops=shard,
            faces=faces,
            labels=labels,
            split=split,
            summary={"faces": len(pictures)},
        )
