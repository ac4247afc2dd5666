"""What keeps light tests light: the tools of the others are hidden behind programs that refuse.

Of what is generated only a share is tried.

A test that nobody has listed in tests/work_units.py and that starts one of these, or installs
something, fails in ``make check`` and is told why.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import MutableMapping
from pathlib import Path

_HIDDEN = (
    *("node", "npm", "npx", "yarn", "corepack"),
    *("docker-registry", "skopeo", "podman", "buildah", "runc", "docker", "debootstrap"),
    *("chromium", "chromium-headless-shell", "cosign"),
)
# Nothing listens here (RFC 863's port, which no system serves any more).
_NOWHERE = "http://127.0.0.1:9/"
_REFUSAL = """#!/bin/sh
echo "${0##*/} is not for light tests: list this test among HEAVY in tests/work_units.py" >&2
exit 97
"""

_VARIABLE = "PLUGIN_FACTORY_LIGHT_TESTS"
_SHARE = 8


def examples(number: int) -> int:
    """Return how many generated examples a test tries: a small share of them where it is light."""
    return max(number // _SHARE, 1) if _VARIABLE in os.environ else number


def refuse_heavy_tools(folder: Path, environment: MutableMapping[str, str]) -> None:
    """Put programs that refuse before all others on the PATH, and point installers at nothing.

    Args:
        folder: emptied, and then holds the programs in ``bin``.
        environment: changed in place.
    """
    environment[_VARIABLE] = "1"
    shutil.rmtree(folder, ignore_errors=True)
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in _HIDDEN:
        program = programs / name
        program.write_text(_REFUSAL)
        program.chmod(0o755)
    environment["PATH"] = os.pathsep.join([str(programs), environment["PATH"]])
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY", "YARN_NPM_REGISTRY_SERVER"):
        environment[name] = _NOWHERE
    environment.update(PIP_INDEX_URL=_NOWHERE, PIP_RETRIES="0")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        environment.pop(name, None)
