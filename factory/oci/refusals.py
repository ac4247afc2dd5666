"""A registry's refusals, told to the user: what it said, what that means, what to do.

The codes are those of the distribution-spec 1.1, section "Error Codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import RegistryError
from factory.notation.json_text import parse_object
from factory.oci.credentials import login_description

if TYPE_CHECKING:
    from factory.oci.target import RegistryTarget
    from factory.oci.transport import Answer

_QUAY = (
    "create the repository by hand first: quay.io makes a missing one, as a private repository, "
    "and drops the push silently when the account has no private repositories left "
    "(or let the plan allow more)"
)


_MOST_SAID, _LONGEST_SAID = 5, 500


def refusal(
    answer: Answer, *, doing: str, repository: str, target: RegistryTarget, pulling: bool = False
) -> RegistryError:
    """Return the error for an answer that refuses; ``doing`` says what was asked, in words."""
    if pulling:
        return _pull_refusal(answer, doing, f"{target.registry}/{repository}", target)
    name = f"{target.registry}/{repository}"
    login = login_description(target)
    match answer.status:
        case 401 if any("insufficient_scope" in one for one in answer.challenges):
            problem = f"the login may not push to {name}"
            hint = f"check that the user of {login} has write access, and REGISTRY_NAMESPACE"
        case 401:
            problem = f"the registry refuses the login for {name}"
            hint = f"check {login}; the password may have expired or been revoked"
        case 403:
            problem = f"the login may not push to {name}"
            hint = f"check that the user of {login} has write access, and REGISTRY_NAMESPACE"
        case 404:
            problem = f"the registry knows no repository {name}"
            hint = "check REGISTRY_NAMESPACE; some registries need the repository created first"
        case 405:
            problem = f"the registry takes no pushes: it is read-only ({name})"
            hint = "push when its maintenance is over, or to another REGISTRY_URL"
        case 413:
            problem = f"the image is too large for the registry ({name})"
            hint = "raise the limit of the registry, or of the proxy before it"
        case _:
            problem = f"the registry refuses {doing} ({name})"
            hint = "see what the registry says above"
    return RegistryError(
        problem,
        found=f"HTTP {answer.status} to {doing}{_said(answer)}",
        hint=hint,
    )


def _pull_refusal(answer: Answer, doing: str, name: str, target: RegistryTarget) -> RegistryError:
    match answer.status:
        case 401 | 403:
            problem = f"the registry does not let this login pull from {name}"
            hint = f"check {login_description(target)}, or log in: podman login {target.registry}"
        case 404:
            problem = f"the registry does not have what is asked for of {name}"
            hint = "check the image's name; a private repository looks missing without a login"
        case _:
            problem = f"the registry refuses {doing} ({name})"
            hint = "see what the registry says above"
    return RegistryError(
        problem, found=f"HTTP {answer.status} to {doing}{_said(answer)}", hint=hint
    )


def vanished(reference: str, digest: str) -> RegistryError:
    """Return the error for a push that was accepted and left no image."""
    return RegistryError(
        f"the registry accepted the push, but the image is not there: {reference}",
        found="HTTP 404 for the manifest that was just pushed",
        expected=digest,
        hint=_QUAY,
    )


def changed(reference: str, digest: str, found: str) -> RegistryError:
    """Return the error for a tag that leads to another image right after the push."""
    return RegistryError(
        f"the registry has another image than the one that was pushed: {reference}",
        found=found,
        expected=digest,
        hint="another run may push the same tag: push again, or use a tag of its own "
        "(--tag-template)",
    )


def _said(answer: Answer) -> str:
    try:
        errors = parse_object(answer.body)["errors"][:_MOST_SAID]
        said = "; ".join(
            f"{one.get('code', '')} {one.get('message', '')}".strip()[:_LONGEST_SAID]
            for one in errors
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        said = " ".join(answer.body.decode("utf-8", "replace").split())[:200]
    return f": {said}" if said else ""
