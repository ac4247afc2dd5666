"""Published packages as they are named: in source.json, with --package, in a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.config.options import BuildOptions, build_options
from factory.config.package_configurations import write_package_configurations
from factory.config.package_spec import PackageSpec, parse_as_of, parse_package_spec
from factory.config.run_plan import RunPlan, plan_run
from factory.config.source_file import read_source_file
from factory.errors import ConfigurationError, FactoryError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("@acme/plugin-x", "@acme/plugin-x", "latest"),
        ("@acme/plugin-x@1.2.3", "@acme/plugin-x", "1.2.3"),
        (" plugin-x@^1.2.0 ", "plugin-x", "^1.2.0"),
        ("plugin-x@next", "plugin-x", "next"),
        ("plugin-x@>=1 <3 || 4.x", "plugin-x", ">=1 <3 || 4.x"),
    ],
)
def test_a_package_is_a_name_and_what_is_wanted(text: str, name: str, wanted: str) -> None:
    assert parse_package_spec(text) == PackageSpec(name=name, wanted=wanted)


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "@acme", "@acme/", "../x", "/x", "file:x", "x@", "x@file:../y", "x@https://y/z",
        "git@github.com:a/b", "https://x/y.tgz", "a/b", "x@1 || file:y", "-x/y", "x\n@1", "a" * 300,
        "x@npm:y", "@a/b/c", "x@" + "1" * 300,
    ],
)  # fmt: skip
def test_what_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_package_spec(text)
    assert "@scope/plugin-x" in (caught.value.expected or "")


@given(st.text(max_size=30))
def test_any_text_is_a_package_or_refused(text: str) -> None:
    try:
        spec = parse_package_spec(text)
    except FactoryError:
        return
    assert "/" not in spec.folder_name
    assert parse_package_spec(str(spec)) == spec


@pytest.mark.parametrize("text", ["2026-06-15", "now", " now "])
def test_a_day_is_read(text: str) -> None:
    assert parse_as_of(text) == text.strip()


@pytest.mark.parametrize("text", ["", "2026-6-15", "2026-02-30", "yesterday", "2026-06-15T00:00"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        parse_as_of(text)


def run(options: BuildOptions, folder: Path) -> RunPlan:
    written = write_package_configurations(options, folder)
    return plan_run(written, {}, default_jobs=1)


def test_one_package_is_a_workspace_and_several_are_one_each(tmp_path: Path) -> None:
    one, several = tmp_path / "one", tmp_path / "several"
    first = run(build_options(package=("@acme/plugin-x@^1",), output_dir=tmp_path / "o"), one)
    (plan,) = first.builds
    assert not first.several
    assert plan.source
    assert plan.source.package == PackageSpec(name="@acme/plugin-x", wanted="^1")
    assert (plan.source.repo, plan.source.ref) == ("pkg:npm/%40acme/plugin-x", "^1")
    assert plan.repo_path == one / "source"
    assert not plan.keeps_configuration
    file = tmp_path / "packages.txt"
    file.write_text("# ours\nplugin-y  # the old one\n\n@acme/plugin-z@2.0.0\n", encoding="utf-8")
    options = build_options(
        package=("@acme/plugin-x",),
        package_file=file,
        output_dir=tmp_path / "o",
        resolve_as_of="now",
        package_feature="x",
        allow_scripts=("a,@b/c",),
    )
    second = run(options, several)
    assert [each.name for each in second.builds] == ["acme-plugin-x", "acme-plugin-z", "plugin-y"]
    assert all(each.source and each.source.resolve_as_of == "now" for each in second.builds)
    assert all(each.source and each.source.feature == "x" for each in second.builds)
    allowed = [each.source.scripts.named for each in second.builds if each.source]
    assert allowed == [("@b/c", "a")] * 3


def test_without_packages_options_stay(tmp_path: Path) -> None:
    options = build_options(config_dir=tmp_path)
    assert write_package_configurations(options, tmp_path / "x") is options
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("others", "option"),
    [
        ({"source_repo": "https://x/y"}, "--source-repo"),
        ({"source_ref": "main"}, "--source-ref"),
        ({"use_local": True}, "--use-local"),
        ({"workspace_path": "x"}, "--workspace-path"),
    ],
)
def test_other_sources_exclude_packages(
    tmp_path: Path, others: dict[str, Any], option: str
) -> None:
    with pytest.raises(UsageError, match=option):
        write_package_configurations(build_options(package=("x",), **others), tmp_path)


def test_a_configuration_directory_is_where_a_package_is_written_down(tmp_path: Path) -> None:
    options = build_options(package=("x",), config_dir=tmp_path)
    with pytest.raises(UsageError, match="--config-dir") as caught:
        write_package_configurations(options, tmp_path)
    assert '"package"' in (caught.value.hint or "")


def test_a_package_is_named_once_and_a_file_names_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named twice"):
        write_package_configurations(build_options(package=("x@1.0.0", "X@2.0.0")), tmp_path)
    file = tmp_path / "none.txt"
    file.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no package is named"):
        write_package_configurations(build_options(package_file=file), tmp_path)
    file.write_text("x\n../y\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        write_package_configurations(build_options(package_file=file), tmp_path)
    assert str(caught.value.place).endswith("none.txt:2")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        write_package_configurations(build_options(package_file=tmp_path / "absent"), tmp_path)


def source(folder: Path, **fields: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "source.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder


def test_source_json_names_a_package_in_place_of_a_repository(tmp_path: Path) -> None:
    read = read_source_file(
        source(
            tmp_path,
            package="@acme/plugin-x@^1.2.0",
            **{
                "resolve-as-of": "2026-06-15",
                "package-feature": "./alpha#default",
                "allow-scripts": ["better-sqlite3"],
            },
        )
    )
    assert read
    assert str(read.package) == "@acme/plugin-x@^1.2.0"
    assert (read.resolve_as_of, read.feature) == ("2026-06-15", "./alpha#default")
    assert read.workspace_path == "."


@pytest.mark.parametrize(
    "field", ["repo", "repo-ref", "workspace-path", "repo-backstage-version", "repo-ref-name"]
)
def test_a_package_and_what_is_of_a_repository_exclude_each_other(
    tmp_path: Path, field: str
) -> None:
    with pytest.raises(ConfigurationError, match="exclude each other") as caught:
        read_source_file(source(tmp_path, package="x", **{field: "1.42.0"}))
    assert field in str(caught.value.place)


def test_neither_says_that_one_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_source_file(source(tmp_path))
    assert caught.value.expected == 'one of the fields "repo", "package"'


def test_what_is_of_packages_is_ignored_beside_a_repository(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read = read_source_file(source(tmp_path, repo=".", **{"package-feature": "x"}))
    assert read
    assert read.feature is None
    assert "package-feature is for packages" in caplog.text


def test_a_workspace_path_is_of_repositories_alone(tmp_path: Path) -> None:
    options = build_options(
        config_dir=source(tmp_path / "config", package="x"),
        repo_path=tmp_path / "source",
        output_dir=tmp_path / "outputs",
        workspace_path="workspaces/x",
    )
    with pytest.raises(UsageError, match="--workspace-path is for repositories"):
        plan_run(options, {}, default_jobs=1)
