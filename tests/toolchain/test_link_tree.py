"""A folder once more, as hard links: what is in it, and what is left out."""

from __future__ import annotations

from pathlib import Path

from factory.toolchain.link_tree import link_tree

FILES = (
    "a.js",
    "a.d.ts",
    "README.md",
    "d.ts",
    "deep/er/b.js.map",
    "deep/er/b.js",
    "typescript/lib/lib.d.ts",
    "deep/@types/node/index.d.ts",
    "deep/types/index.d.ts",
)


def made(folder: Path) -> Path:
    for name in FILES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (folder / "link.d.ts").symlink_to("a.d.ts")
    return folder


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_all_is_there_and_is_the_same_file(tmp_path: Path) -> None:
    source, target = made(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    assert link_tree(source, target)
    assert files_of(target) == {*FILES, "link.d.ts"}
    assert all((source / name).samefile(target / name) for name in FILES)
    assert (target / "link.d.ts").is_symlink()


def test_files_are_left_out_by_the_end_of_their_names_but_for_whole_folders(
    tmp_path: Path,
) -> None:
    source, target = made(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    endings = (".d.ts", ".map", ".md")
    assert link_tree(source, target, endings=endings, whole=frozenset({"typescript", "@types"}))
    left_out = {"a.d.ts", "README.md", "deep/er/b.js.map", "deep/types/index.d.ts"}
    assert files_of(target) == {*FILES, "link.d.ts"} - left_out
