"""Addons of a backend that are made for the Node.js of one release alone.

An addon that uses V8 itself says for which ``NODE_MODULE_VERSION`` it was compiled, in the name of
the function that it registers by (https://nodejs.org/api/addons.html); one of Node-API serves all.
Those from before Node.js 10 name none, and are not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.patterns import lazy_pattern
from factory.upgrading.portal_move import RebuildReason
from factory.verification.native_binaries import ADDON, package_with
from factory.versions import satisfies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.upgrading.portal_move import PortalMove

# By the major of Node.js: https://nodejs.org/download/release/index.json, "modules".
_NODE_ABIS = {18: 108, 20: 115, 22: 127, 24: 137}
_FOR_ONE = lazy_pattern(rb"node_register_module_v(\d{2,4})\b")
_FOR_ALL = b"napi_register_module_v1"
_LARGEST = 128 * 1024 * 1024


def find_native_reasons(root: Path, move: PortalMove) -> Iterator[RebuildReason]:
    """Yield each package of an unpacked backend with native code that the new portal cannot load.

    A package may bring addons for several releases of Node.js, of which it loads one.
    """
    wanted, wanted_before = _list_abis(move.new), _list_abis(move.old)
    if not wanted:
        return
    packages: dict[str, set[int]] = {}
    for file in sorted(root.rglob(f"*{ADDON}")):
        if file.is_file() and not file.is_symlink():
            made_for = _read_abis(file) or wanted | wanted_before
            name = package_with(file.relative_to(root).as_posix())
            packages.setdefault(name.rpartition("node_modules/")[2], set()).update(made_for)
    for name, abis in packages.items():
        if not abis & wanted:
            majors = [str(major) for major, abi in _NODE_ABIS.items() if abi in abis]
            compiled = f"Node.js {' and '.join(majors)}" if majors else "another Node.js"
            yield RebuildReason(
                kind="native",
                why=f"native code of {name or 'the plugin'} is for {compiled}, "
                f"{move.new.name} runs on Node.js {move.new.profile.node}",
                package=name,
                before=bool(wanted_before) and not abis & wanted_before,
            )


def _read_abis(file: Path) -> set[int]:
    """The versions that an addon is made for; none if it serves all, or does not say."""
    if file.stat().st_size > _LARGEST:
        return set()
    content = file.read_bytes()
    return set() if _FOR_ALL in content else {int(one[1]) for one in _FOR_ONE.finditer(content)}


def _list_abis(host: HostInventory) -> set[int]:
    """The versions of the releases of Node.js that a portal may run on, as far as known here."""
    node = host.profile.node
    return {abi for major, abi in _NODE_ABIS.items() if node and satisfies(f"{major}.99.0", node)}
