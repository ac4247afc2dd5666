"""``npm pack``: the exported folder becomes a ``.tgz``, with an ``.integrity`` file beside it.

npm decides what belongs into the archive; the archive itself is written anew, the same everywhere
(:mod:`factory.export.normal_archive`). Nothing appears under its final name before it is whole: an
artifact is packed in a folder of the run, checked, and then moved into the output directory.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.archives.integrity import integrity_of
from factory.archives.npm_package import INTEGRITY_SUFFIX, archive_of_npm
from factory.config.build_plan import APP_CONFIG
from factory.errors import PackError
from factory.export.normal_archive import write_normal_archive
from factory.files import move_durably
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner

PACKING_PREFIX = ".packing-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file in the output directory: its name, and its size in bytes.

    ``sha256``, in hexadecimal digits, is that of its bytes where these were compared with it when
    they were written; "" elsewhere.
    """

    name: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedPlugin:
    """A plugin as it is shipped.

    ``tgz`` is the archive; ``integrity`` is in the form of W3C Subresource Integrity,
    ``sha512-<base64>``; ``files`` are all that belong to it, the archive first.
    """

    name: str
    version: str
    tgz: Path
    integrity: str
    files: tuple[Artifact, ...]


def pack_plugin(
    exported: Path,
    output_dir: Path,
    *,
    app_config: Path | None,
    toolchain: Toolchain,
    runner: LoggedRunner,
    task: str,
) -> PackedPlugin:
    """Pack an exported plugin into ``output_dir``.

    Beside ``NAME-VERSION.tgz`` appear ``NAME-VERSION.tgz.integrity`` and, when the configuration
    has one, ``NAME-VERSION.tgz.app-config.dynamic.yaml``.

    Raises:
        PackError: npm failed, or the archive is not what it says.
        StorageError: the disk is full.
    """
    # The folder is in the output directory, so that the move at the end is a rename.
    with tempfile.TemporaryDirectory(prefix=PACKING_PREFIX, dir=output_dir) as folder:
        packing, npms = Path(folder, "packed"), Path(folder, "npm")
        packing.mkdir()
        npms.mkdir()
        try:
            completed = runner.run(
                (
                    *(toolchain.npm_command, "pack", str(exported), "--json"),
                    *("--ignore-scripts", "--pack-destination", str(npms)),
                ),
                cwd=exported.parent,
                env=toolchain.child_environment(installs=False, task=f"pack-{task}"),
                on_line=_tell_nobody,
            )
        except ProcessFailed as failure:
            raise PackError(
                f"npm pack of {exported} failed",
                found=failure.reason,
                details=failure.completed.last_words,
                hint=f"'npm pack {exported} --dry-run' repeats it",
                log=runner.log,
            ) from failure
        runner.on_line("packed")
        described = _read_description(completed.stdout, runner.log)
        packed = npms / str(described["filename"])
        _refuse_unlike(packed, described, runner.log)
        tgz = packing / packed.name
        write_normal_archive(packed, tgz)
        integrity = integrity_of(tgz)
        (packing / f"{tgz.name}{INTEGRITY_SUFFIX}").write_text(f"{integrity}\n", encoding="utf-8")
        if app_config:
            shutil.copyfile(app_config, packing / f"{tgz.name}.{APP_CONFIG}")
        names = sorted(item.name for item in packing.iterdir())
        names.sort(key=lambda name: name != tgz.name)
        files = tuple(Artifact(name=n, size=(packing / n).stat().st_size) for n in names)
        # The archive last: whoever sees it finds its integrity file already there.
        for file in reversed(files):
            made = packing / file.name
            made.chmod(made.stat().st_mode & 0o644)  # less what the umask takes
            move_durably(made, output_dir / file.name)
    return PackedPlugin(
        name=str(described["name"]),
        version=str(described["version"]),
        tgz=output_dir / names[0],
        integrity=integrity,
        files=files,
    )


def _tell_nobody(_: str) -> None:
    """What npm prints is a description for programs, which the log has."""


def _read_description(said: str, log: Path) -> Mapping[str, object]:
    try:
        return archive_of_npm(said)
    except ValueError as error:
        raise PackError(
            "npm does not report what it has packed",
            found=said.strip()[:200] or "nothing",
            expected='[{"filename": "NAME-VERSION.tgz", …}], as npm pack --json prints it',
            hint="check the npm that is used: npm --version",
            log=log,
        ) from error


def _refuse_unlike(tgz: Path, described: Mapping[str, object], log: Path) -> None:
    integrity = integrity_of(tgz)
    if described.get("integrity") != integrity:
        raise PackError(
            f"{tgz.name} is not the archive that npm packed",
            found=integrity,
            expected=str(described.get("integrity")),
            hint="something else wrote to the output directory; run the build again",
            log=log,
        )
