"""Native binaries in a plugin, and for which platform they are.

A platform is called as Node.js calls it, ``linux-x64``: ``process.platform`` and ``process.arch``.
What a file is, its first bytes say (elf(5), Mach-O's loader.h, the PE format), not its name.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from factory.patterns import lazy_pattern
from factory.quantities import join_names
from factory.verification.findings import NATIVE, CheckFinding, failed_finding, passed_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.verification.plugin_folder import PluginFolder

ADDON = ".node"
_HEAD = 64
_ELF_MACHINES = {
    3: "ia32",
    8: "mips",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x64",
    183: "arm64",
    243: "riscv64",
    258: "loong64",
}
_MACH_CPUS = {7: "ia32", 12: "arm", 0x01000007: "x64", 0x0100000C: "arm64"}
_PE_MACHINES = {0x14C: "ia32", 0x8664: "x64", 0xAA64: "arm64"}
_MACH = {b"\xcf\xfa\xed\xfe": "little", b"\xce\xfa\xed\xfe": "little", b"\xfe\xed\xfa\xcf": "big"}
_MACH_FAT = b"\xca\xfe\xba\xbe"
_FEWEST_FAT, _MOST_FAT = 1, 30  # a Java class has the same magic, and a larger version there
# Text and pictures, whose thousands need not be opened.
_NEVER_NATIVE = lazy_pattern(
    r"\.([cm]?[jt]sx?|json|map|md|txt|s?css|less|html|svg|png|jpg|gif|ico|woff2?|ttf|eot|ya?ml|xml)",
    re.IGNORECASE,
)


def check_native(plugin: PluginFolder, platform: str) -> CheckFinding:
    """Return whether each package with native binaries has them for ``platform``.

    A package may bring binaries for several platforms and choose at run time. Programs of other
    systems beside a package's JavaScript do no harm; addons and Linux binaries without one for the
    platform do.
    """
    packages: dict[str, dict[str, str]] = defaultdict(dict)
    for file in _candidates(plugin.root):
        found = platform_of(file)
        if found:
            name = file.relative_to(plugin.root).as_posix()
            packages[package_with(name)][name] = found
    wrong = {}
    for binaries in packages.values():
        if any(fits(found, platform) for found in binaries.values()):
            continue
        wrong.update(
            {
                name: found
                for name, found in binaries.items()
                if name.endswith(ADDON) or found.startswith("linux-")
            }
        )
    if wrong:
        return failed_finding(
            NATIVE,
            f"native binaries are not for {platform}",
            found=join_names(f"{name} is for {found}" for name, found in sorted(wrong.items())),
            expected=f"binaries for {platform}, or none",
            hint=f"build the plugin on {platform}, or name the portal's with --platform",
        )
    count = sum(len(binaries) for binaries in packages.values())
    return passed_finding(NATIVE, f"{count} for {platform}" if count else "none")


def platform_of(file: Path) -> str:
    """Return the platform that a binary is for, "" if the file is not a native binary.

    A binary for several processors has their names joined by ``+``.
    """
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
        if head.startswith(b"\x7fELF"):
            order = "big" if head[5:6] == b"\x02" else "little"
            machine = int.from_bytes(head[18:20], "big" if order == "big" else "little")
            return f"linux-{_ELF_MACHINES.get(machine, f'machine{machine}')}"
        if head[:4] in _MACH:
            cpu = int.from_bytes(head[4:8], "big" if _MACH[head[:4]] == "big" else "little")
            return f"darwin-{_MACH_CPUS.get(cpu, f'cpu{cpu}')}"
        if head[:4] == _MACH_FAT:
            return _fat(head)
        if head.startswith(b"MZ") and len(head) == _HEAD:
            stream.seek(int.from_bytes(head[60:64], "little"))
            pe = stream.read(6)
            machine = int.from_bytes(pe[4:6], "little")
            if pe.startswith(b"PE\0\0"):
                return f"win32-{_PE_MACHINES.get(machine, f'machine{machine}')}"
    return ""


def fits(found: str, platform: str) -> bool:
    """Return whether a binary, as :func:`platform_of` calls it, is for ``platform``."""
    system, _, processors = found.partition("-")
    wanted, _, processor = platform.partition("-")
    return system == wanted and processor in processors.split("+")


def _fat(head: bytes) -> str:
    count = int.from_bytes(head[4:8], "big")
    if not _FEWEST_FAT <= count <= _MOST_FAT:
        return ""
    cpus = [int.from_bytes(head[at : at + 4], "big") for at in range(8, len(head) - 20, 20)][:count]
    return "darwin-" + "+".join(_MACH_CPUS.get(cpu, f"cpu{cpu}") for cpu in cpus)


def _candidates(root: Path) -> Iterator[Path]:
    for parent, _, files in os.walk(root):
        for name in files:
            if not _NEVER_NATIVE.fullmatch(Path(name).suffix):
                file = Path(parent, name)
                if file.is_file() and not file.is_symlink():
                    yield file


def package_with(name: str) -> str:
    """Return the package that a file is in: what comes after the last ``node_modules/``."""
    before, modules, rest = name.rpartition("node_modules/")
    parts = rest.split("/")
    depth = 2 if rest.startswith("@") else 1
    return f"{before}{modules}{'/'.join(parts[:depth])}" if modules else ""
