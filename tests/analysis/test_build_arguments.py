"""Which build arguments a plugin needs, and why: a table of cases in every lockfile generation."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.analysis.workspace_analysis import PluginAnalysis, analyze_workspace

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
