"""The texts of a new configuration directory's files."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from factory.config.plugins_list import LIST_HEAD, PluginEntry, plugins_list_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory.analysis.workspace_analysis import PluginAnalysis
    from factory.config.package_spec import PackageSpec

ENV_EXAMPLE = ".env.example"

_LONGEST_COMMENT = 200

ENV_EXAMPLE_TEXT = """\
# Copy this file to .env and uncomment what you need. A .env with a password in it is not for git.

# The registry that --push-images pushes to, and the organisation or user there.
#REGISTRY_URL=quay.io
#REGISTRY_NAMESPACE=my-team

# Its login: a robot account and its token, or a file as podman and docker write it. With neither,
# what this machine is logged in with is used.
#REGISTRY_USERNAME=my-team+robot
#REGISTRY_PASSWORD=
#REGISTRY_AUTH_FILE=/run/secrets/auth.json

# An authority that the registry's certificate is checked by, besides the system's own; or no check.
#REGISTRY_CA_FILE=/etc/pki/company.pem
#REGISTRY_INSECURE=false

# The version of rhdh-cli that exports the plugins, or an npm range such as ~1.10.0. Without it, the
# one that the portal of --host was released with.
#RHDH_CLI_VERSION=1.9.1
"""


def source_json_text(*, repo: str, commit: str | None, ref: str | None, workspace_path: str) -> str:
    """Return the text of a ``source.json``; ``repo`` is free of credentials.

    Args:
        repo: the repository's address, or a folder.
        commit: the full id that is pinned.
        ref: the branch or tag that the commit was found by.
        workspace_path: the workspace, from the repository's root.
    """
    fields = {
        "repo": repo,
        "repo-ref": commit,
        "repo-ref-name": ref,
        "workspace-path": workspace_path,
    }
    there = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(there, indent=2, ensure_ascii=False) + "\n"


def package_source_json_text(package: PackageSpec) -> str:
    """Return the text of a ``source.json`` that names a published package."""
    return json.dumps({"package": str(package)}, indent=2) + "\n"


def plugins_list_with_reasons(plugins: Iterable[PluginAnalysis]) -> str:
    """Return the text of a ``plugins-list.yaml`` whose comments say why each argument is there."""
    lines = [LIST_HEAD]
    for plugin in plugins:
        lines.append("\n" + _comment(f"{plugin.name} {plugin.version}, {plugin.role}"))
        lines += [_comment(f"  {derived}: {derived.reason}") for derived in plugin.derived]
        lines.append(plugins_list_line(PluginEntry(path=plugin.path, arguments=plugin.arguments)))
    return "".join(lines)


def _comment(text: str) -> str:
    """A comment of one line, whatever a package's name holds: YAML ends a comment at a line's end.

    What YAML does not count as text is left out (https://yaml.org/spec/1.2.2/#51-character-set).
    """
    printable = "".join(each for each in text if each.isprintable())
    indent = " " * (len(printable) - len(printable.lstrip()))
    short = textwrap.shorten(printable, _LONGEST_COMMENT, placeholder=" …")
    return f"# {indent}{short}\n"
