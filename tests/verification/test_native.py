"""Native binaries, told by their first bytes."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from factory.errors import UsageError
from factory.oci.platforms import check_platform, default_platform
from factory.verification.findings import CheckFinding
from factory.verification.native_binaries import (
    check_native,
    fits,
    platform_of,
)
from factory.verification.plugin_folder import PluginFolder, read_plugin_folder

from .plugins import backend, write_folder


def elf(machine: int, *, big: bool = False) -> bytes:
    order = ">" if big else "<"
    ident = b"\x7fELF\x02" + (b"\x02" if big else b"\x01") + b"\x01" + b"\0" * 9
    return ident + struct.pack(f"{order}HH", 3, machine) + b"\0" * 100


def mach(cpu: int) -> bytes:
    return b"\xcf\xfa\xed\xfe" + struct.pack("<I", cpu) + b"\0" * 100


def fat(*cpus: int) -> bytes:
    head = b"\xca\xfe\xba\xbe" + struct.pack(">I", len(cpus))
    return head + b"".join(struct.pack(">IIIII", cpu, 0, 0, 0, 0) for cpu in cpus) + b"\0" * 100


def pe(machine: int) -> bytes:
    return b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", machine)


X64, ARM64 = elf(62), elf(183)
MAC, WINDOWS = mach(0x0100000C), pe(0x8664)


@pytest.mark.parametrize(
    ("content", "platform"),
    [
        (X64, "linux-x64"),
        (ARM64, "linux-arm64"),
        (elf(22, big=True), "linux-s390x"),
        (elf(21), "linux-ppc64"),
        (elf(9999), "linux-machine9999"),
        (mach(0x01000007), "darwin-x64"),
        (MAC, "darwin-arm64"),
        (fat(0x01000007, 0x0100000C), "darwin-x64+arm64"),
        (WINDOWS, "win32-x64"),
        (pe(0xAA64), "win32-arm64"),
        (b"#!/bin/sh\n", ""),
        (b"MZ", ""),
        (b"MZ" + b"x" * 100, ""),
        (b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 100, ""),
        (b"", ""),
    ],
)
def test_first_bytes_say_the_platform(content: bytes, platform: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    assert platform_of(file) == platform


def test_a_real_program_is_for_this_machine() -> None:
    processor = default_platform().partition("-")[2]
    assert fits(platform_of(Path(sys.executable).resolve()), f"{sys.platform}-{processor}")


def test_a_binary_for_several_processors_fits_each() -> None:
    assert fits("darwin-x64+arm64", "darwin-arm64")
    assert not fits("darwin-x64+arm64", "linux-arm64")


@pytest.mark.parametrize("text", ["linux", "linux/amd64", "Linux-x64", "-"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        check_platform(text)


def check(tmp_path: Path, **files: bytes) -> CheckFinding:
    named = {name.replace("__", "/"): content for name, content in files.items()}
    plugin = read_plugin_folder(write_folder(tmp_path, backend(files=named)))
    assert isinstance(plugin, PluginFolder)
    return check_native(plugin, "linux-x64")


@pytest.mark.parametrize("content", [ARM64, MAC, WINDOWS])
def test_an_addon_for_another_platform_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    finding = check(tmp_path, **{"node_modules__a__build__a.node": content})

    assert finding.result == "failed"
    assert "node_modules/a/build/a.node is for" in finding.found


def test_a_linux_program_for_another_processor_is_refused(tmp_path: Path) -> None:
    assert check(tmp_path, node_modules__a__bin__tool=ARM64).result == "failed"


def test_an_addon_for_the_platform_passes(tmp_path: Path) -> None:
    finding = check(tmp_path, **{"node_modules__a__a.node": X64})

    assert finding.result == "passed"
    assert "1 for linux-x64" in finding.detail


def test_a_package_may_bring_addons_for_several_platforms(tmp_path: Path) -> None:
    finding = check(
        tmp_path,
        **{
            "node_modules__@s__a__prebuilds__darwin__a.node": MAC,
            "node_modules__@s__a__prebuilds__linux__a.node": X64,
        },
    )

    assert finding.result == "passed"


def test_another_packages_addon_does_not_help(tmp_path: Path) -> None:
    finding = check(
        tmp_path, **{"node_modules__@s__a__a.node": MAC, "node_modules__@s__b__a.node": X64}
    )

    assert finding.result == "failed"
    assert "@s/a" in finding.found
    assert "@s/b" not in finding.found


def test_a_program_for_windows_beside_javascript_does_no_harm(tmp_path: Path) -> None:
    assert check(tmp_path, **{"node_modules__a__vendor__open.exe": WINDOWS}).result == "passed"
