"""The forms in which images are left on disk."""

from __future__ import annotations

from enum import StrEnum


class ImageOutput(StrEnum):
    """What ``--image-output`` takes: skopeo's ``oci:`` and ``oci-archive:`` (image-spec 1.1)."""

    LAYOUT = "oci-layout"
    ARCHIVE = "oci-archive"

    @property
    def suffix(self) -> str:
        """What the names of such folders and files end with."""
        return ".oci" if self is ImageOutput.LAYOUT else ".oci.tar"
