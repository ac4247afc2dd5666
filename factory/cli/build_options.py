"""The options that ``build`` and ``plan`` have in common: one declaration, the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

SOURCE = "Source"
ARGUMENTS = "Build arguments"
WORK = "How to build"
RESULT = "Result"

ConfigDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        help="Directory with source.json, plugins-list.yaml, .env, patches and overlays; or "
        "with a folder of these for each of several workspaces.",
        rich_help_panel=SOURCE,
    ),
]
RepoPath: TypeAlias = Annotated[
    Path,
    typer.Option(
        help="Where to put the source, or, with --use-local, where it is; for several "
        "workspaces, each in a folder of its name.",
        rich_help_panel=SOURCE,
    ),
]
WorkspacePath: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="The workspace, from the repository's root, such as workspaces/todo. "
        "Overrides source.json; without either, the repository's root.",
        rich_help_panel=SOURCE,
    ),
]
SourceRepo: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Git repository to clone; source.json is then not used.",
        rich_help_panel=SOURCE,
    ),
]
SourceRef: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Branch, tag or commit of --source-repo; without it, its default branch.",
        rich_help_panel=SOURCE,
    ),
]
UseLocal: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--use-local",
        help="Build the tree that is in --repo-path, in place. Patches and overlays change it.",
        rich_help_panel=SOURCE,
    ),
]
Only: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Only these: a workspace, WORKSPACE/PLUGIN, a plugin's path or its package's name. "
        "Patterns as in the shell; repeat it, or put commas between.",
        rich_help_panel=SOURCE,
    ),
]
Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="All but these; patterns as for --only, which it overrides.",
        rich_help_panel=SOURCE,
    ),
]
OutputDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        help="Where the .tgz and .integrity files, logs and build-report.json go; of several "
        "workspaces, each into a folder of its name.",
        rich_help_panel=RESULT,
    ),
]
GenerateBuildArgs: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--generate-build-args",
        help="Compute the build arguments of all listed plugins again, and write them into "
        "plugins-list.yaml.",
        rich_help_panel=ARGUMENTS,
    ),
]
Host: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="The portal that build arguments are computed for: a release that "
        "'plugin-factory host list' shows, or your portal's yarn.lock. "
        "Without it, the newest release.",
        rich_help_panel=ARGUMENTS,
    ),
]
Repair: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--repair/--no-repair",
        help="Retry an export with the build arguments that rhdh-cli's error asks for.",
        rich_help_panel=ARGUMENTS,
    ),
]
PassEnv: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--pass-env",
        metavar="NAME",
        help="A variable that the programs which install packages may see, for a ${NAME} in the "
        "source's .npmrc or .yarnrc.yml; may be repeated. Variables set in .env do not need it.",
        rich_help_panel=WORK,
    ),
]
Jobs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many cores to use. Without it, what the machine or its cgroup allows.",
        rich_help_panel=WORK,
    ),
]
Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="How much memory to use, such as 6G. Without it, what the machine or its cgroup "
        "allows.",
        rich_help_panel=WORK,
    ),
]
FailFast: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--fail-fast",
        help="Stop at the first failure; everything not yet built is skipped.",
        rich_help_panel=WORK,
    ),
]
