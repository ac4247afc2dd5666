"""What earlier builds left beside the newest archives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.reports.built_plugins import find_built_plugins
from tests.oci.plugin_archives import TODO, pack

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_of_a_plugin_the_newest_version_is_taken_and_the_leftover_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for version in ("0.9.0", "0.10.0", "0.10.0-rc.1"):
        pack(tmp_path / f"todo-{version}.tgz", TODO | {"version": version}, {})
    pack(tmp_path / "other.tgz", TODO | {"name": "other"}, {})

    (built,) = find_built_plugins([tmp_path])

    assert sorted(plugin.version for plugin in built.plugins) == ["0.10.0", TODO["version"]]
    left = {record.getMessage().split(" ")[0] for record in caplog.records}
    assert left == {str(tmp_path / f"todo-{version}.tgz") for version in ("0.9.0", "0.10.0-rc.1")}
