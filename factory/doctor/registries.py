"""The registries that a build talks to: yarn's, for packages, and the one that images go to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from factory.doctor.finding import Check, DoctorFinding
from factory.doctor.npm import node_here, npm_answer
from factory.notation.yaml_text import parse_yaml_1_1
from factory.oci.answers import RetryPolicy
from factory.oci.push import check_access
from factory.oci.registry import Registry
from factory.oci.target import AuthFileLogin, HostLogin, UserLogin, registry_target

if TYPE_CHECKING:
    from factory.doctor.context import DoctorContext
    from factory.doctor.finding import Outcome
    from factory.oci.target import Login

YARN_VARIABLE = "YARN_NPM_REGISTRY_SERVER"
# https://yarnpkg.com/configuration/yarnrc#npmRegistryServer
YARN_SETTING = "npmRegistryServer"
YARN_DEFAULT = "https://registry.yarnpkg.com"
PROBE = "plugin-factory-doctor"

_PROBED_PACKAGE = "@backstage/backend-plugin-api"
_ATTEMPTS = 2


def look_for_yarn_registry(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Does the registry answer that yarn takes a workspace's packages from?"""
    check = "yarn registry"
    url, where = _yarn_registry(about)
    named = f"{url} ({where})"
    if about.offline:
        return (
            DoctorFinding(check=check, outcome="skipped", found=f"{named}, not asked (--offline)"),
        )
    node = node_here(about)
    if node is None:
        found = f"{named}, not asked: npm comes with Node.js"
        return (DoctorFinding(check=check, outcome="skipped", found=found),)
    # npm asks in yarn's place: both speak the same protocol, and yarn is not installed yet.
    _, reason = npm_answer(about, node, "view", _PROBED_PACKAGE, "version", registry=url)
    if not reason:
        return (DoctorFinding(check=check, outcome="ok", found=f"{named} answers"),)
    needs_login = reason.startswith(("E401", "E403"))
    advice = (
        "yarn's own login (npmAuthToken in .yarnrc.yml) is not tried here"
        if needs_login
        else f"set {YARN_VARIABLE}, or {YARN_SETTING} in ~/.yarnrc.yml, to a registry that can be "
        "reached; a workspace's own .yarnrc.yml wins"
    )
    outcome: Outcome = "warning" if needs_login else "failed"
    return (DoctorFinding(check=check, outcome=outcome, found=f"{named}: {reason}", advice=advice),)


def look_for_image_registry(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """May images be pushed to where REGISTRY_URL says?

    An upload is opened and ended at once, in a repository called plugin-factory-doctor: only that
    tells whether a login may write. A registry that makes missing repositories makes it.
    """
    check = "image registry"
    if not about.environment.get("REGISTRY_URL"):
        found = "REGISTRY_URL is not set: images are not pushed"
        return (DoctorFinding(check=check, outcome="skipped", found=found),)
    target = registry_target(about.environment)
    named = f"{target.registry}/{target.namespace}, {_login(target.login)}"
    if about.offline:
        return (
            DoctorFinding(check=check, outcome="skipped", found=f"{named}, not asked (--offline)"),
        )
    policy = RetryPolicy(
        attempts=_ATTEMPTS, connect_seconds=about.seconds / 3, read_seconds=about.seconds / 2
    )
    checkpoint = about.runner.raise_if_cancelled
    with Registry(target, policy=policy, checkpoint=checkpoint) as registry:
        check_access(registry, [f"{target.namespace}/{PROBE}"])
    return (DoctorFinding(check=check, outcome="ok", found=f"{named}: images may be pushed"),)


def _yarn_registry(about: DoctorContext) -> tuple[str, str]:
    if named := about.environment.get(YARN_VARIABLE):
        return named, YARN_VARIABLE
    settings = Path(about.environment.get("HOME", "/"), ".yarnrc.yml")
    if settings.is_file():
        try:
            value = parse_yaml_1_1(settings.read_bytes())
        except (OSError, ValueError):
            value = None
        setting = value.get(YARN_SETTING) if isinstance(value, dict) else None
        if isinstance(setting, str) and "${" not in setting:
            return setting, str(settings)
    return YARN_DEFAULT, "yarn's default"


def _login(login: Login) -> str:
    match login:
        case UserLogin(username=username):
            return f"as {username}"
        case AuthFileLogin(file=file):
            return f"with {file}"
        case HostLogin():
            return "with this machine's own login"


REGISTRY_CHECKS = (
    Check(names=("yarn registry",), look=look_for_yarn_registry),
    Check(names=("image registry",), look=look_for_image_registry),
)
