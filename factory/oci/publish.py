"""Built plugins, published: an image a plugin or one for all of them, named, made and pushed."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import UsageError
from factory.oci.artifacts import backstage_version
from factory.oci.image import ImageFacts, build_image
from factory.oci.push import push_images
from factory.oci.reference import DEFAULT_TAG_TEMPLATE, Reference, reference_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.errors import FactoryError
    from factory.oci.archive import PluginArchive
    from factory.oci.artifacts import BuiltPlugins
    from factory.oci.image import Image
    from factory.oci.push import OnEnd, OnProgress, PushedImage
    from factory.oci.registry import Registry
    from factory.oci.target import RegistryTarget


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedImage:
    """An image that is to be made: of which plugins, under which name, with which facts."""

    reference: Reference
    plugins: tuple[PluginArchive, ...]
    facts: ImageFacts


def plan_images(
    built: Sequence[BuiltPlugins],
    target: RegistryTarget,
    *,
    tag_template: str = DEFAULT_TAG_TEMPLATE,
    bundle: str = "",
) -> tuple[PlannedImage, ...]:
    """Return the images to publish: one a plugin, or with ``bundle`` one of that name a workspace.

    A bundle's version is that of its plugins if they share one; otherwise the tag template must do
    without ``{version}``.

    Raises:
        UsageError: the tag template does not fit, or two images would have the same name.
        ConfigurationError: a plugin's name is none that registries take.
    """
    planned: dict[str, PlannedImage] = {}
    for workspace in built:
        groups = [workspace.plugins] if bundle else [(one,) for one in workspace.plugins]
        for plugins in groups:
            image = _planned(plugins, workspace.facts, target, tag_template, bundle)
            name = str(image.reference)
            if name in planned:
                raise UsageError(
                    f"two images would have the name {name}",
                    found=" and ".join(str(one.plugins[0].tgz) for one in (planned[name], image)),
                    hint="push the directories one by one, with a --tag-template or --bundle name "
                    "of its own each",
                )
            planned[name] = image
    return tuple(planned.values())


def publish(
    registry: Registry,
    planned: Sequence[PlannedImage],
    *,
    on_progress: OnProgress | None = None,
    on_end: OnEnd | None = None,
) -> tuple[PushedImage | FactoryError, ...]:
    """Make the planned images and push them, several at once; return what became of each.

    Layers are in a temporary folder for as long as it takes.

    Raises:
        Interrupted: the conversation's checkpoint ended the run.
        PackError: an archive cannot be made an image of; nothing has been pushed then.
        StorageError: the temporary folder has no space left.
    """
    with tempfile.TemporaryDirectory(prefix="plugin-factory-images-") as work:

        def made(number: int, one: PlannedImage) -> tuple[Image, Reference]:
            registry.transport.checkpoint()
            layer = Path(work, f"{number}.tar.gz")
            return build_image(one.plugins, layer, facts=one.facts), one.reference

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            images = list(pool.map(made, range(len(planned)), planned))
        return push_images(registry, images, on_progress=on_progress, on_end=on_end)


def _planned(
    plugins: tuple[PluginArchive, ...],
    facts: ImageFacts,
    target: RegistryTarget,
    tag_template: str,
    bundle: str,
) -> PlannedImage:
    versions = {plugin.version for plugin in plugins}
    hosts = {backstage_version(plugin) for plugin in plugins}
    version = versions.pop() if len(versions) == 1 else ""
    reference = reference_for(
        registry=target.registry,
        namespace=target.namespace,
        package=bundle or plugins[0].name,
        version=version,
        tag_template=tag_template,
        backstage_version=hosts.pop() if len(hosts) == 1 else "",
        revision=facts.revision,
    )
    if bundle:
        facts = replace(facts, title=bundle, version=version or reference.tag)
    return PlannedImage(reference=reference, plugins=plugins, facts=facts)
