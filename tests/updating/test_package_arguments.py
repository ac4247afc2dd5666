"""``plugin-factory update`` of a published backend plugin: build arguments of what is chosen.

Yarn itself resolves the dependencies, from the desk's registry.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.installation.npm_server import NpmServer
from tests.updating.forge import API, NAME, Desk
from tests.updating.published import (
    FITS,
    PublishedPackage,
    is_held,
    take_package,
    wanted_by,
)

# The portal does not have it, and so does not share it.
NODE = "@backstage/plugin-x-node"
LISTED = "# Why:\nplugin:   # the backend\n"
ARGUMENTS = f"--embed-package {NODE} --shared-package !{NODE}"
EMBEDS = f"# Why:\nplugin: {ARGUMENTS}   # the backend\n"


@pytest.fixture
def package(desk: Desk, process: dict[str, str]) -> PublishedPackage:
    """A plugin whose second version needs a package of its own, and whose third one is broken."""
    desk.variables["npm_config_registry"] = desk.npm.url
    publish_backstage(desk)
    package = PublishedPackage(desk=desk)
    package.publish_archive("1.0.0", {})
    package.publish_archive("1.1.0", {}, dependencies={API: FITS, NODE: "^1.0.0"})
    return package


def publish_backstage(desk: Desk) -> None:
    PublishedPackage(desk=desk, name=API).publish_archive("1.4.3", {}, role=None, dependencies={})
    PublishedPackage(desk=desk, name=NODE).publish_archive("1.0.0", {}, role="node-library")


def listed_for(desk: Desk, wanted: str, *, pin: str = "", text: str = LISTED) -> Path:
    file = take_package(desk, wanted, pin=pin, resolve_as_of="now") / "plugins-list.yaml"
    file.write_text(text)
    return file


def test_arguments_are_those_of_the_version_that_is_chosen(
    desk: Desk, package: PublishedPackage
) -> None:
    listed = listed_for(desk, f"{NAME}@1.0.0")
    before = desk.files()
    told = desk.update("--dry-run", "--json")
    assert told.code == 0, told.err
    (change,) = told.workspace()["arguments"]
    assert (change["path"], change["after"]) == ("plugin", ARGUMENTS)
    assert desk.files() == before

    done = desk.update()

    assert done.code == 0, done.err
    assert wanted_by(desk) == f"{NAME}@1.1.0"
    assert listed.read_text() == EMBEDS
    assert not is_held(desk)  # it is the build that writes it
    # What a build would say of the list, and of what it writes, is not said.
    assert "warning" not in done.err
    assert "wrote" not in done.err
    again = desk.update("--check")
    assert again.code == 0, again.err


def test_a_range_that_is_freed_changes_them_too(desk: Desk, package: PublishedPackage) -> None:
    listed = listed_for(desk, f"{NAME}@^1.0.0", pin="1.0.0")
    done = desk.update()
    assert done.code == 0, done.err
    assert not is_held(desk)
    assert listed.read_text() == EMBEDS


def test_what_cannot_be_resolved_is_a_reason_against(desk: Desk, package: PublishedPackage) -> None:
    package.publish_archive("1.2.0", {}, dependencies={API: FITS, "@acme/absent": "^1.0.0"})
    listed = listed_for(desk, f"{NAME}@1.0.0")
    done = desk.update("--json")
    assert done.code == 0, done.err
    (refused,) = done.workspace()["not-chosen"]
    assert refused["ref"] == "1.2.0"
    assert "the registry has no @acme/absent@" in refused["reasons"][0]
    assert wanted_by(desk) == f"{NAME}@1.1.0"
    assert listed.read_text() == EMBEDS


def test_a_registry_that_refuses_is_no_reason_against(
    desk: Desk, package: PublishedPackage
) -> None:
    desk.npm.authorization, desk.npm.protected = "Bearer of-somebody", f"/{NODE}/-/"
    listed = listed_for(desk, f"{NAME}@1.0.0")
    before = desk.files()
    done = desk.update()
    assert done.code == 7, done.out
    assert "Invalid authentication" in done.said
    assert listed.read_text() == LISTED
    assert desk.files() == before


def test_a_scope_has_a_registry_and_a_login_of_its_own(
    desk: Desk, package: PublishedPackage
) -> None:
    for name in (API, NODE):
        del desk.npm.packages[name]
    private = NpmServer(authorization="Bearer secret-of-acme")
    try:
        publish_backstage(replace(desk, npm=private))
        (desk.config / ".npmrc").write_text(
            f"registry={desk.npm.url}\n@backstage:registry={private.url}\n"
            f"//{private.host}/:_authToken=${{ACME_TOKEN}}\n"
        )
        desk.variables["ACME_TOKEN"] = "secret-of-acme"
        listed = listed_for(desk, f"{NAME}@1.0.0")
        done = desk.update("--verbose")
    finally:
        private.close()
    assert done.code == 0, done.err
    assert listed.read_text() == EMBEDS
    assert {login for _, login in private.seen} == {"Bearer secret-of-acme"}
    assert {login for _, login in desk.npm.seen} == {""}
    assert "secret-of-acme" not in done.said


def test_no_login_goes_to_the_registry_of_a_scope_that_has_none(
    desk: Desk, package: PublishedPackage
) -> None:
    for name in (API, NODE):
        del desk.npm.packages[name]
    desk.npm.authorization = "Bearer secret-of-acme"
    other = NpmServer()
    try:
        publish_backstage(replace(desk, npm=other))
        (desk.config / ".npmrc").write_text(
            f"registry={desk.npm.url}\n@backstage:registry={other.url}\n"
            f"//{desk.npm.host}/:_authToken=secret-of-acme\n"
        )
        listed = listed_for(desk, f"{NAME}@1.0.0")
        done = desk.update()
    finally:
        other.close()
    assert done.code == 0, done.err
    assert listed.read_text() == EMBEDS
    assert other.count(NODE) > 0
    assert {login for _, login in other.seen} == {""}
