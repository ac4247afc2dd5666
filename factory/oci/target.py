"""Where images are pushed to or pulled from, and how: read from the environment, as one value.

Nothing is opened or asked here; see :mod:`factory.oci.credentials` for what the files of a login
say, and :mod:`factory.oci.transport` for the connection.
"""

from __future__ import annotations

import logging
import re
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from factory.config.environment import refuse_empty
from factory.errors import ConfigurationError
from factory.oci.names import is_host
from factory.oci.reference import refuse_bad_repository
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.config.environment import Environment

log = logging.getLogger(__name__)

_WHERE = "in the configuration directory's .env or in the environment"
_REQUIRED = {
    "REGISTRY_URL": "the registry's host, for example REGISTRY_URL=quay.io",
    "REGISTRY_NAMESPACE": "the organisation or user there, for example REGISTRY_NAMESPACE=my-team",
}
_USER = ("REGISTRY_USERNAME", "REGISTRY_PASSWORD")
_NEVER_EMPTY = ("REGISTRY_AUTH_FILE", "REGISTRY_CA_FILE")
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})
_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CA_NAMES = ("REGISTRY_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
# What credential helpers need of the environment: to be found, to find their own configuration,
# to reach a keyring or a cloud. Nothing of the build.
_HELPER_NAMES = lazy_pattern(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|DISPLAY|WAYLAND_DISPLAY|DBUS_SESSION_BUS_ADDRESS"
    r"|GNUPGHOME|GPG_TTY|PASSWORD_STORE_DIR|DOCKER_CONFIG|SSL_CERT_\w+"
    r"|(?:XDG|AWS|AZURE|GOOGLE|CLOUDSDK|GCLOUD)_\w+|(?i:https?|all|no)_(?i:proxy)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UserLogin:
    """Strategy 1: a user and a password, or a token in its place."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthFileLogin:
    """Strategy 2: REGISTRY_AUTH_FILE; read, never written."""

    file: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class HostLogin:
    """Strategy 3: what the host is logged in with; the first of ``files`` with an entry counts."""

    files: tuple[Path, ...]


class _TargetConnection(TypedDict):
    ca_files: tuple[Path, ...]
    certificate_folders: tuple[Path, ...]
    proxies: Mapping[str, str]
    helper_environment: Mapping[str, str]


Login: TypeAlias = UserLogin | AuthFileLogin | HostLogin


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryTarget:
    """A registry, the namespace in it, and everything that a connection to it needs.

    ``insecure``: certificates are not checked, and plain HTTP is spoken where there is no TLS.
    ``ca_files`` are trusted besides the system's own authorities. ``proxies`` has the lower-case
    names ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``.
    """

    registry: str
    namespace: str
    login: Login
    insecure: bool = False
    ca_files: tuple[Path, ...] = ()
    certificate_folders: tuple[Path, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    helper_environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def registry_target(environment: Environment) -> RegistryTarget:
    """Return where ``environment`` says that images go.

    When REGISTRY_AUTH_FILE is set, REGISTRY_USERNAME and REGISTRY_PASSWORD are ignored; when none
    of the three is, the host's own login is used, with a warning.

    Raises:
        ConfigurationError: as :func:`registry_and_namespace`, one of user and password is set
            without the other, or REGISTRY_INSECURE is neither true nor false.
    """
    registry, namespace = registry_and_namespace(environment)
    insecure = _flag(environment, "REGISTRY_INSECURE")
    return RegistryTarget(
        registry=registry,
        namespace=namespace,
        login=_login(environment),
        insecure=insecure,
        **_connection(environment, registry),
    )


def registry_and_namespace(environment: Environment) -> tuple[str, str]:
    """Return what the names of images begin with: a host, and what comes between it and a name.

    REGISTRY_URL may be written with a scheme and a path: the path goes before the namespace.

    Raises:
        ConfigurationError: REGISTRY_URL or REGISTRY_NAMESPACE is missing (both are named if both
            are), or no host and no path.
    """
    missing = [name for name in _REQUIRED if not environment.get(name)]
    if missing:
        raise ConfigurationError(
            f"images cannot be pushed: {' and '.join(missing)} {_is_or_are(missing)} not set",
            expected="; ".join(_REQUIRED[name] for name in missing),
            hint=f"set {' and '.join(missing)} {_WHERE}, or build with --no-push-images",
        )
    registry, prefix = _host_and_path(environment.get("REGISTRY_URL"))
    namespace = "/".join(
        part.strip("/") for part in (prefix, environment.get("REGISTRY_NAMESPACE")) if part
    )
    refuse_bad_repository(registry, namespace)
    return registry, namespace


def pull_target(environment: Environment, registry: str) -> RegistryTarget:
    """Return how to read from ``registry``, whichever it is: no REGISTRY_NAMESPACE is needed.

    REGISTRY_AUTH_FILE and the host's own logins hold one for each registry. REGISTRY_USERNAME and
    REGISTRY_PASSWORD are of REGISTRY_URL's registry and never told to another. REGISTRY_INSECURE is
    of REGISTRY_URL's registry too, or of any where REGISTRY_URL is not set.

    Raises:
        ConfigurationError: as :func:`registry_target`, but that nothing is required.
    """
    configured = environment.get("REGISTRY_URL")
    own = bool(configured) and _host_and_path(configured)[0] == registry.lower()
    return RegistryTarget(
        registry=registry,
        namespace="",
        login=_pull_login(environment, own=own),
        insecure=(own or not configured) and _flag(environment, "REGISTRY_INSECURE"),
        **_connection(environment, registry),
    )


def _pull_login(environment: Environment, *, own: bool) -> Login:
    if own and (environment.get("REGISTRY_USERNAME") or environment.get("REGISTRY_PASSWORD")):
        return _login(environment)
    if file := environment.get("REGISTRY_AUTH_FILE"):
        return AuthFileLogin(file=Path(file))
    return HostLogin(files=_host_auth_files(environment))


def _connection(environment: Environment, registry: str) -> _TargetConnection:
    refuse_empty(environment.variables, _NEVER_EMPTY)
    return {
        "ca_files": tuple(Path(p) for name in _CA_NAMES if (p := environment.get(name))),
        "certificate_folders": _certificate_folders(environment, registry),
        "proxies": MappingProxyType(_proxies(environment)),
        "helper_environment": MappingProxyType(
            {n: v for n, v in environment.variables.items() if _HELPER_NAMES.fullmatch(n)}
        ),
    }


def _is_or_are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _flag(environment: Environment, name: str) -> bool:
    text = environment.get(name).lower()
    if text not in _TRUE | _FALSE:
        raise ConfigurationError(
            f"{name} is neither true nor false",
            found=environment.get(name),
            expected="true or false",
            hint=f"set {name}=true or {name}=false {_WHERE}",
        )
    return text in _TRUE


def _host_and_path(url: str) -> tuple[str, str]:
    address = re.sub(r"^(?:https?|oci|docker)://", "", url)
    host, _, path = address.strip("/").partition("/")
    if not is_host(host):
        raise ConfigurationError(
            "REGISTRY_URL is not the address of a registry",
            found=re.sub(r"[^/@]*@", "***@", url),
            expected="a host, and a port if it is not the usual one, for example quay.io",
            hint=f"correct REGISTRY_URL {_WHERE}",
        )
    return host.lower(), path


def _login(environment: Environment) -> Login:
    username, password = environment.get("REGISTRY_USERNAME"), environment.get("REGISTRY_PASSWORD")
    if file := environment.get("REGISTRY_AUTH_FILE"):
        if username or password:
            log.warning(
                "REGISTRY_AUTH_FILE is set: REGISTRY_USERNAME and REGISTRY_PASSWORD are ignored."
            )
        return AuthFileLogin(file=Path(file))
    if environment.variables.keys() >= set(_USER):
        # Both are given: with an empty one, images would be pushed by whoever is logged in here.
        refuse_empty(environment.variables, _USER)
    if username and password:
        return UserLogin(username=username, password=password)
    if username or password:
        missing = "REGISTRY_PASSWORD" if username else "REGISTRY_USERNAME"
        raise ConfigurationError(
            f"the registry's login is incomplete: {missing} is not set",
            expected="both REGISTRY_USERNAME and REGISTRY_PASSWORD, or neither",
            hint=f"set {missing} {_WHERE}, or use REGISTRY_AUTH_FILE",
        )
    log.warning(
        "No login for the registry is configured (REGISTRY_USERNAME and REGISTRY_PASSWORD, or "
        "REGISTRY_AUTH_FILE): this host's own login is used, if there is one."
    )
    return HostLogin(files=_host_auth_files(environment))


def _host_auth_files(environment: Environment) -> tuple[Path, ...]:
    """Where podman, buildah and skopeo look, in their order (containers-auth.json(5))."""
    places = []
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        places.append(Path(runtime, "containers", "auth.json"))
    home = environment.get("HOME")
    if config := environment.get("XDG_CONFIG_HOME"):
        places.append(Path(config, "containers", "auth.json"))
    elif home:
        places.append(Path(home, ".config", "containers", "auth.json"))
    if docker := environment.get("DOCKER_CONFIG"):
        places.append(Path(docker, "config.json"))
    elif home:
        places.append(Path(home, ".docker", "config.json"))
    return tuple(places)


def _certificate_folders(environment: Environment, registry: str) -> tuple[Path, ...]:
    """Where podman and docker keep authorities for one registry (containers-certs.d(5))."""
    roots = [Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d")]
    if home := environment.get("HOME"):
        roots.insert(0, Path(home, ".config", "containers", "certs.d"))
    return tuple(root / registry for root in roots)


def _proxies(environment: Environment) -> dict[str, str]:
    """Lower case before upper case, as curl has it."""
    found = {name: environment.get(name) or environment.get(name.upper()) for name in _PROXY_NAMES}
    return {name: value for name, value in found.items() if value}
