"""The entries of an archive, one by one, with everything unsafe refused by name."""

from __future__ import annotations

import tarfile
from typing import IO, TYPE_CHECKING, Literal, NoReturn, TypeAlias

from factory.archives.compressed import TarBytes
from factory.archives.limits import DEFAULT_LIMITS, MAX_ENTRY_SIZE, ArchiveLimits
from factory.archives.names import clean_name, fault_of_name, fold_name, resolve_target
from factory.archives.refusal import too_large_archive, unsafe_archive
from factory.archives.tar_headers import RawEntry, raw_entries
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Kind: TypeAlias = Literal["file", "folder", "link", "hard link"]
_KINDS: dict[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard link",
}
_EXECUTABLE = 0o111


@dataclass(frozen=True, kw_only=True, slots=True)
class SafeMember:
    """An entry that may be unpacked.

    Attributes:
        name: relative, with ``/`` between parts; no ``.``, ``..`` or empty part.
        size: bytes of a file, and of the file that a hard link names.
        executable: whether anybody may run the file. Other modes, owners and set-id bits are gone.
        target: what a symbolic link says, relative to its folder; for a hard link the name of an
            earlier file.
    """

    name: str
    kind: Kind
    size: int = 0
    executable: bool = False
    target: str = ""


def safe_members(
    file: IO[bytes],
    *,
    archive: Path | str,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    root: str = "",
) -> Iterator[tuple[SafeMember, Iterator[bytes]]]:
    """Yield each entry of a tar archive (gzipped or plain) with the chunks of its content.

    The content is to be read before the next entry; unread content is skipped. Memory does not grow
    with the archive's files, only with their number. Only when the iterator has come to its end is
    the whole archive known to be safe.

    Args:
        file: the archive, read once from where it stands.
        archive: what errors call it: its path, or an address.
        limits: how much it may hold.
        root: the folder that links in it must not leave (``package`` for an npm archive); links
            elsewhere must not leave the archive.

    Raises:
        ArtifactError: an entry has an absolute name, ``..``, a backslash, a drive, a control
            character or no UTF-8 in its name; occurs twice, also for a file system that ignores
            case or Unicode's forms; lies below a link or a file; is a device, a pipe, sparse or
            unknown; is a link that leaves the root, leads through another link or in a circle; is
            larger than the limits; or the archive is damaged, cut short, or has bytes after its
            end.
    """
    tree = _Tree(archive=archive, limits=limits, root=clean_name(root))
    for raw, content in raw_entries(TarBytes(file, archive, limits)):
        member = tree.accept(raw)
        if member is not None:
            yield member, content
    tree.check_links()


class _Tree:
    """What the archive has held so far."""

    def __init__(self, *, archive: Path | str, limits: ArchiveLimits, root: str) -> None:
        self._archive = archive
        self._limits = limits
        self._root = root
        self._members: dict[str, SafeMember] = {}
        self._names: dict[str, str] = {}
        self._leads: dict[str, str] = {}
        self._entries = 0
        self._bytes = 0

    def accept(self, raw: RawEntry) -> SafeMember | None:
        """The entry, or None for the root itself."""
        self._entries += 1
        if self._entries > self._limits.entries:
            raise too_large_archive(
                self._archive, raw.name, f"is one of more than {self._limits.entries} entries"
            )
        kind = _KINDS.get(raw.kind)
        if fault := fault_of_name(raw.name):
            self._refuse(raw.name, fault)
        if kind is None:
            self._refuse(raw.name, "is a device, a pipe or another special file")
        name = clean_name(raw.name)
        if kind == "file" and raw.name.endswith("/"):
            self._refuse(raw.name, "is a file with the name of a folder")
        if not name:
            if kind != "folder":
                self._refuse(raw.name, f"is the archive's root, but a {kind}")
            return None
        member = self._member(raw, name, kind)
        self._count(member)
        self._place(member)
        return member

    def _member(self, raw: RawEntry, name: str, kind: Kind) -> SafeMember:
        if kind == "link":
            self._leads[name] = self._lead(name, raw.target)
            return SafeMember(name=name, kind=kind, target=raw.target)
        if kind == "hard link":
            if fault := fault_of_name(raw.target):
                self._refuse(name, f"is a hard link to {raw.target}, which {fault}")
            target = self._members.get(clean_name(raw.target))
            if target is None or target.kind != "file":
                self._refuse(name, f"is a hard link to no earlier file: {raw.target}")
            if self._is_in_root(name) and not self._is_in_root(target.name):
                self._refuse(name, f"is a link that leaves {self._root}: {raw.target}")
            return SafeMember(name=name, kind=kind, size=target.size, target=target.name)
        executable = kind == "file" and bool(raw.mode & _EXECUTABLE)
        return SafeMember(name=name, kind=kind, size=raw.size, executable=executable)

    def _lead(self, name: str, target: str) -> str:
        depth = self._root.count("/") + 1 if self._root and self._is_in_root(name) else 0
        lead = resolve_target(name, target, depth)
        if lead is None:
            self._refuse(name, f"is a link that may leave the plugin: {target}")
        return lead

    def _is_in_root(self, name: str) -> bool:
        return not self._root or name.startswith(f"{self._root}/")

    def _count(self, member: SafeMember) -> None:
        limits = self._limits
        if member.size > limits.entry:
            why = f"has {member.size} bytes, more than {limits.entry}"
            raise too_large_archive(self._archive, member.name, why, MAX_ENTRY_SIZE)
        self._bytes += member.size
        if self._bytes > limits.total:
            why = f"makes it more than {limits.total} bytes in all"
            raise too_large_archive(self._archive, member.name, why)

    def _place(self, member: SafeMember) -> None:
        name = member.name
        known = self._members.get(name)
        if known is not None and not known.kind == member.kind == "folder":
            self._refuse(name, "occurs twice")
        self._members[name] = member
        while name:
            other = self._names.setdefault(fold_name(name), name)
            if other != name:
                same = "is" if name == member.name else f"is in {name}, which is"
                self._refuse(member.name, f"{same} the same as {other} where case is ignored")
            name = name.rpartition("/")[0]
            above = self._members.get(name)
            if above is None and name:
                self._members[name] = SafeMember(name=name, kind="folder")
            elif above is not None and above.kind != "folder":
                self._refuse(member.name, f"lies below {name}, which is a {above.kind}")
            elif above is not None:
                break  # what is above it was looked at when it came

    def check_links(self) -> None:
        """Refuse links that lead through links, or in a circle."""
        for name, lead in self._leads.items():
            parts = lead.split("/")
            for end in range(1, len(parts)):
                through = "/".join(parts[:end])
                if through in self._leads or self._names.get(fold_name(through)) in self._leads:
                    self._refuse(name, f"is a link that leads through another link, {through}")
            passed = {name}
            while lead in self._leads:
                if lead in passed:
                    self._refuse(name, "is a link that leads in a circle")
                passed.add(lead)
                lead = self._leads[lead]  # noqa: PLW2901 - one step further along the chain

    def _refuse(self, name: str, why: str) -> NoReturn:
        raise unsafe_archive(self._archive, name, why)
