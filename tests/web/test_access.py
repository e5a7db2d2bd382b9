import json
import stat

import pytest

from mien.errors import InputError
from mien.web import Access, write_private


def test_each_person_has_a_token_of_their_own_that_stays(tmp_path):
    path = tmp_path / "tokens.json"
    first = Access.kept(path, ["r1", "r2"])
    again = Access.kept(path, ["r2", "r3"])
    assert first.token("r2") == again.token("r2") != again.token("r3")
    assert again.people == ["r2", "r3"]
    assert again.who(first.token("r1")) is None
    assert set(json.loads(path.read_text())) == {"r1", "r2", "r3"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_a_whole_token_is_somebodys():
    access = Access({"r1": "a" * 32, "r2": "b" * 32})
    assert access.who("a" * 32) == "r1"
    assert access.who("b" * 32) == "r2"
    for other in (None, "", "a" * 31, "a" * 33, "A" * 32, "ä" * 32, "r1"):
        assert access.who(other) is None


def test_tokens_that_protect_nobody_are_refused(tmp_path):
    with pytest.raises(InputError, match="same token"):
        Access({"r1": "a" * 32, "r2": "a" * 32})
    with pytest.raises(InputError, match="too short"):
        Access({"r1": "secret"})
    for text in ("[]", "{", '{"r1": 3}'):
        (tmp_path / "tokens.json").write_text(text)
        with pytest.raises(InputError, match=r"tokens\.json: .*remove it for new links"):
            Access.kept(tmp_path / "tokens.json", ["r1"])


def test_two_links_differ_and_are_long():
    one, other = Access.alone(), Access.alone()
    link = one.link("http://127.0.0.1:8720/", "you")
    assert link.startswith("http://127.0.0.1:8720/?token=")
    assert len(one.token("you")) >= 32
    assert one.token("you") != other.token("you")


def test_a_private_file_is_the_users_alone_and_whole(tmp_path):
    path = tmp_path / "kept.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
