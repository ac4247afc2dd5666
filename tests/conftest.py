"""What all tests share: an environment of their own, and a cache of tools that outlives a run."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]

from tests.light import refuse_heavy_tools
from tests.work_units import Scheduler, is_heavy, turn

ROOT = Path(__file__).resolve().parent.parent
# Tools are some 700 MB, and the same for every run: installed once, under the ignored build/.
KEPT = Path(os.environ.get("PLUGIN_FACTORY_TEST_CACHE", ROOT / "build/test-cache"))

# How long an example takes says something of the machine, and of what else it has to do.
settings.register_profile(
    "any machine",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

# Seconds: what takes longer is worth a look at; how often is said what is being done.
LONG = 60
OFTEN = 300

# Light tests have no tools, and find the network cut: what installs something is not light.
LIGHT = ROOT / "build/light-tests"

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
    "PIP_RETRIES",
    "COVERAGE_PROCESS_CONFIG",  # what runs in a process of its own is measured as well
)


class AtOnce:
    """Says at once what failed and what took long: a run that is broken off has no summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.monotonic()
        self._running: dict[str, float] = {}
        Thread(target=self._say_what_runs, daemon=True).start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Remember since when a test runs."""
        self._running[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Forget a test that ended."""
        self._running.pop(nodeid, None)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write a line, and the end of what a failure says."""
        has_failed = report.outcome not in {"passed", "skipped"}  # "rerun": it is tried once more
        if not has_failed and report.duration <= LONG:
            return
        word = report.outcome if has_failed else "slow"
        self._say(f"{word} {report.duration:.0f} s {report.when} {report.nodeid}")
        if has_failed:
            self._terminal.write_line(report.longreprtext[-2000:])

    @property
    def _terminal(self) -> pytest.TerminalReporter:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(terminal, pytest.TerminalReporter)
        return terminal

    def _say(self, line: str) -> None:
        self._terminal.write_line(f"\n[{time.monotonic() - self._began:.0f} s] {line}")

    def _say_what_runs(self) -> None:
        while True:
            time.sleep(OFTEN)
            now = time.monotonic()
            free = shutil.disk_usage(tempfile.gettempdir()).free / 10**9
            runs = [f"{test} ({now - since:.0f} s)" for test, since in [*self._running.items()]]
            self._say(f"{free:.1f} GB free; running: {', '.join(runs)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--light`` and ``--at-once``."""
    parser.addoption(
        "--light",
        action="store_true",
        help="only tests that need no installation, no registry, no browser and no container",
    )
    parser.addoption(
        "--at-once",
        action="store_true",
        help=f"say at once what failed, what took longer than {LONG} s, and at times what runs",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take away what light tests must not use, before workers start; find who prints."""
    if hasattr(config, "workerinput"):
        return
    if config.option.light:
        refuse_heavy_tools(LIGHT, os.environ)
    if config.option.at_once:
        config.pluginmanager.register(AtOnce(config))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is not light without importing it: each worker would, and it takes long."""
    if not config.option.light:
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return is_heavy(f"{path}/" if collection_path.is_dir() else path) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what takes long first; leave out what is not light, if so asked."""
    if config.option.light:
        heavy = [item for item in items if is_heavy(item.nodeid)]
        items[:] = [item for item in items if not is_heavy(item.nodeid)]
        config.hook.pytest_deselected(items=heavy)
    items.sort(key=lambda item: turn(item.nodeid))


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays to the end: thousands of tests."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    """Give tests to workers as this project's tests need it."""
    return Scheduler(config, log)


@pytest.fixture(scope="session")
def process(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of a factory process: what reaching registries takes, a home of its own."""
    kept = LIGHT if request.config.option.light else KEPT
    home = kept / "home"
    home.mkdir(parents=True, exist_ok=True)
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # Tools are the same for every test; what one test has built is no other's business.
    return passed_on | {
        "HOME": str(home),
        "PLUGIN_FACTORY_CACHE_DIR": str(kept / "tools"),
        "PLUGIN_FACTORY_NO_CACHE": "1",
    }
