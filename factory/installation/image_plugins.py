"""Which plugins an image holds: its annotation ``io.backstage.dynamic-packages``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import ArtifactError
from factory.oci.dynamic_packages import DYNAMIC_PACKAGES, folders_in, is_plugin_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.installation.package_reference import OciPackage


def plugin_folders(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders that the annotation names, or none where there is no annotation.

    Raises:
        ArtifactError: the annotation is not base64 of a JSON array of objects.
    """
    encoded = annotations.get(DYNAMIC_PACKAGES, "")
    if not encoded:
        return ()
    try:
        return folders_in(encoded)
    except ValueError as error:
        raise ArtifactError(
            f"the image's annotation {DYNAMIC_PACKAGES} cannot be read",
            expected="base64 of a JSON array of objects, one a plugin",
            hint="write the plugin's folder behind the image: oci://…!plugin-path",
        ) from error


def chosen_folder(annotations: Mapping[str, str], package: OciPackage) -> str:
    """Return the folder of the image's only plugin.

    Raises:
        ArtifactError: there is none, or several, which are named.
    """
    folders = plugin_folders(annotations)
    if len(folders) == 1:
        folder = folders[0]
        if not is_plugin_folder(folder):
            raise ArtifactError(
                "the image names a plugin's folder that is none",
                found=f"{folder!r} in {package}",
                expected="a folder at the image's root",
                hint="make the image again with 'plugin-factory push'",
            )
        return folder
    if folders:
        raise ArtifactError(
            "the image holds several plugins",
            found=str(package),
            expected="one of " + ", ".join(f"{package}!{folder}" for folder in folders),
            hint="add !plugin-path to the package",
        )
    raise ArtifactError(
        "the image does not say which plugins it holds",
        found=f"{package} has no annotation {DYNAMIC_PACKAGES}",
        expected="the plugin's folder in the package: oci://registry/repository:tag!plugin-path",
        hint="add !plugin-path to the package",
    )
