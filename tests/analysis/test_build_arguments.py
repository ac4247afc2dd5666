"""Which build arguments a plugin needs, and why: a table of cases in every lockfile generation."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.analysis.host_warnings import in_short
from factory.analysis.workspace_analysis import PluginAnalysis, analyze_workspace
from factory.errors import ConfigurationError, SourceError

from .tiny_workspace import PLUGIN, SHAPES, Shape, TinyWorkspace, host

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8")
)


def analysed(case: dict[str, Any], folder: Path, shape: Shape) -> PluginAnalysis:
    case = copy.deepcopy(case)
    workspace = TinyWorkspace(
        plugin=case["plugin"],
        members=case.get("members", {}),
        published=case.get("published", {}),
        resolutions=case.get("resolutions", {}),
    ).write(folder, shape)
    listed = {PLUGIN: case.get("written", "")}
    return analyze_workspace(workspace, host(case.get("host", {})), listed).plugins[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_case(case: dict[str, Any], shape: Shape, tmp_path: Path) -> None:
    found = analysed(case, tmp_path, shape)
    assert found.arguments == case["arguments"]
    reasons = {str(argument): str(argument.reason) for argument in found.derived}
    assert {name: reasons.get(name) for name in case.get("reasons", {})} == case.get("reasons", {})
    assert [str(dropped) for dropped in found.dropped] == case.get("dropped", [])
    if shape != "classic":  # which has no peer dependencies and no conditions
        expected = case.get("warnings", [])
        kinds = [
            f"{w.kind}: {w}" if any(":" in e for e in expected) else w.kind for w in found.warnings
        ]
        assert kinds == expected


def test_the_table_covers_every_rule() -> None:
    names = " ".join(case["case"] for case in CASES)
    assert all(f"rule {number}," in names for number in range(1, 8))


def test_computing_again_changes_nothing(tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        first = analysed(case, tmp_path / f"{number}", "protocols")
        again = analysed(case | {"written": first.arguments}, tmp_path / f"{number}b", "protocols")
        assert again.arguments == first.arguments, case["case"]
        assert not again.changed


def test_a_chain_of_ten_thousand_packages(tmp_path: Path) -> None:
    depth = 10_000
    published: dict[str, dict[str, Any]] = {
        f"p{n}@1.0.0": {"dependencies": {f"p{n + 1}": "^1.0.0"}} for n in range(depth)
    }
    published[f"p{depth}@1.0.0"] = {"dependencies": {"@backstage/config": "^1.0.0"}}
    published["@backstage/config@1.0.0"] = {}
    case = {"plugin": {"dependencies": {"p0": "^1.0.0"}}, "published": published}
    found = analysed(case | {"host": {"@backstage/config": "1.0.0"}}, tmp_path, "protocols")
    assert len(found.derived) == depth + 1
    first = next(a for a in found.derived if a.value == "p0")
    assert str(first.reason) == (
        "plugin → p0 1.0.0 → p1 1.0.0 → p2 1.0.0 → p3 1.0.0 → … 9997 more … "
        "→ @backstage/config 1.0.0 (in rhdh, shared)"
    )


def test_native_fields_are_seen_where_packages_are_installed(tmp_path: Path) -> None:
    case = {
        "plugin": {"dependencies": {"a": "^1.0.0"}},
        "published": {
            "a@1.0.0": {"dependencies": {"napi-build-utils": "^2.0.0"}},
            "napi-build-utils@2.0.0": {},
        },
    }
    assert analysed(case, tmp_path, "protocols").arguments == ""
    installed = tmp_path / "node_modules" / "napi-build-utils" / "package.json"
    installed.parent.mkdir(parents=True)
    installed.write_text('{"name": "napi-build-utils", "version": "2.0.0", "binary": {"x": [1]}}')
    found = analysed(case, tmp_path, "protocols")
    assert found.arguments == "--suppress-native-package napi-build-utils"
    assert "has a 'binary' field" in str(found.derived[0].reason)


def test_a_workspace_may_be_a_folder_below_the_root_and_behind_a_link(tmp_path: Path) -> None:
    root = tmp_path / "root"
    TinyWorkspace(
        plugin={"dependencies": {"@acme/client": "workspace:^"}},
        members={"@acme/client": {"dependencies": {"@acme/x-backend": "workspace:^"}}},
    ).write(root, "protocols")
    (tmp_path / "link").symlink_to(root / "plugins")
    found = analyze_workspace(tmp_path / "link", host({}))
    assert [plugin.arguments for plugin in found.plugins] == ["--embed-package @acme/client"]


def test_a_workspace_on_a_newer_backstage_than_the_host_is_reported(tmp_path: Path) -> None:
    workspace = TinyWorkspace(plugin={}).write(tmp_path, "protocols")
    (workspace / "backstage.json").write_text('{"version": "1.50.1"}')
    found = analyze_workspace(workspace, host({}, backstage="1.49.4"))
    assert [str(w) for w in found.warnings] == [
        "the workspace is on Backstage 1.50.1, rhdh on 1.49.4"
    ]
    assert not analyze_workspace(workspace, host({}, backstage="1.50.1")).warnings


def test_a_plugin_that_is_listed_and_no_member_is_an_error(tmp_path: Path) -> None:
    workspace = TinyWorkspace(plugin={}).write(tmp_path, "protocols")
    demo = workspace / "examples/demo"
    demo.mkdir(parents=True)
    (demo / "package.json").write_text('{"name": "demo", "backstage": {"role": "backend-plugin"}}')
    with pytest.raises(ConfigurationError, match="does not belong to the workspace"):
        analyze_workspace(workspace, host({}), {"examples/demo": ""})
    found = analyze_workspace(workspace, host({}))
    assert [warning.kind for warning in found.warnings] == ["left-out"]


@pytest.mark.parametrize("content", [{}, {"package.json": "{}"}])
def test_a_folder_without_plugins_is_an_error(content: dict[str, str], tmp_path: Path) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match="no plugin was found"):
        analyze_workspace(tmp_path, host({}))


def test_one_fact_is_said_once_with_the_count_and_the_worst(tmp_path: Path) -> None:
    asked = {"config": "^1.4.0", "errors": "^3.0.0", "types": "^1.2.0", "gone": "^1.0.0"}
    workspace = TinyWorkspace(
        plugin={"dependencies": {f"@backstage/{n}": a for n, a in asked.items()}},
        published={f"@backstage/{n}@{a[1:]}": {} for n, a in asked.items()},
    ).write(tmp_path, "protocols")
    there = {"config": "1.3.6", "errors": "1.2.7", "types": "1.1.0", "gone": "1.0.0"}
    found = analyze_workspace(workspace, host({f"@backstage/{n}": v for n, v in there.items()}))
    warnings = found.plugins[0].warnings
    assert [warning.kind for warning in warnings] == ["host-version"] * 3
    (short,) = in_short(warnings)
    assert str(short) == (
        "3 packages are requested in versions that the host does not have (--verbose shows all), "
        "as @backstage/errors: the plugin asks for ^3.0.0, rhdh has 1.2.7"
    )
    assert in_short(warnings[:1]) == warnings[:1]
