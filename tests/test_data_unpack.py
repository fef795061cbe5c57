"""Unpacking: all of an archive or nothing, and never anything outside its folder."""

import tarfile

import pytest

from gradlib.data import archives
from gradlib.errors import InputError
from local_archives import GOOD, HALF, INSIDE, archive_at, assert_complete, get, server, tar_of

__all__ = ["archive_at", "server"]  # fixtures


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize(
    "member",
    [
        ("../escaped.txt", b"x"),
        ("bottle/../../escaped.txt", b"x"),
        ("bottle/../inner.txt", b"x"),
        ("/escaped.txt", b"x"),
        ("C:\\escaped.txt", b"x"),
        ("..\\escaped.txt", b"x"),
        link("out", "../../escaped.txt"),
        link("out", "/etc/passwd"),
        link("out", "../escaped.txt", tarfile.LNKTYPE),
        link("device", "", tarfile.CHRTYPE),
    ],
    ids=lambda member: member[0] if isinstance(member, tuple) else f"{member.name}->{member.linkname}",
)
def test_hostile_archive_is_refused_and_leaves_nothing(archive_at, tmp_path, member):
    content = tar_of((INSIDE, b"x"), member)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / archives.MVTEC.file_name).write_bytes(content)
    with pytest.raises(InputError, match="refused"):
        get(archive_at(content=content), folder)
    assert {path.name for path in tmp_path.rglob("*")} == {"data", archives.MVTEC.file_name, ".mvtec.lock"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no tar at all", "cannot be unpacked"),
        (GOOD[:HALF], "cannot be unpacked"),
        (tar_of(("cable/train/good/000.png", b"x")), "does not hold bottle/train/good"),
    ],
)
def test_archive_without_the_data_is_refused_and_leaves_nothing(archive_at, tmp_path, content, sentence):
    (tmp_path / archives.MVTEC.file_name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        get(archive_at(content=content), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {archives.MVTEC.file_name, ".mvtec.lock"}


def test_archive_wrapped_in_one_folder_is_unwrapped(archive_at, tmp_path):
    content = tar_of((f"mvtec_ad/{INSIDE}", b"x"))
    (tmp_path / archives.MVTEC.file_name).write_bytes(content)
    assert (get(archive_at(content=content), tmp_path) / INSIDE).read_bytes() == b"x"
    assert not (tmp_path / ".mvtec.unpacking").exists()


def test_rest_of_a_killed_unpacking_is_swept_away(archive_at, tmp_path):
    (tmp_path / ".mvtec.unpacking" / "bottle").mkdir(parents=True)
    assert_complete(get(archive_at("ranges"), tmp_path), tmp_path)


def test_disk_that_fills_up_while_unpacking_leaves_the_archive_only(archive_at, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile, "copyfileobj", full)
    with pytest.raises(InputError, match=r"No space left on device.*the archive is kept"):
        get(archive_at("ranges"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {archives.MVTEC.file_name, ".mvtec.lock"}
