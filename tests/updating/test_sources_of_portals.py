"""``plugin-factory update``, where one portal has a source of its own beside that of all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.errors import StorageError
from factory.updating.file_edits import FileEdit, write_edits
from tests.analysis.tiny_workspace import PLUGIN
from tests.updating.forge import LIST, Desk, Upstream

OLDER = "older"
LAYER = f"portals/{OLDER}"


@pytest.fixture
def upstream(desk: Desk) -> Upstream:
    """Releases of two Backstages; the newer one fits only the portal of all."""
    desk.write_portal("1.42.5", name=OLDER)
    (desk.config / "portals.yaml").write_text(f"hosts: [../portal.json, ../{OLDER}.json]\n")
    return desk.new_upstream()


def test_each_source_moves_to_the_newest_that_fits_its_own_portal(
    desk: Desk, upstream: Upstream
) -> None:
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    third = upstream.release("1.2.0", backstage="1.45.0")
    desk.configure(first)
    desk.configure(first, LAYER, listed=None, fields={"repo-backstage-version": "1.41.0"})

    done = desk.update("--json")

    assert done.code == 0, done.err
    assert (desk.ref(), desk.ref(LAYER)) == (third, second)
    of_all, own = done.workspace(), done.workspace(OLDER)
    assert (of_all["portal"], own["portal"]) == (None, OLDER)
    assert own["why"] == f"the newest that fits {OLDER}, and 1 newer one does not"
    assert f"--- a/{LAYER}/source.json" in own["diff"]
    assert (
        '"repo-backstage-version" :  "1.42.0"' in (desk.config / LAYER / "source.json").read_text()
    )
    assert desk.update("--check").code == 0


@pytest.mark.parametrize(
    ("only", "found"),
    [(OLDER, [OLDER]), (f"{OLDER}/{PLUGIN}", [OLDER]), (PLUGIN, ["config", OLDER])],
)
def test_one_portals_source_is_chosen_by_its_name(
    desk: Desk, upstream: Upstream, only: str, found: list[str]
) -> None:
    first = upstream.release("1.0.0")
    upstream.release("1.1.0")
    desk.configure(first)
    desk.configure(first, LAYER, listed=None)
    done = desk.update("--json", f"--only={only}")
    assert done.code == 0, done.err
    assert [each["name"] for each in done.json["workspaces"]] == found


def test_of_several_workspaces_only_those_with_a_source_of_their_own_are_named_twice(
    desk: Desk, upstream: Upstream
) -> None:
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    for folder in ("one", "two", f"one/{LAYER}"):
        desk.configure(first, folder)
    (desk.config / f"two/{LAYER}").mkdir(parents=True)
    (desk.config / f"two/{LAYER}/plugins-list.yaml").write_text(LIST)
    done = desk.update("--json")
    assert done.code == 0, done.err
    assert [each["name"] for each in done.json["workspaces"]] == [f"{OLDER}/one", "one", "two"]
    assert desk.ref(f"one/{LAYER}") == second


def test_arguments_that_change_go_into_the_portals_own_list(desk: Desk, upstream: Upstream) -> None:
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0", library=True)
    desk.configure(second)
    (desk.config / "plugins-list.yaml").write_text(LIST)
    desk.configure(first, LAYER, listed=None)
    repository = desk.make_repository()

    committed = desk.update("--json", "--commit", "branch", f"--only={OLDER}")
    written = desk.update("--json", f"--only={OLDER}")

    assert (committed.code, written.code) == (0, 0), committed.err + written.err
    own = desk.config / LAYER / "plugins-list.yaml"
    assert own.read_text() == LIST.replace(
        f"{PLUGIN}:   # the backend", f"{PLUGIN}: --embed-package @acme/lib   # the backend"
    )
    assert (desk.config / "plugins-list.yaml").read_text() == LIST
    assert f"--- /dev/null\n+++ b/{LAYER}/plugins-list.yaml" in written.workspace(OLDER)["diff"]
    request = committed.workspace(OLDER)["change-request"]
    assert request["branch"] == f"plugin-factory/update/{OLDER}"
    shown = repository.git("show", f"{request['branch']}:{LAYER}/plugins-list.yaml")
    assert shown.strip() == own.read_text().strip()
    own.unlink()
    repository.git("checkout", "--quiet", ".")
    again = desk.update("--json", "--commit", "branch", f"--only={OLDER}")
    assert again.workspace(OLDER)["change-request"]["state"] == "unchanged"
    patches = desk.root / "patches"
    desk.update("--commit", "patch", f"--patches={patches}", f"--only={OLDER}")
    assert [file.name for file in patches.iterdir()] == [f"{OLDER}.patch"]


def test_a_portals_own_list_follows_the_source_of_all(desk: Desk, upstream: Upstream) -> None:
    """With the arguments that this portal needs, in one change with the source."""
    first = upstream.release("1.0.0")
    upstream.release("1.1.0", library=True)
    desk.configure(first)
    own = desk.config / LAYER / "plugins-list.yaml"
    for name in (OLDER, "nobody"):
        (desk.config / "portals" / name).mkdir(parents=True)
        (desk.config / "portals" / name / "plugins-list.yaml").write_text(f"{PLUGIN}: # ours\n")

    done = desk.update("--json")

    assert done.code == 0, done.err
    embedding = f"{PLUGIN}: --embed-package @acme/lib"
    assert embedding in (desk.config / "plugins-list.yaml").read_text()
    assert own.read_text() == f"{embedding} # ours\n"
    changed = [change["path"] for change in done.workspace()["arguments"]]
    assert changed == [PLUGIN, f"{OLDER}/{PLUGIN}"]
    assert "no portal is called nobody" in done.err
    stays = desk.config / "portals/nobody/plugins-list.yaml"
    assert stays.read_text() == f"{PLUGIN}: # ours\n"


def test_a_folder_of_a_portal_that_is_not_known_is_told_and_the_others_move(
    desk: Desk, upstream: Upstream
) -> None:
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first)
    desk.configure(first, "portals/nobody", listed=None)
    done = desk.update("--json")
    assert done.code == 3
    error = done.workspace("nobody")["error"]
    assert "no portal is called nobody" in json.dumps(error)
    assert "portals.yaml" in json.dumps(error)
    assert desk.ref() == second


def test_a_new_file_is_gone_again_where_another_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "source.json", tmp_path / "plugins-list.yaml"
    old.write_text("old")
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target == old:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    edits = (
        FileEdit(file=new, before=None, after="new"),
        FileEdit(file=old, before="old", after="changed"),
    )
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        with pytest.raises(StorageError):
            write_edits(tmp_path, edits)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("source.json", "old")
    ]
    write_edits(tmp_path, edits)
    assert (old.read_text(), new.read_text()) == ("changed", "new")
