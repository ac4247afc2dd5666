"""Two factories on one cache and one configuration at the same time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .tiny_workspace import Desk


def folders(desk: Desk, **names: str) -> list[str | Path]:
    """Options that name other folders than the desk's own."""
    return [
        word
        for option, name in names.items()
        for word in (f"--{option.replace('_', '-')}", desk.root / name)
    ]


def warnings_of(said: str) -> list[str]:
    return [line for line in said.splitlines() if "warning" in line.lower()]


@pytest.mark.parametrize("other", ["repo_path", "output_dir"])
def test_with_one_folder_for_both_the_second_says_who_is_at_work(
    desk: Desk, undisturbed: dict[str, bytes], other: str
) -> None:
    shared = desk.source if other == "output_dir" else desk.outputs
    with desk.running("--no-cache") as first:
        assert first.stdout
        line = next(line for line in first.stdout if "toolchain" in line)
        second = desk.build("--no-cache", *folders(desk, **{other: "other"}))
        assert second.code == 13, line + second.said
        assert f"another run uses {shared}" in second.said
        assert str(first.pid) in second.said
        said, _ = first.communicate(timeout=300)
        assert first.returncode == 0, said
    assert desk.artifacts() == undisturbed


def test_with_folders_of_their_own_both_make_the_same(
    desk: Desk, undisturbed: dict[str, bytes]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(desk.build, *folders(desk, repo_path=f"s{name}", output_dir=f"o{name}"))
            for name in "ab"
        ]
        for run in runs:
            assert run.result().code == 0, run.result().said
            assert warnings_of(run.result().said) == []
    for name in "ab":
        made = {
            file.name: file.read_bytes()
            for file in (desk.root / f"o{name}").iterdir()
            if file.name in undisturbed
        }
        assert made == undisturbed
    # What both have put into the cache is whole.
    assert desk.build().code == 0
    assert all(plugin["cached"] for plugin in desk.report["plugins"])
    assert desk.artifacts() == undisturbed
    assert os.listdir(desk.plugin_cache / "making") == []  # noqa: PTH208 - of names
