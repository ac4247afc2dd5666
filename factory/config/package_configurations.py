"""Published plugins that a command line names, as the configuration directory that says the same.

So everything that is true of a ``source.json`` is true of ``--package``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.config.allowed_scripts import parse_allowed_scripts
from factory.config.default_folders import CONFIG_DIR, REPO_PATH
from factory.config.package_spec import PackageSpec, parse_as_of, parse_package_spec
from factory.config.source_file import SOURCE_FILE
from factory.errors import Place, UsageError
from factory.files import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.config.options import BuildOptions, SourceOptions


def write_package_configurations(options: BuildOptions, folder: Path) -> BuildOptions:
    """Return the options of a run that builds what ``--package`` and ``--package-file`` name.

    Without either they stay as they are. One package is one workspace, several are one each, named
    after the package.

    Args:
        options: as given.
        folder: an empty folder that outlives the run: configurations go there, and the source
            unless ``--repo-path`` is given.

    Raises:
        UsageError: other options name a source, too, or a package is named twice.
        ConfigurationError: a package's name cannot be read.
    """
    source = options.source
    if not source.package and source.package_file is None:
        return options
    _refuse_other_sources(source)
    if source.resolve_as_of:
        parse_as_of(source.resolve_as_of)
    parse_allowed_scripts(source.allow_scripts)
    specs = read_package_specs(source)
    config_dir = folder / "config"
    for spec in specs.values():
        own = config_dir / spec.folder_name if len(specs) > 1 else config_dir
        own.mkdir(parents=True)
        text = json.dumps({"package": str(spec)}, indent=2)
        (own / SOURCE_FILE).write_text(f"{text}\n", encoding="utf-8")
    repo_path = folder / "source" if source.repo_path == REPO_PATH else source.repo_path
    return replace(options, source=replace(source, config_dir=config_dir, repo_path=repo_path))


def read_package_specs(source: SourceOptions) -> dict[str, PackageSpec]:
    """Return the packages that are named, by the names of their folders in lower case.

    Raises:
        UsageError: none is named, or one twice.
        ConfigurationError: a package's name cannot be read.
    """
    specs: dict[str, PackageSpec] = {}
    for text, place in _read_texts(source):
        spec = parse_package_spec(text, place)
        earlier = specs.setdefault(spec.folder_name.casefold(), spec)
        if earlier is not spec:
            raise UsageError(
                f"the package {spec.name} is named twice",
                place=place,
                found=f"{earlier} and {spec}",
                expected="each package once, since they would give the same artifact",
            )
    if not specs:
        raise UsageError(
            "no package is named",
            place=Place(file=source.package_file) if source.package_file else None,
            expected="a line with a name, such as @scope/plugin-x@1.2.3",
        )
    return specs


def _read_texts(source: SourceOptions) -> Iterator[tuple[str, Place | None]]:
    for text in source.package:
        yield text, None
    if source.package_file:
        for number, line in enumerate(read_text(source.package_file).splitlines(), start=1):
            text = line.partition("#")[0].strip()
            if text:
                yield text, Place(file=source.package_file, line=number)


def _refuse_other_sources(source: SourceOptions) -> None:
    for option, given in (
        ("--source-repo", source.source_repo),
        ("--source-ref", source.source_ref),
        ("--workspace-path", source.workspace_path),
        ("--use-local", source.use_local),
        ("--config-dir", source.config_dir != CONFIG_DIR and source.config_dir),
    ):
        if given:
            raise UsageError(
                f"--package and {option} exclude each other",
                found=option if given is True else f"{option} {given}",
                expected="one of them",
                hint='for patches, overlays and a fixed yarn.lock write "package" into a '
                "source.json, and name its folder with --config-dir"
                if option == "--config-dir"
                else None,
            )
