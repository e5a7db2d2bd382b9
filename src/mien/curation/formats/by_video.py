"""Folders by video, for layouts that know no two people in one."""

from pathlib import PurePosixPath

from mien.curation.exports import Selection


def video_names(selection: Selection, videos: list[str]) -> list[str]:
    """Name of every face's folder: its video's, with a number where the video shows several."""
    tracks = selection.store.column("track")[selection.rows].tolist()
    people = selection.column("subject")
    who = [people[i] or str(tracks[i]) for i in range(len(videos))]
    order: dict[str, list[str]] = {}
    for video, person in zip(videos, who, strict=True):
        known = order.setdefault(video, [])
        if person not in known:
            known.append(person)
    found = []
    for video, person in zip(videos, who, strict=True):
        number = order[video].index(person) + 1
        stem = PurePosixPath(video).stem
        found.append(stem if number == 1 else f"{stem}_{number}")
    return found
