"""Who may use a server: tokens, each with the identity of who holds it."""

import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from starlette.requests import HTTPConnection

from mien.errors import InputError
from mien.web.private import write_private

TOKEN_BYTES = 24
ALONE = "you"
"""Identity where there is one person."""


class Access:
    """Tokens of people. Raises InputError for two people with one token, or a short token."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        """tokens: identity to token."""
        if len(set(tokens.values())) < len(tokens):
            raise InputError("two people have the same token")
        for person, token in tokens.items():
            if len(token) < TOKEN_BYTES or not token.isascii():
                raise InputError(f"the token of {person!r} is too short or not plain")
        self._tokens = dict(tokens)

    @classmethod
    def alone(cls) -> Self:
        """One person, with a token that is made now and kept nowhere."""
        return cls({ALONE: new_token()})

    @classmethod
    def kept(cls, path: Path, people: Iterable[str]) -> Self:
        """People whose links stay the same: tokens in a file (mode 0600), made for new people.

        Tokens of people who are not named stay in the file and open nothing.
        """
        people, known = list(people), _read(path)
        missing = [person for person in people if person not in known]
        if missing:
            known |= {person: new_token() for person in missing}
            write_private(path, json.dumps(known, indent=2) + "\n")
        return cls({person: known[person] for person in people})

    @property
    def people(self) -> list[str]:
        """The identities, in order."""
        return list(self._tokens)

    def link(self, base: str, person: str) -> str:
        """Return the address that lets a person in. base: `http://127.0.0.1:8123/`."""
        return f"{base}?{urlencode({'token': self._tokens[person]})}"

    def token(self, person: str) -> str:
        """Return a person's token."""
        return self._tokens[person]

    def who(self, token: str | None) -> str | None:
        """Return whose token this is; None where it is nobody's. Takes as long for any token."""
        given, found = (token or "").encode(), None
        for person, known in self._tokens.items():
            if hmac.compare_digest(known.encode(), given):
                found = person
        return found


def new_token() -> str:
    """Return a token that nobody can guess, safe in an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def identity(request: HTTPConnection) -> str:
    """Return who sent a request that was let in."""
    found: str = request.scope["mien.identity"]
    return found


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as tokens; remove it for new links") from error
    if not isinstance(known, dict) or not all(isinstance(v, str) for v in known.values()):
        raise InputError(f"{path}: holds no tokens; remove it for new links")
    return known
