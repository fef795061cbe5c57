"""The repository itself: what a stranger's clone must hold, and the lists that must agree with each other."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gradbook.paths import repository
from pages import extension

ROOT = repository()
TOP_LEVEL = (
    "README.md CONTRIBUTING.md CHANGELOG.md LICENSE CITATION.cff Makefile pyproject.toml requirements.txt "
    "requirements-results.txt requirements.lock requirements.hashes _config.yml _toc.yml package.json "
    "package-lock.json .ci/run .binder .github/workflows .gitattributes .gitignore .pre-commit-config.yaml Snakefile "
    "book gradlib data tests profiles"
)
# In pieces, so that this file passes its own test.
INDEX_HOSTS = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
]


def requirements(name: str) -> dict[str, Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return {canonicalize_name(read.name): read for read in map(Requirement, filter(None, lines))}


@pytest.mark.parametrize("name", TOP_LEVEL.split())
def test_repository_has(name: str) -> None:
    assert (ROOT / name).exists()


def test_library_asks_for_nothing_that_requirements_leave_out() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["book"]]
    assert {canonicalize_name(name) for name in asked} <= set(requirements("requirements.txt"))


def test_citation_is_of_the_library_s_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project["version"]


def test_lock_holds_each_requirement_within_its_bounds() -> None:
    locked = requirements("requirements.lock")
    for name, wanted in requirements("requirements.txt").items():
        assert name in locked, f"{name} is not in requirements.lock: run `make lock`"
        (pin,) = locked[name].specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(pin.version), f"{name} {pin.version} is outside {wanted.specifier}"


def test_the_same_versions_are_installed_file_by_file_checked() -> None:
    pins = [line.strip() for line in (ROOT / "requirements.lock").read_text().splitlines()]
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.hashes").read_text().strip())
    assert [block.split("\\", 1)[0].strip() for block in blocks] == pins, "run `make lock`"
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)


def test_javascript_versions_are_exact_and_locked_by_hash() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["dependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert packages[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in package and "resolved" not in package for package in packages.values())


def test_no_file_names_a_package_index() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        text = path.read_bytes().decode(errors="ignore") if path.is_file() else ""
        assert not [host for host in INDEX_HOSTS if host in text], f"{name} names a package index"


def test_every_page_of_the_contents_exists() -> None:
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    pages = [contents["root"], *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"])]
    for page in pages:
        assert [suffix for suffix in (".md", ".ipynb") if (ROOT / (page + suffix)).exists()], f"no source for {page}"


def test_continuous_integration_runs_nothing_but_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text().splitlines() if line and not line.startswith(("#", " "))]
    assert commands[-1] == "make test"
    assert not re.search(r"\b(pip|npm|pytest|ruff)\b", script.read_text())
    assert subprocess.run(["bash", "-n", script]).returncode == 0


def test_make_says_which_python_it_needs(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    answer = subprocess.run([make, ".venv/bin/python"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert answer.returncode != 0
    assert "Python 3.11.4 or newer is needed" in answer.stderr
    assert not (tmp_path / ".venv").exists()


def test_javascript_is_installed_by_the_packaged_node_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build = extension("vendor")
    (tmp_path / "package.json").write_text('{"name": "nothing", "version": "1.0.0"}')
    lock = {"name": "nothing", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "nothing"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(build, "REPOSITORY", tmp_path)
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    build.install_javascript()
    (tmp_path / "package-lock.json").unlink()
    with pytest.raises(RuntimeError, match="npm ci"):
        build.install_javascript()


def test_vendored_files_are_made_again_when_the_lock_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    build = extension("vendor")
    before = build.fingerprint()
    shutil.copy(ROOT / "package-lock.json", tmp_path)
    monkeypatch.setattr(build, "REPOSITORY", tmp_path)
    assert build.fingerprint() == before
    (tmp_path / "package-lock.json").write_text("{}")
    assert build.fingerprint() != before
