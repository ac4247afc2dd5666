"""What a check found, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.values import dataclass

if TYPE_CHECKING:
    from factory.errors import FactoryError
    from factory.frontend.verdict import FrontendVerdict, System

Result: TypeAlias = Literal["passed", "failed", "skipped"]

INTEGRITY = "integrity"
ARCHIVE = "archive"
IMAGE = "image"
PACKAGE = "package"
ENTRY_POINT = "entry point"
MANIFESTS = "manifests"
SHOWS = "frontend systems"
NAMES = "names"
CONFIGURATION = "configuration"
DEPENDENCIES = "dependencies"
SHARED = "shared packages"
LOCKED = "locked versions"
NATIVE = "native binaries"
HOST = "host version"
SIGNATURE = "signature"
PROVENANCE = "provenance"

CHECKS = {
    INTEGRITY: "the file matches its .integrity; an image's blobs match their digests",
    ARCHIVE: "nothing in it is unsafe to unpack, or larger than portals take",
    IMAGE: "the annotation names the folders that the layer holds",
    PACKAGE: "package.json has a name, a version, a plugin's role and, for a backend, its main",
    ENTRY_POINT: "Node.js loads it, and what it exports is a backend feature",
    MANIFESTS: "the manifests of a frontend are what portals take, and name files that exist",
    SHOWS: "a frontend shows in the portal's frontend system, or in one of the two",
    NAMES: "no two of the frontends have one name in a page",
    CONFIGURATION: "a portal's configuration of the plugin fits its schema and its bundle",
    DEPENDENCIES: "a backend's dependencies are bundled, or the host's",
    SHARED: "no @backstage package is bundled that the host shares, unless by intent",
    LOCKED: "a backend's packages have the versions and patches of the workspace's yarn.lock",
    NATIVE: "native binaries are for the portal's platform",
    HOST: "backstage.supported-versions fits the host",
    SIGNATURE: "the image is signed with the key",
    PROVENANCE: "there is a provenance statement about exactly this artifact",
}
"""Every check, and what it means when it passes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckFinding:
    """The result of one check. ``found``, ``expected`` and ``hint`` say more where it failed.

    ``detail`` is one line: what was checked, why it was skipped, or what is wrong.
    """

    check: str
    result: Result
    detail: str = ""
    found: str = ""
    expected: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontendFacts:
    """Where a frontend shows, and what pages call it, by frontend system."""

    verdict: FrontendVerdict
    names: tuple[tuple[System, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """One plugin and what the checks found; ``error`` if it was not available at all.

    ``artifact`` is the file, or the image's name, as the user would name it, and within an image
    of several plugins ``!folder`` after it. ``frontend`` is None of backends, and of what could
    not be read.
    """

    artifact: str
    name: str = ""
    version: str = ""
    role: str = ""
    frontend: FrontendFacts | None = None
    findings: tuple[CheckFinding, ...] = ()
    error: FactoryError | None = None

    @property
    def failures(self) -> tuple[CheckFinding, ...]:
        """The findings that failed."""
        return tuple(one for one in self.findings if one.result == "failed")

    @property
    def holds(self) -> bool:
        """Whether every check that ran has passed."""
        return self.error is None and not self.failures


def passed_finding(check: str, detail: str = "") -> CheckFinding:
    """Return the finding of a check that holds."""
    return CheckFinding(check=check, result="passed", detail=detail)


def skipped_finding(check: str, why: str, *, hint: str = "") -> CheckFinding:
    """Return the finding of a check that could not, or need not, be made."""
    return CheckFinding(check=check, result="skipped", detail=why, hint=hint)


def failed_finding(
    check: str, problem: str, *, found: str = "", expected: str = "", hint: str = ""
) -> CheckFinding:
    """Return the finding of a check that does not hold."""
    return CheckFinding(
        check=check, result="failed", detail=problem, found=found, expected=expected, hint=hint
    )


def finding_of_error(check: str, error: FactoryError) -> CheckFinding:
    """Return what an error says as the finding of a check."""
    place = f"{error.place}: " if error.place else ""
    return failed_finding(
        check,
        error.problem,
        found=f"{place}{error.found or ''}".removesuffix(": "),
        expected=error.expected or "",
        hint=error.hint or "",
    )
