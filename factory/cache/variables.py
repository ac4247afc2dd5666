"""Which environment variables can change an artifact: of those that the build's processes see.

What is set for the build in ``.env`` counts, and so do settings of yarn, npm and Node. What only
says where packages come from, where they are kept, or how output looks does not: their contents
are checked against the lockfile wherever they are from. Values are kept as digests.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.release_ranges import read_manifest_file
from factory.config.environment import Environment
from factory.patterns import lazy_pattern
from factory.toolchain.child_environment import MANIFEST_FILE, base_environment
from factory.toolchain.node_environment import node_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGITS = 16
# Names in lower case, with "-" as "_".
_WITHOUT_EFFECT = lazy_pattern(
    r"path|tmpdir|home|rhdh_cli_\w+|corepack_\w+|backstage_versions_base_url"
    r"|force_color|no_color|browserslist_ignore_old_data|ci"
    # yarn: the registry, the network, its folders, its output
    r"|yarn_npm_\w+|yarn_unsafe_http_whitelist|yarn_\w*(?:cache|global)_folder"
    r"|yarn_enable_(?:global_cache|mirror|network)"
    r"|yarn_enable_(?:colors|hyperlinks|progress_bars|telemetry|timers|tips|message_names)"
    r"|yarn_(?:ca|https?)_\w+|yarn_(?:network|task_pool)_concurrency|yarn_enable_strict_ssl"
    r"|yarn_(?:http_timeout|http_retry|telemetry_\w+|version|ignore_path|rc_filename)"
    # npm: the same
    r"|npm_config_(?:@\S+|//\S+|registry|cache|ca|cafile|cert|key|proxy|https?_proxy|noproxy)"
    r"|npm_config_(?:userconfig|globalconfig|prefix|global_prefix|local_prefix|tmp|logs_\w+)"
    r"|npm_config_(?:loglevel|progress|color|fund|audit|update_notifier|timing|yes|init_\S+)"
    r"|npm_config_(?:user_agent|fetch_\w+|maxsockets|strict_ssl|prefer_o\w+line|offline)"
    r"|npm_config_(?:nodedir|node_gyp|python|npm_version|noproxy|email|always_auth)"
    # Node: authorities, its own cache and history, a base image's note
    r"|node_(?:extra_ca_certs|use_system_ca|use_env_proxy|tls_reject_unauthorized|version)"
    r"|node_(?:compile_cache|repl_\w+|no_warnings|debug|pending_deprecation)"
)
_MEMORY = lazy_pattern(r"--max[-_](?:old|semi)[-_]space[-_]size(?:[-_]percentage)?(?:=|\s+)\S+")


def telling_variables(environment: Environment) -> Mapping[str, str]:
    """Return the variables that count, each with a digest of its value.

    Node's limits of memory are taken out of ``NODE_OPTIONS``: they decide whether a build ends, not
    in what.
    """
    none = Environment(variables={})
    own = node_environment(none, tools=(), temporary=Path(), installs=False)
    seen = node_environment(environment, tools=(), temporary=Path(), installs=False)
    everybody = base_environment(environment)
    found = {}
    for name, value in sorted(seen.items()):
        if name in everybody or name in own or _is_without_effect(name):
            continue
        if telling := _telling(name, value):
            found[name] = hashlib.sha256(telling).hexdigest()[:_DIGITS]
    return found


def _telling(name: str, value: str) -> bytes:
    if name == "NODE_OPTIONS":
        return " ".join(_MEMORY.sub("", value).split()).encode()
    if name == MANIFEST_FILE:  # what it says counts, not where it is
        with contextlib.suppress(OSError, ValueError):
            return read_manifest_file(Path(value))
    return value.encode()


def _is_without_effect(name: str) -> bool:
    return bool(_WITHOUT_EFFECT.fullmatch(name.lower().replace("-", "_")))
