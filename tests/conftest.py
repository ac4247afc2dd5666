"""What all tests share: an environment of their own, and a cache of tools that outlives a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]

from tests.work_units import Scheduler, turn

ROOT = Path(__file__).resolve().parent.parent
# Tools are some 700 MB, and the same for every run: installed once, under the ignored build/.
KEPT = Path(os.environ.get("PLUGIN_FACTORY_TEST_CACHE", ROOT / "build/test-cache"))

# What a test's process may have of the environment that pytest was started in.
_PASSED_ON = (
    "PATH",
    "LANG",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
    "npm_config_cafile",
    "YARN_NPM_REGISTRY_SERVER",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "PIP_FIND_LINKS",
    "PIP_DEFAULT_TIMEOUT",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first."""
    items.sort(key=lambda item: turn(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    """Give tests to workers as this project's tests need it."""
    return Scheduler(config, log)


@pytest.fixture(scope="session")
def process() -> dict[str, str]:
    """The environment of a factory process: what reaching registries takes, a home of its own."""
    home = KEPT / "home"
    home.mkdir(parents=True, exist_ok=True)
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # Tools are the same for every test; what one test has built is no other's business.
    return passed_on | {
        "HOME": str(home),
        "PLUGIN_FACTORY_CACHE_DIR": str(KEPT / "tools"),
        "PLUGIN_FACTORY_NO_CACHE": "1",
    }
