"""Which platform an image is for, and which one of an index is taken.

Users say ``linux-x64``, as Node.js does (``process.platform`` and ``process.arch``); images say
``linux/amd64``, as Go does (image-spec 1.1, `image-index.md`). The choice is skopeo's and podman's
(containers/image): the platform itself, before a variant that it runs; an entry that names no
platform only where an OCI index has nothing better; never another platform's.
"""

from __future__ import annotations

import platform as this_machine
from typing import TYPE_CHECKING

from factory.errors import UsageError
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.oci.descriptor import Descriptor

_PLATFORM = lazy_pattern(r"[a-z0-9]+-[a-z0-9_]+")
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_ARCHITECTURES = {"x64": "amd64", "ia32": "386", "ppc64": "ppc64le", "mipsel": "mipsle"}
_SYSTEMS = {"win32": "windows", "sunos": "solaris"}
# The variants that containers/image takes beside none, by architecture.
_VARIANTS = {"arm64": ("v8",)}


def default_platform() -> str:
    """Return Linux, which portals run on, with the processor of this machine."""
    machine = this_machine.machine().lower()
    return f"linux-{_MACHINES.get(machine, machine)}"


def check_platform(text: str) -> str:
    """Return a platform as the user wrote it, the default if empty.

    Raises:
        UsageError: it is not a platform.
    """
    if not text:
        return default_platform()
    if not _PLATFORM.fullmatch(text):
        raise UsageError(
            "this is not a platform",
            found=text,
            expected="a platform as Node.js calls it, such as linux-x64",
        )
    return text


def image_platform(node_platform: str) -> str:
    """Return what images call a platform: ``linux/amd64`` for ``linux-x64``."""
    system, _, processor = node_platform.partition("-")
    return f"{_SYSTEMS.get(system, system)}/{_ARCHITECTURES.get(processor, processor)}"


def choose_manifest(
    manifests: Sequence[Descriptor], platform: str, *, takes_unnamed: bool
) -> Descriptor | None:
    """Return the entry of an index that is for ``platform``, or None if there is none.

    Args:
        manifests: the index's entries, in their order.
        platform: as images call it.
        takes_unnamed: whether an entry without a platform is for any: in an OCI index, not in
            docker's list.
    """
    architecture = platform.rpartition("/")[2]
    wanted = [platform, *(f"{platform}/{one}" for one in _VARIANTS.get(architecture, ()))]
    if takes_unnamed:
        wanted.append("")
    for one in wanted:
        for manifest in manifests:
            if manifest.platform == one:
                return manifest
    return None
