"""The files of a configuration: their texts, and that they come together or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.analysis.reasons import DerivedArgument, Reason
from factory.analysis.workspace_analysis import PluginAnalysis
from factory.config.plugins_list import read_plugins_list
from factory.errors import ConfigurationError, StorageError
from factory.scaffolding.writing import (
    place_all,
    refuse_existing,
)
from factory.scaffolding.written_files import plugins_list_with_reasons


def analysis(name: str, fact: str) -> PluginAnalysis:
    reason = Reason(rule=1, chain=("plugin", name), fact=fact)
    return PluginAnalysis(
        path="plugins/x",
        name=name,
        version="1.0.0",
        role="backend-plugin",
        written=None,
        arguments="--embed-package @acme/y",
        derived=(DerivedArgument(option="--embed-package", value="@acme/y", reason=reason),),
        dropped=(),
        warnings=(),
    )


@pytest.mark.parametrize(
    "odd", ["\nplugins/evil: --x", "\r\nevil:", "\x1b[2J", "\u2028evil:", "\x00"]
)
def test_no_name_of_a_package_gets_out_of_its_comment(odd: str, tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text(plugins_list_with_reasons([analysis(f"@acme/x{odd}", f"why{odd}")]))
    listed = read_plugins_list(file)
    assert listed is not None
    assert [entry.path for entry in listed.entries] == ["plugins/x"]
    assert "\x1b" not in file.read_text()


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    text = plugins_list_with_reasons([analysis("@acme/x", "because " * 1000)])
    assert max(len(line) for line in text.splitlines()) < 220


def test_files_come_together_with_their_folders(tmp_path: Path) -> None:
    place_all({tmp_path / "a/b/one": "1", tmp_path / "two": "2"})
    assert (tmp_path / "a/b/one").read_text() == "1"
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["a", "b", "one", "two"]


def test_when_one_cannot_be_moved_all_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_text("mine")
    link, calls = Path.hardlink_to, list[str]()

    def failing(self: Path, target: Path) -> None:
        calls.append(self.name)
        if self.name == "three":
            raise OSError(28, "No space left on device", str(self))
        link(self, target)

    monkeypatch.setattr(Path, "hardlink_to", failing)
    files = {tmp_path / "one": "1", tmp_path / "new/two": "2", tmp_path / "three": "3"}
    with pytest.raises(StorageError, match="nothing was changed"):
        place_all(files)
    # What is there gets a second name first; what is new is moved by one.
    assert calls[0].startswith(".one.")
    assert calls[1:] == ["two", "three"]
    assert [item.name for item in tmp_path.iterdir()] == ["one"]
    assert (tmp_path / "one").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="files exist already"):
        refuse_existing([tmp_path / "one"], force=False)


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(ConfigurationError, match="a folder"):
        refuse_existing([tmp_path / "one"], force=True)
