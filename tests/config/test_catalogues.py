"""Catalogues as they are in production: which of their workspaces are on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory.config.options import build_options
from factory.config.run_plan import RunPlan, plan_run
from factory.errors import ConfigurationError, UsageError

LISTED = "plugins-list.yaml"
DISABLED = "plugins-list.yaml.disabled"


class Catalogue:
    """A configuration directory in which workspaces are made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "catalogue"

    def add(self, folder: str, *lists: str, source: str = '{"repo": "r"}') -> Path:
        workspace = self.config / folder
        workspace.mkdir(parents=True)
        (workspace / "source.json").write_text(source)
        for name in lists:
            (workspace / name).write_text("# why\nplugins/a: --embed-package @acme/a\n")
        return workspace

    def plan(self, config: Path | None = None, only: tuple[str, ...] = ()) -> RunPlan:
        request = build_options(
            config_dir=config or self.config,
            repo_path=self.root / "source",
            output_dir=self.root / "outputs",
            only=only,
        )
        return plan_run(request, {"HOME": str(self.root)}, default_jobs=2)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path)


def names(plan: RunPlan) -> list[str]:
    return [build.name for build in plan.builds]


def like_rhdh(catalogue: Catalogue) -> None:
    """65 workspaces, six of them without a list, with what else such a catalogue keeps."""
    for number in range(65):
        lists = () if number % 11 == 5 else (LISTED,)
        flat = ("true", "false", '"true"')[number % 3]
        workspace = catalogue.add(
            f"workspaces/w{number:02}",
            *lists,
            source=f'{{"repo": "https://example.com/r{number}", "repo-ref": "v1", '
            f'"repo-flat": {flat}, "repo-backstage-version": "1.42.0"}}',
        )
        (workspace / "metadata").mkdir()
        (workspace / "metadata/a.yaml").write_text("kind: Package\n")
        (workspace / "backstage.json").write_text('{"version": "1.42.5"}')
    (catalogue.config / "versions.json").write_text("{}")


def like_veecode(catalogue: Catalogue) -> None:
    """73 workspaces, 30 of which are switched off by the name of their list."""
    for number in range(73):
        catalogue.add(f"workspaces/w{number:02}", DISABLED if number < 30 else LISTED)


@pytest.mark.parametrize(
    ("made", "on", "said"),
    [
        (
            like_rhdh,
            59,
            "6 workspaces are disabled, and not built: without plugins-list.yaml: w05, w16",
        ),
        (
            like_veecode,
            43,
            "30 workspaces are disabled, and not built: with plugins-list.yaml.disabled",
        ),
    ],
)
def test_a_production_catalogue_is_planned(
    catalogue: Catalogue,
    caplog: pytest.LogCaptureFixture,
    made: Callable[[Catalogue], None],
    on: int,
    said: str,
) -> None:
    made(catalogue)
    plan = catalogue.plan()
    assert len(plan.builds) == on
    assert not plan.broken
    assert all(build.plugins for build in plan.builds)
    (once,) = [each for each in caplog.messages if " disabled, and not built" in each]
    assert said in once
    # The same when the folder of the workspaces itself is named.
    assert names(catalogue.plan(catalogue.config / "workspaces")) == names(plan)


def test_a_plain_directory_has_the_plugins_of_an_unlisted_workspace_found(
    catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.add("a")
    catalogue.add("b", LISTED)
    catalogue.add("c", DISABLED)
    plan = catalogue.plan()
    assert {build.name: bool(build.plugins) for build in plan.builds} == {"a": False, "b": True}
    assert (
        "1 workspace is disabled, and not built: with plugins-list.yaml.disabled: c" in caplog.text
    )


def test_a_list_beside_a_disabled_one_counts(catalogue: Catalogue) -> None:
    catalogue.add("workspaces/a", LISTED, DISABLED)
    assert names(catalogue.plan()) == ["a"]


def test_a_workspace_that_is_off_cannot_be_selected(catalogue: Catalogue) -> None:
    catalogue.add("workspaces/a", LISTED)
    catalogue.add("workspaces/b")
    catalogue.add("workspaces/c", DISABLED)
    for name in "bc":
        with pytest.raises(UsageError, match=f"the workspace {name} is disabled"):
            catalogue.plan(only=(name,))


@pytest.mark.parametrize("lists", [(), (DISABLED,)])
def test_a_catalogue_with_nothing_on_is_an_error(
    catalogue: Catalogue, lists: tuple[str, ...]
) -> None:
    catalogue.add("workspaces/a", *lists)
    with pytest.raises(ConfigurationError, match=r"every workspace .* is disabled"):
        catalogue.plan()


def test_one_workspace_that_is_switched_off_is_an_error(catalogue: Catalogue) -> None:
    workspace = catalogue.add("workspaces/a", DISABLED)
    with pytest.raises(ConfigurationError, match="the workspace is disabled"):
        catalogue.plan(workspace)


def test_one_workspace_of_a_catalogue_without_a_list_has_its_plugins_found(
    catalogue: Catalogue,
) -> None:
    (build,) = catalogue.plan(catalogue.add("workspaces/a")).builds
    assert build.plugins is None


def test_a_list_of_another_name_is_not_passed_over(catalogue: Catalogue) -> None:
    catalogue.add("workspaces/a", LISTED)
    catalogue.add("workspaces/b", "plugins-list.yml")
    (broken,) = catalogue.plan().broken
    assert broken.error.problem == "plugins-list.yml is not read"
