"""Where an artifact comes from: an in-toto Statement v1 with the SLSA provenance predicate v1.

Specifications: in-toto attestation framework, `spec/v1/statement.md`; https://slsa.dev/provenance/v1.
What it says follows from what was built, of what and with what. There is no time in it, no name of
a machine and no path of one, so that the same build says the same anywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from factory.errors import CheckError
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROVENANCE_SUFFIX = ".provenance.json"
# The bill of materials that lies beside it; here, since what makes one takes long to load.
SBOM_SUFFIX = ".cdx.json"
SBOM_TYPE = "application/vnd.cyclonedx+json"
_LOCKFILE = "yarn.lock"
STATEMENT_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
# What the parameters below mean is in docs/how-to/signing-and-supply-chain.md.
BUILD_TYPE = "urn:plugin-factory:build-type:dynamic-plugin:v1"
BUILDER = "urn:plugin-factory:builder"

_PACKAGE_URL = "pkg:npm/"
# git's own rule for a host without a scheme (git-fetch(1), "GIT URLS").
_SCP = lazy_pattern(r"(?P<host>[^/:]+):(?P<path>[^/].*)")
_SCHEME = lazy_pattern(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvenanceSubject:
    """What a statement is about: a file's or an image's name, and its SHA-256 in hex."""

    name: str
    sha256: str
    sha512: str = ""

    @property
    def digest(self) -> dict[str, str]:
        """The digests as in-toto names them."""
        return {"sha256": self.sha256} | ({"sha512": self.sha512} if self.sha512 else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """A file that went into the build: its name in the configuration or workspace, its SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltFrom:
    """The code. A ``repository`` that is a folder of the builder's machine is not named to others.

    Of a published package it is a package URL without a version, ``ref`` the version, and
    ``sha512`` its archive's digest in hex.

    ``modified``: there were changes beside the commit, other than ``materials``, which are the
    patches, the files of overlays, and what else of files decided what came out.
    """

    repository: str
    ref: str | None
    commit: str | None
    workspace_path: str
    modified: bool = False
    materials: tuple[Material, ...] = ()
    sha512: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltWith:
    """How: the plugin's path in its workspace, its build arguments, the tools' versions by name.

    ``chosen`` is what the portal, or the user, has decided: the engine, the portal, and by name for
    whom each tool was chosen.
    """

    plugin_path: str
    arguments: tuple[str, ...]
    tools: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A provenance statement that was read: what it is about, and what it says."""

    subjects: tuple[ProvenanceSubject, ...]
    predicate: Mapping[str, Any] = field(repr=False)


def provenance(subjects: Sequence[ProvenanceSubject], source: BuiltFrom, build: BuiltWith) -> str:
    """Return the statement as JSON text."""
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "source": {
                "repository": source.repository if source_uri(source.repository) else None,
                "ref": source.ref,
            },
            "workspacePath": source.workspace_path,
            "pluginPath": build.plugin_path,
            "arguments": list(build.arguments),
        },
        **({"internalParameters": dict(build.chosen)} if build.chosen else {}),
        "resolvedDependencies": [
            *_source_dependency(source),
            *(
                {"name": one.name, "digest": {"sha256": one.sha256}}
                for one in sorted(source.materials, key=lambda one: one.name)
            ),
        ],
    }
    builder = {"id": BUILDER, "version": dict(sorted(build.tools.items()))}
    return _text(subjects, {"buildDefinition": definition, "runDetails": {"builder": builder}})


def with_subject(text: str, subject: ProvenanceSubject) -> str:
    """Return a statement that is about one thing more: the image that a plugin was put into.

    Raises:
        CheckError: the text is not a provenance statement.
    """
    statement = read_statement(text)
    others = [one for one in statement.subjects if one.name != subject.name]
    return _text([*others, subject], statement.predicate)


def read_statement(text: str | bytes) -> Statement:
    """Return a statement with its parts where they belong.

    Raises:
        CheckError: it is not an in-toto statement, or not one of SLSA provenance.
    """
    try:
        document = parse_json(text)
    except ValueError as error:
        raise _unreadable(f"no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("_type") != STATEMENT:
        raise _unreadable("no _type of an in-toto statement")
    if document.get("predicateType") != PREDICATE:
        raise _unreadable(f"predicateType {document.get('predicateType')!r}")
    predicate, found = document.get("predicate"), document.get("subject")
    subjects = tuple(_subject(one) for one in found) if isinstance(found, list) else ()
    if not isinstance(predicate, dict) or not subjects:
        raise _unreadable("no subject" if not subjects else "no predicate")
    return Statement(subjects=subjects, predicate=predicate)


def check_statement(statement: Statement, *, sha256: str) -> ProvenanceSubject:
    """Return the subject that has a digest: what a statement must be about to count.

    Raises:
        CheckError: the statement is about other things.
    """
    for subject in statement.subjects:
        if subject.sha256 == sha256:
            return subject
    raise CheckError(
        "the provenance is for another artifact",
        found=", ".join(f"{one.name} sha256:{one.sha256}" for one in statement.subjects),
        expected=f"sha256:{sha256}",
        hint="build again, so that the artifact and its provenance come from one build",
    )


def find_lockfile_digest(statement: Statement) -> str | None:
    """Return the SHA-256 of the yarn.lock that the artifact was built with, if it is named.

    Its name counts from the repository's root: it is the next on the way up from the workspace.
    """
    definition = statement.predicate.get("buildDefinition")
    parts = definition if isinstance(definition, dict) else {}
    given, listed = parts.get("externalParameters"), parts.get("resolvedDependencies")
    workspace = str(given.get("workspacePath") or "") if isinstance(given, dict) else ""
    digests: dict[str, str] = {}
    for one in listed if isinstance(listed, list) else ():
        digest = one.get("digest") if isinstance(one, dict) else None
        if isinstance(digest, dict) and isinstance(digest.get("sha256"), str):
            digests[str(one.get("name"))] = digest["sha256"]
    folder = PurePosixPath(workspace)
    names = [str(above / _LOCKFILE) for above in (folder, *folder.parents)]
    return next((digests[name] for name in names if name in digests), None)


def source_uri(repository: str, ref: str | None = None) -> str:
    """Return a repository as an SPDX download location: ``git+https://host/path@ref``.

    A package URL is one of its own. A folder of the machine, which nobody else can fetch from,
    gives ``""``.
    """
    if repository.startswith(_PACKAGE_URL):
        return f"{repository}@{ref}" if ref else repository
    if repository.startswith("file:"):
        return ""
    if _SCHEME.match(repository):
        address = repository if repository.startswith(("git+", "git:")) else f"git+{repository}"
    elif scp := _SCP.fullmatch(repository):
        address = f"git+ssh://{scp['host']}/{scp['path']}"
    else:
        return ""
    return f"{address}@{ref}" if ref else address


def _source_dependency(source: BuiltFrom) -> list[dict[str, Any]]:
    """The commit as a ResourceDescriptor, which needs an address or a digest."""
    described: dict[str, Any] = {"name": "source"}
    if uri := source_uri(source.repository, source.ref):
        described["uri"] = uri
    if source.commit:
        described["digest"] = {"gitCommit": source.commit}
    elif source.sha512:
        described["digest"] = {"sha512": source.sha512}
    if source.modified:
        described["annotations"] = {"modified": True}
    return [described] if described.keys() & {"uri", "digest"} else []


def _subject(value: object) -> ProvenanceSubject:
    digest = value.get("digest") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(digest, dict):
        raise _unreadable("a subject without a digest")
    return ProvenanceSubject(
        name=str(value.get("name", "")),
        sha256=str(digest.get("sha256", "")),
        sha512=str(digest.get("sha512", "")),
    )


def _text(subjects: Sequence[ProvenanceSubject], predicate: Mapping[str, Any]) -> str:
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": one.name, "digest": one.digest} for one in subjects],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }
    return json.dumps(statement, indent=2, ensure_ascii=False) + "\n"


def _unreadable(found: str) -> CheckError:
    return CheckError(
        "this is not a provenance statement",
        found=found,
        expected=f"an in-toto statement with the predicate {PREDICATE}",
    )
