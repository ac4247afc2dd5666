"""The options on images that ``build`` and ``push`` have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from factory.config.build_plan import ImageOutput

IMAGES = "Images"

ImageOutputForm: TypeAlias = Annotated[
    ImageOutput | None,
    typer.Option(
        help="Write an image of each plugin beside its .tgz, as skopeo, podman and crane read it: "
        "a folder (.oci) or one file (.oci.tar). Needs no registry.",
        rich_help_panel=IMAGES,
    ),
]
Bundle: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="One image of this name with all plugins of a workspace, instead of one per plugin.",
        rich_help_panel=IMAGES,
    ),
]
SignKey: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Sign pushed images with this private key, as 'cosign verify --key' checks them. "
        "A key with a passphrase needs COSIGN_PASSWORD.",
        show_default=False,
        rich_help_panel=IMAGES,
    ),
]
TagTemplate: TypeAlias = Annotated[
    str,
    typer.Option(
        help="The images' tag, made of {version}, {backstage_version}, {name}, {revision} and "
        "{short_revision}.",
        rich_help_panel=IMAGES,
    ),
]
