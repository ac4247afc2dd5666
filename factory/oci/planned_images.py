"""Which images are made of built plugins, and what they are called. Nothing is made here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.errors import Place, UsageError
from factory.oci.reference import DEFAULT_TAG_TEMPLATE, NO_HOST, NamedHost, Reference, reference_for
from factory.oci.target import registry_and_namespace
from factory.quantities import join_names
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from factory.config.environment import Environment
    from factory.oci.image import ImageFacts
    from factory.oci.packed_plugin import PluginArchive

# podman's name for images that come from no registry.
NO_REGISTRY = "localhost"
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltPlugins:
    """The packed plugins of one output directory, and what is known of their source.

    ``lacking`` are the paths of plugins of the workspace that are not here, as far as its
    ``build-report.json`` tells.
    """

    folder: Path
    plugins: tuple[PluginArchive, ...]
    facts: ImageFacts
    lacking: tuple[str, ...] = ()
    host: NamedHost = NO_HOST


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageNaming:
    """How images are called.

    With ``bundle`` there is one image of that name with all plugins of a workspace; of several
    workspaces each has an image called ``BUNDLE-WORKSPACE``.
    ``backstage_version`` is taken for plugins that do not say for which version they are, ``host``
    for those whose report does not say for which portal they were built.
    """

    registry: str = NO_REGISTRY
    namespace: str = ""
    tag_template: str = DEFAULT_TAG_TEMPLATE
    bundle: str = ""
    backstage_version: str = ""
    host: NamedHost = NO_HOST


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedImage:
    """An image that is to be made: of which plugins, under which name, with which facts."""

    reference: Reference
    plugins: tuple[PluginArchive, ...]
    facts: ImageFacts
    bundled: bool = False

    @property
    def stem(self) -> str:
        """The name of its file beside its plugins, without an ending."""
        if self.bundled:
            return f"{self.reference.repository.rpartition('/')[2]}-{self.reference.tag}"
        return self.plugins[0].tgz.name.removesuffix(".tgz")


def find_supported_backstage(plugin: PluginArchive) -> str:
    """Return the Backstage version that the plugin was built for, or ``""`` if it does not say.

    That is the exported package's ``backstage.supported-versions``.
    """
    backstage = plugin.package.get("backstage")
    versions = backstage.get("supported-versions") if isinstance(backstage, dict) else None
    return versions if isinstance(versions, str) else ""


def local_naming(environment: Environment) -> tuple[str, str]:
    """Return registry and namespace for images that stay here.

    They are called as they would be in the registry, if one is configured.

    Raises:
        ConfigurationError: REGISTRY_URL or REGISTRY_NAMESPACE cannot be used.
    """
    if environment.get("REGISTRY_URL") and environment.get("REGISTRY_NAMESPACE"):
        return registry_and_namespace(environment)
    return NO_REGISTRY, ""


def plan_images(built: Sequence[BuiltPlugins], naming: ImageNaming) -> tuple[PlannedImage, ...]:
    """Return the images to make: one a plugin, or with a bundle's name one a workspace.

    A bundle's version is that of its plugins if they share one; otherwise the tag template must do
    without ``{version}``.

    Raises:
        UsageError: the tag template does not fit, two images would have the same name, or a bundle
            would lack plugins of its workspace.
        ConfigurationError: a plugin's name is not one that registries accept.
    """
    planned: dict[str, PlannedImage] = {}
    for workspace in built:
        own = naming
        if naming.bundle and len(built) > 1:
            own = replace(naming, bundle=f"{naming.bundle}-{workspace.folder.absolute().name}")
        if naming.bundle and workspace.lacking:
            raise partial_bundle_error(
                own.bundle,
                workspace.lacking,
                place=Place(file=workspace.folder),
                hint="build them into the directory too, or copy their archives there, and push "
                "again; without --bundle each plugin is an image of its own",
            )
        groups = [workspace.plugins] if naming.bundle else [(one,) for one in workspace.plugins]
        for plugins in groups:
            image = _plan_image(plugins, workspace.facts, own, workspace.host)
            name = str(image.reference)
            if name in planned:
                raise UsageError(
                    f"two images would have the name {name}",
                    found=" and ".join(str(one.plugins[0].tgz) for one in (planned[name], image)),
                    hint="push the directories separately, each with its own --tag-template or "
                    "--bundle name",
                )
            planned[name] = image
    return tuple(planned.values())


def partial_bundle_error(
    bundle: str, lacking: Sequence[str], *, place: Place | None = None, hint: str
) -> UsageError:
    """Return the error for a bundle that would not hold all plugins of its workspace.

    Under its tag is, or will be, the image of all of them: who has plugins from there would lose
    some.

    Args:
        bundle: its name.
        lacking: the paths of the plugins that would not be in it.
        place: the directory that lacks them, if there is one.
        hint: the way out.
    """
    return UsageError(
        f"the image {bundle} would not hold all plugins of the workspace",
        place=place,
        found=f"without {join_names(lacking, _SHOWN)}",
        expected="every plugin of the workspace, since the image replaces the one that has all",
        hint=hint,
    )


def _plan_image(
    plugins: tuple[PluginArchive, ...], facts: ImageFacts, naming: ImageNaming, host: NamedHost
) -> PlannedImage:
    versions = {plugin.version for plugin in plugins}
    hosts = {find_supported_backstage(plugin) for plugin in plugins}
    version = versions.pop() if len(versions) == 1 else ""
    reference = reference_for(
        registry=naming.registry,
        namespace=naming.namespace,
        package=naming.bundle or plugins[0].name,
        version=version,
        tag_template=naming.tag_template,
        backstage_version=(hosts.pop() if len(hosts) == 1 else "") or naming.backstage_version,
        revision=facts.revision,
        host=host if host.name else naming.host,
    )
    if naming.bundle:
        facts = replace(facts, title=naming.bundle, version=version or reference.tag)
    return PlannedImage(
        reference=reference, plugins=plugins, facts=facts, bundled=bool(naming.bundle)
    )
