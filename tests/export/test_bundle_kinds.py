"""Each kind of assets is reproducible or said not to be; leftovers of other builds are none."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from factory.errors import ExportError
from factory.export.bundling import (
    BUNDLE_KINDS,
    find_unknown_bundles,
    remove_federation_leftovers,
    warn_of_unknown_bundles,
)
from factory.export.known_options import asset_options, fit_arguments, makes_both_kinds

FEDERATION, SCALPRUM = BUNDLE_KINDS


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A plugin with both kinds of assets."""
    folder = tmp_path / "dist-dynamic"
    for name in ("dist/mf-manifest.json", "dist-scalprum/plugin-manifest.json"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("noted", "unknown"),
    [
        (["dist", "dist-dynamic/dist-scalprum"], ()),
        (["dist-dynamic/dist-scalprum"], (FEDERATION,)),
        (["dist"], (SCALPRUM,)),
        ([], (FEDERATION, SCALPRUM)),
        (["elsewhere"], (FEDERATION, SCALPRUM)),
    ],
)
def test_every_bundle_that_is_there_has_to_be_noted(
    noted: list[str], unknown: tuple[object, ...], exported: Path, tmp_path: Path
) -> None:
    (tmp_path / "reproducible-bundles.txt").write_text("".join(f"{one}\n" for one in noted))
    assert find_unknown_bundles(exported, {"TMPDIR": str(tmp_path)}) == unknown


def test_without_notes_nothing_is_known(exported: Path, tmp_path: Path) -> None:
    assert find_unknown_bundles(exported, {"TMPDIR": str(tmp_path)}) == BUNDLE_KINDS


def test_what_was_not_bundled_need_not_be_noted(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/index.esm.js").touch()
    assert find_unknown_bundles(tmp_path, {"TMPDIR": str(tmp_path)}) == ()


def test_the_warning_names_plugin_version_and_kind(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_unknown_bundles(BUNDLE_KINDS, "plugins/a", "rhdh-cli 9.9.9")
    first, second = caplog.messages
    assert first.startswith("plugins/a: rhdh-cli 9.9.9 makes the assets for module federation")
    assert "for Scalprum" in second


def test_leftovers_of_module_federation_are_removed_and_all_else_stays(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    (dist / "@mf-types/deep").mkdir(parents=True)
    (dist / "static").mkdir()
    gone = ("remoteEntry.js", "remoteEntry.js.map", "mf-manifest.json", "mf-stats.json")
    kept = ("index.esm.js", "index.d.ts", "static/main.js", "mf.json", "my-remoteEntry.js")
    for name in (*gone, *kept, "@mf-types/deep/x.d.ts", "@mf-types.zip", "@mf-types.d.ts"):
        (dist / name).touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").touch()
    (dist / "mf-link.json").symlink_to(tmp_path / "outside")
    remove_federation_leftovers(tmp_path)
    left = {file.relative_to(dist).as_posix() for file in dist.rglob("*") if not file.is_dir()}
    assert left == set(kept)
    assert not (dist / "@mf-types").exists()
    assert (tmp_path / "outside/file").exists()


def test_a_dist_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/remoteEntry.js").touch()
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin/dist").symlink_to(tmp_path / "elsewhere")
    remove_federation_leftovers(tmp_path / "plugin")
    remove_federation_leftovers(tmp_path / "without")
    assert (tmp_path / "elsewhere/remoteEntry.js").exists()


ARGUMENTS = ("--embed-package", "a", "--no-generate-module-federation-assets")


@pytest.mark.parametrize("version", ["1.8.0", "1.9.1", "1.10.8", "2.0.1", "1.8.0-next.1"])
def test_from_1_8_on_all_arguments_are_passed(version: str) -> None:
    assert fit_arguments(ARGUMENTS, version) == ARGUMENTS


def test_before_that_what_is_done_anyway_is_left_out() -> None:
    assert fit_arguments(ARGUMENTS, "1.7.2") == ("--embed-package", "a")


@pytest.mark.parametrize(
    "word", ["--generate-module-federation-assets", "--no-generate-scalprum-assets"]
)
def test_before_that_what_cannot_be_done_is_an_error(word: str) -> None:
    with pytest.raises(ExportError, match=r"rhdh-cli 1\.7\.2 makes no assets for module") as caught:
        fit_arguments((word,), "1.7.2")
    assert word in (caught.value.found or "")


NO_SCALPRUM = "--no-generate-scalprum-assets"
NO_FEDERATION = "--no-generate-module-federation-assets"


@pytest.mark.parametrize(
    ("systems", "options"),
    [
        ((), ()),
        (("scalprum",), (NO_FEDERATION,)),
        (("module-federation",), (NO_SCALPRUM,)),
        (("new-frontend-system",), (NO_SCALPRUM,)),
        (("scalprum", "new-frontend-system"), ()),
        (("module-federation", "scalprum"), ()),
    ],
)
def test_what_the_portal_does_not_load_is_not_made(
    systems: tuple[str, ...], options: tuple[str, ...]
) -> None:
    assert asset_options(("--embed-package", "a"), systems) == options


@pytest.mark.parametrize(
    "said",
    [
        NO_SCALPRUM,
        NO_FEDERATION,
        "--generate-scalprum-assets",
        "--generate-module-federation-assets",
    ],
)
def test_where_the_author_names_a_kind_the_portal_does_not_decide(said: str) -> None:
    assert asset_options((said,), ("scalprum",)) == ()
    assert asset_options((said,), ("module-federation",)) == ()


def test_from_1_8_on_a_kind_can_be_left_out() -> None:
    assert [makes_both_kinds(version) for version in ("1.7.2", "1.8.0", "2.0.1")] == [
        False,
        True,
        True,
    ]
