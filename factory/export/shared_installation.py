"""An installation taken over by another workspace that would install the very same.

Workspaces often differ in nothing that yarn looks at: two refs of a repository, one workspace built
with two configurations, or once more when a source file has changed. What yarn has put into one of
them is what it would put into the other: symbolic links between packages are relative, and the
files are links to yarn's store in both. So it is linked once more, which takes a tenth of the time.

That holds as long as everything that yarn reads is the same, and nothing but yarn writes into
packages; where that is not sure, each workspace installs for itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.allowed_scripts import INSTALL_SCRIPTS
from factory.export.dynamic import DIST_DYNAMIC
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.toolchain.link_tree import link_tree
from factory.toolchain.linking import (
    reason_against_linking,
    settings_files,
    settings_of,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from factory.toolchain.assembled import Toolchain

MODULES = "node_modules"
# Yarn's own note of what it has installed, without which it runs no script
# (https://yarnpkg.com/configuration/yarnrc#installStatePath).
INSTALL_STATE = ".yarn/install-state.gz"
_LOCKFILE = "yarn.lock"
# No package's name begins with a dot. All but these belong to tools that keep something there.
_HIDDEN = {".bin", ".yarn-state.yml"}
# In a checkout these are yarn's settings; what yarn writes itself is not among them.
_NO_SETTINGS = {"cache", "unplugged", "install-state.gz", "build-state.yml"}
_NOT_SEARCHED = {MODULES, ".git", DIST_DYNAMIC}
# https://yarnpkg.com/protocols: what these refer to is in no lockfile, nor below the workspace.
_ELSEWHERE = lazy_pattern(
    r'^ +resolution: "@?[^@"]+@(?:(?:file|link|portal|exec):|workspace:\.\./)', re.MULTILINE
)
_PATCH = lazy_pattern(r'^ +resolution: "@?[^@"]+@patch:[^"#]*#([^"]*)', re.MULTILINE)
# https://yarnpkg.com/configuration/yarnrc#yarnPath, and the plugins' paths.
_CODE = lazy_pattern(
    r"""^[ \t]*(?:-[ \t]+)?(?:yarnPath|path)[ \t]*:[ \t]*["']?([^"'\s#]+)""", re.MULTILINE
)
_KNOWN_PATCH = lazy_pattern(r"(optional!)?builtin<|(optional!)?(~/|\./)?\.yarn/patches/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """What yarn has put into a workspace: its folders of packages, as they were then.

    ``folders`` are relative to the workspace, with a slash between names. ``manifests`` is what
    each package.json holds by its name: yarn writes them anew in its own order of fields.
    """

    workspace: Path
    folders: tuple[str, ...]
    manifests: Mapping[str, bytes]


def installation_key(
    workspace: Path, toolchain: Toolchain, variables: Mapping[str, str] | None = None
) -> str | None:
    """Return what tells an installation from others, before it is made.

    It covers every manifest, the lockfile, yarn's settings here and above, the versions of node
    and yarn, and all variables that yarn is given. It is a digest, and names no secret.

    Args:
        workspace: its folder.
        toolchain: installs.
        variables: those that count; None for all that yarn is given.

    Returns:
        None where another workspace's installation cannot be taken over: yarn makes no links here,
        a dependency is a folder that no lockfile describes, or a package of the workspace has a
        script that yarn runs when it installs.

    Raises:
        OSError: a file cannot be read.
    """
    environment = toolchain.environment
    if (workspace / MODULES).exists() or not (workspace / _LOCKFILE).is_file():
        return None
    if reason_against_linking(workspace, toolchain.yarn, environment):
        return None
    settings = settings_of(workspace, environment)
    if environment.get("YARN_ENABLE_GLOBAL_CACHE") or any(
        "enableGlobalCache" in each for each in settings
    ):
        return None
    return installation_inputs(workspace, toolchain, variables)


def installation_inputs(
    workspace: Path, toolchain: Toolchain, variables: Mapping[str, str] | None = None
) -> str | None:
    """Return a digest of all that decides what yarn installs in a workspace.

    Args:
        workspace: its folder.
        toolchain: installs.
        variables: those that count; None for all that yarn is given.

    Returns:
        None where something else decides it, too: there is no lockfile, a dependency is a folder
        that it does not describe, or a package of the workspace has a script that yarn runs.

    Raises:
        OSError: a file cannot be read.
    """
    lockfile = workspace / _LOCKFILE
    if not lockfile.is_file():
        return None
    text = lockfile.read_text(encoding="utf-8", errors="replace")
    if _ELSEWHERE.search(text) or not all(map(_KNOWN_PATCH.match, _PATCH.findall(text))):
        return None
    if any(map(_has_script, find_folders(workspace))):
        return None
    digest = hashlib.sha256()
    for part in _parts(workspace, toolchain, variables):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def installation_of(workspace: Path) -> Installation | None:
    """Return what has just been installed into a workspace, before anything is built there.

    Returns:
        None where an install script has made a folder of its own beside the packages, as Prisma
        does with the code that it generates: what writes there once may do so again.
    """
    folders = [folder / MODULES for folder in find_folders(workspace)]
    installed = [folder for folder in folders if folder.is_dir()]
    if not all(_is_yarns(entry.name) for folder in installed for entry in folder.iterdir()):
        return None
    return Installation(
        workspace=workspace,
        folders=tuple(folder.relative_to(workspace).as_posix() for folder in installed),
        manifests=dict(read_manifests(workspace)),
    )


def take_over(
    installation: Installation, workspace: Path, *, checkpoint: Callable[[], None] = lambda: None
) -> bool:
    """Put what another workspace has into this one, which has nothing yet.

    Returns whether by hard links: where those cannot be made, files are copied.

    Args:
        installation: what the other has.
        workspace: the folder of this one.
        checkpoint: called again and again, since a large tree takes seconds; whatever it raises
            ends the work as it stands.

    Raises:
        OSError: it cannot be; no package is left here, and yarn can install as if nothing had been.
    """
    done: list[Path] = []
    linked = True
    try:
        for name in installation.folders:
            target = workspace / name
            making = Path(tempfile.mkdtemp(prefix=f".{MODULES}-", dir=target.parent))
            done.append(making)
            making.chmod(0o755)
            linked &= link_tree(
                installation.workspace / name, making, wanted=_is_yarns, checkpoint=checkpoint
            )
            making.rename(target)
            done[-1] = target
        state = workspace / INSTALL_STATE
        state.parent.mkdir(exist_ok=True)
        shutil.copyfile(installation.workspace / INSTALL_STATE, state)
        for name, content in installation.manifests.items():
            if (workspace / name).read_bytes() != content:
                (workspace / name).write_bytes(content)
    except OSError:
        for folder in done:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return linked


def _parts(
    workspace: Path, toolchain: Toolchain, variables: Mapping[str, str] | None
) -> Iterator[bytes]:
    """Everything that yarn reads, each with its name."""
    yield f"node {toolchain.node.version} yarn {toolchain.yarn.version}".encode()
    temporary = str(toolchain.temporary)
    if variables is None:
        variables = toolchain.child_environment(installs=True)
    for name, value in sorted(variables.items()):
        yield f"{name}={value.replace(temporary, '')}".encode()
    for file in settings_files(workspace, toolchain.environment):
        yield file.read_bytes()
    for file in _code_files(workspace, toolchain):
        yield file.read_bytes()
    for name, content in read_manifests(workspace):
        yield name.encode()
        yield content
    yield (workspace / _LOCKFILE).read_bytes()
    own = workspace / ".yarn"
    for file in sorted(own.rglob("*")):
        relative = file.relative_to(own)
        if relative.parts[0] not in _NO_SETTINGS and file.is_file():
            yield str(relative).encode()
            yield file.read_bytes()


def _code_files(workspace: Path, toolchain: Toolchain) -> Iterator[Path]:
    """The workspace's own yarn and its plugins, wherever they are, and npm's settings."""
    for file in settings_files(workspace, toolchain.environment):
        text = file.read_text(encoding="utf-8", errors="replace")
        for named in _CODE.findall(text):
            if (code := file.parent / named).is_file():
                yield code
    if (settings := workspace / ".npmrc").is_file():
        yield settings


def _has_script(folder: Path) -> bool:
    """Whether yarn runs something in a package's folder when it installs, which may write there."""
    manifest = folder / "package.json"
    if not manifest.is_file():
        return False
    if (folder / "binding.gyp").exists():
        return True
    try:
        scripts = parse_object(manifest.read_bytes()).get("scripts")
    except ValueError:
        return True  # yarn says so itself
    return isinstance(scripts, dict) and not scripts.keys().isdisjoint(INSTALL_SCRIPTS)


def read_manifests(workspace: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what each package.json of a workspace holds, by its path with a slash between names.

    Raises:
        OSError: one cannot be read.
    """
    for folder in find_folders(workspace):
        manifest = folder / "package.json"
        if manifest.is_file():
            yield manifest.relative_to(workspace).as_posix(), manifest.read_bytes()


def find_folders(workspace: Path) -> Iterator[Path]:
    """Yield the workspace's folder and all below it, but for links, packages and exports."""
    for folder, names, _ in os.walk(workspace):
        names[:] = sorted(set(names) - _NOT_SEARCHED)
        yield Path(folder)


def _is_yarns(name: str) -> bool:
    return not name.startswith(".") or name in _HIDDEN
