"""The downloader against a local server that breaks off, stalls, ignores ranges or sends something else."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import filelock
import pytest
import requests

from gradlib.data import archives, download
from gradlib.data.archives import MARKER
from gradlib.errors import InputError
from local_archives import GOOD, HALF, archive_at, assert_complete, get, part_in, server

__all__ = ["archive_at", "server"]  # fixtures


@pytest.mark.parametrize("manner", ["ranges", "from_start"])
def test_archive_is_fetched_checked_and_unpacked_and_a_second_call_downloads_nothing(
    archive_at, server, tmp_path, manner
):
    archive = archive_at(manner)
    assert_complete(get(archive, tmp_path), tmp_path)
    assert get(archive, tmp_path) == tmp_path / "mvtec"
    assert server.log == [(manner, None)]


@pytest.mark.parametrize("manner", ["breaks", "stalls"])
def test_interrupted_transfer_goes_on_where_it_stopped(archive_at, server, tmp_path, manner):
    assert_complete(get(archive_at(manner), tmp_path), tmp_path)
    assert server.log == [(manner, None), (manner, f"bytes={HALF}-")]


def test_short_transfer_is_noticed_where_the_http_library_says_nothing(archive_at, server, tmp_path, monkeypatch):
    chunks = requests.Response.iter_content

    def forgiving(response: requests.Response, size: int) -> Iterator[bytes]:  # as urllib3 before 2.0
        with contextlib.suppress(requests.RequestException):
            yield from chunks(response, size)

    monkeypatch.setattr(requests.Response, "iter_content", forgiving)
    assert_complete(get(archive_at("breaks"), tmp_path), tmp_path)
    assert server.log == [("breaks", None), ("breaks", f"bytes={HALF}-")]


def test_part_of_an_earlier_run_is_continued(archive_at, server, tmp_path):
    part_in(tmp_path, GOOD[:100])
    assert_complete(get(archive_at("ranges"), tmp_path), tmp_path)
    assert server.log == [("ranges", "bytes=100-")]


def test_server_that_ignores_ranges_is_read_from_the_start(archive_at, server, tmp_path):
    part_in(tmp_path, b"x" * 100)
    assert_complete(get(archive_at("from_start"), tmp_path), tmp_path)
    assert server.log == [("from_start", "bytes=100-")]


def test_complete_part_of_a_killed_run_is_used_without_a_request(archive_at, server, tmp_path):
    part_in(tmp_path, GOOD)
    assert_complete(get(archive_at("ranges"), tmp_path), tmp_path)
    assert server.log == []


def test_part_longer_than_the_archive_is_fetched_again(archive_at, server, tmp_path):
    part_in(tmp_path, GOOD + b"more")
    assert_complete(get(archive_at("ranges"), tmp_path), tmp_path)
    assert [requested for _, requested in server.log] == [f"bytes={len(GOOD) + 4}-", None]


def test_damaged_part_is_fetched_again_before_the_address_is_blamed(archive_at, server, tmp_path):
    part_in(tmp_path, b"x" * 100)
    assert_complete(get(archive_at("ranges"), tmp_path), tmp_path)
    assert [requested for _, requested in server.log] == ["bytes=100-", None]


@pytest.mark.parametrize(
    ("manner", "requests", "reason"),
    [
        ("dead", 1, "the server answered 404"),
        ("page", 1, "a web page instead of the archive"),
        ("wrong", 1, "a file with the wrong sha256"),
        ("busy", 3, "the server answered 503"),
        ("always_breaks", 3, r"the transfer broke off"),
    ],
)
def test_bad_address_is_named_and_the_next_one_used(archive_at, server, tmp_path, capsys, manner, requests, reason):
    archive = archive_at(manner, "ranges")
    assert_complete(get(archive, tmp_path), tmp_path)
    assert [asked for asked, _ in server.log] == [manner] * requests + ["ranges"]
    heard = capsys.readouterr().err
    assert f"{archive.urls[0]} failed: " in heard
    assert re.search(reason, heard)


@pytest.mark.parametrize("manner", ["page", "other_range", "dead"])
def test_answer_that_cannot_be_the_rest_leaves_the_part_alone(archive_at, server, tmp_path, manner):
    part_in(tmp_path, GOOD[:HALF])
    assert_complete(get(archive_at(manner, "ranges"), tmp_path), tmp_path)
    assert server.log == [(manner, f"bytes={HALF}-"), ("ranges", f"bytes={HALF}-")]


def test_address_without_a_server_is_skipped(archive_at, tmp_path):
    archive = archive_at("ranges")
    archive = replace(archive, urls=("http://127.0.0.1:9/data.tar.xz", *archive.urls))
    assert_complete(get(archive, tmp_path), tmp_path)


def test_all_addresses_dead_gives_one_line_with_all_that_is_needed_by_hand(archive_at, tmp_path):
    archive = archive_at("dead", "wrong")
    with pytest.raises(InputError) as refusal:
        get(archive, tmp_path)
    text = str(refusal.value)
    for needed in (*archive.urls, "404", archive.page, archive.file_name, archive.sha256, str(tmp_path)):
        assert needed in text
    assert "\n" not in text
    (tmp_path / archive.file_name).write_bytes(GOOD)  # by hand, then the same command
    assert_complete(get(archive, tmp_path), tmp_path)


def test_wrong_archive_on_disk_is_set_aside_and_fetched_anew(archive_at, tmp_path, capsys):
    (tmp_path / archives.MVTEC.file_name).write_bytes(GOOD[:HALF])
    target = get(archive_at("ranges"), tmp_path)
    aside = tmp_path / f"{archives.MVTEC.file_name}.wrong"
    assert aside.read_bytes() == GOOD[:HALF]
    assert "wrong sha256" in capsys.readouterr().err
    aside.unlink()
    assert_complete(target, tmp_path)


def test_folder_from_elsewhere_is_neither_trusted_nor_overwritten(archive_at, server, tmp_path):
    (tmp_path / "mvtec").mkdir()
    with pytest.raises(InputError, match="was not unpacked by this command"):
        get(archive_at("ranges"), tmp_path)
    assert server.log == []


def test_full_disk_is_noticed_before_the_transfer(archive_at, server, tmp_path):
    with pytest.raises(InputError, match=r"takes 1000000\.0 GB but .* free some space"):
        get(replace(archive_at("ranges"), size=10**15), tmp_path)
    assert server.log == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_disk_that_fills_up_while_writing_is_no_broken_transfer(archive_at, server, tmp_path):
    (tmp_path / f"{archives.MVTEC.file_name}.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"Cannot write .*\.part \(No space left on device\).* it will continue"):
        get(archive_at("ranges"), tmp_path)
    assert len(server.log) == 1


def test_folder_that_cannot_be_made_is_named(archive_at, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file/data cannot be written to"):
        get(archive_at("ranges"), tmp_path / "file" / "data")


def test_second_process_is_asked_to_wait(archive_at, tmp_path):
    with filelock.FileLock(tmp_path / ".mvtec.lock"), pytest.raises(InputError, match="Another process"):
        get(archive_at("ranges"), tmp_path)


@pytest.mark.parametrize(("name", "licence"), [("mvtec", "CC BY-NC-SA 4.0"), ("visa", "CC BY 4.0")])
def test_command_without_accepted_licence_ends_with_one_line_and_status_1(tmp_path, capsys, name, licence):
    assert download.main([name, "--to", str(tmp_path / "new")]) == 1
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err.count("\n") == 1
    assert f"is licensed under {licence}" in heard.err
    assert "--accept-licence" in heard.err
    assert not (tmp_path / "new").exists()


def test_command_fetches_and_says_where_the_data_is(archive_at, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(archives.ARCHIVES, "mvtec", archive_at("ranges"))
    assert download.main(["mvtec", "--to", str(tmp_path), "--accept-licence"]) == 0
    said = capsys.readouterr().out
    assert f"MVTec AD is in {tmp_path / 'mvtec'}" in said
    assert "set GRAD_MVTEC" in said
    assert (tmp_path / "mvtec" / MARKER).is_file()


def test_interrupted_command_says_how_to_continue(tmp_path, capsys, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "fetch", interrupt)
    assert download.main(["visa", "--to", str(tmp_path), "--accept-licence"]) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_real_archives_are_described_completely():
    for archive in (archives.MVTEC, archives.VISA):
        assert len(archive.sha256) == 64
        assert len(set(archive.urls)) == len(archive.urls) >= 2
        assert all(url.startswith("https://") and url.endswith(archive.file_name) for url in archive.urls)
