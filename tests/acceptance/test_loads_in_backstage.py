"""The artifacts in a real Backstage backend: it starts with them, and their route answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .example_builds import Built
from .portal import Portal, running_portal


@pytest.fixture(scope="module")
def portal(
    built: Built, process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """The backend, running with all three artifacts in its dynamic plugins folder."""
    folder = tmp_path_factory.mktemp("portal")
    with running_portal(built.outputs.glob("*.tgz"), folder, process) as running:
        yield running


def test_the_backend_starts_with_every_artifact_and_none_fails(portal: Portal) -> None:
    assert portal.names == {
        "@plugin-factory-example/plugin-greetings-dynamic",
        "@plugin-factory-example/plugin-greetings-backend-dynamic",
        "@plugin-factory-example/plugin-greetings-backend-module-nordic-dynamic",
    }
    assert portal.failures == {}


def test_the_plugins_route_answers_with_what_the_module_added(portal: Portal) -> None:
    text = json.dumps(portal.answer("/api/greetings/greetings"), ensure_ascii=False)
    # From greetings-common by the patch, from the backend, and from the module that extends it.
    assert "portal" in text
    assert "Hello" in text
    assert "Hei" in text
