"""Names and tags of images."""

from __future__ import annotations

from typing import Any

import pytest

from factory.errors import ConfigurationError, UsageError
from factory.oci.reference import Reference, placeholders, reference_for


def name(package: str = "@scope/plugin-todo-dynamic", **keywords: Any) -> str:
    usual = {"registry": "quay.io", "namespace": "team", "version": "1.2.3"}
    return str(reference_for(package=package, **(usual | keywords)))


def test_an_image_is_called_after_the_package_without_dynamic() -> None:
    assert name() == "quay.io/team/scope-plugin-todo:1.2.3"
    assert name("@red-hat-developer-hub/backstage-plugin-quickstart") == (
        "quay.io/team/red-hat-developer-hub-backstage-plugin-quickstart:1.2.3"
    )


def test_a_template_names_the_tag() -> None:
    assert name(tag_template="bs_{backstage_version}__{version}", backstage_version="1.52.0") == (
        "quay.io/team/scope-plugin-todo:bs_1.52.0__1.2.3"
    )
    assert name(tag_template="{name}-{short_revision}", revision="3fadf6b0595d1d18") == (
        "quay.io/team/scope-plugin-todo:scope-plugin-todo-3fadf6b0"
    )


def test_build_metadata_of_a_version_is_written_as_tags_can() -> None:
    assert name(version="1.2.3+build.7").endswith(":1.2.3_build.7")


@pytest.mark.parametrize(
    "template",
    ["{verison}", "{version!r}", "{version:>9}", "{}", "{0}", "{version.real}", "{version", "}"],
)
def test_an_unknown_placeholder_is_refused_before_anything_is_built(template: str) -> None:
    with pytest.raises(UsageError, match="tag template"):
        placeholders(template)


def test_a_placeholder_without_a_value_is_named_with_those_that_have_one() -> None:
    with pytest.raises(UsageError, match="needs backstage_version") as caught:
        name(tag_template="{backstage_version}")

    assert caught.value.hint == "use one of: {name}, {version}"


@pytest.mark.parametrize("template", ["-{version}", ".1", "a b", "a/b", "x" * 129, "", "ü"])
def test_a_tag_that_registries_refuse_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match="tag that registries refuse"):
        name(tag_template=template)


@pytest.mark.parametrize("namespace", ["Team", "team//x", "-team", "te am", "team-"])
def test_a_namespace_that_registries_refuse_is_refused(namespace: str) -> None:
    with pytest.raises(ConfigurationError, match="name that registries refuse"):
        name(namespace=namespace)


def test_a_name_too_long_for_registries_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="longer than 255"):
        name(namespace="n" * 240)


def test_an_old_packages_capitals_are_lowered() -> None:
    assert name("JSONStream") == "quay.io/team/jsonstream:1.2.3"


def test_a_reference_can_be_pinned() -> None:
    reference = Reference(registry="quay.io", repository="team/todo", tag="1")

    assert reference.with_digest("sha256:00") == "quay.io/team/todo@sha256:00"
