"""What the old frontend system mounts of a plugin, as values, and what is left over of it.

What is left over comes with the page of Backstage's documentation to go on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCS = "https://backstage.io/docs/frontend-system"
EXTENSION_PAGE = f"{DOCS}/building-plugins/common-extension-blueprints"
CONFIGURE_PAGE = f"{DOCS}/building-apps/configuring-extensions"
ROUTES_PAGE = f"{DOCS}/architecture/routes"
MIGRATION_PAGE = f"{DOCS}/building-plugins/migrating"

HowMany: TypeAlias = Literal["allOf", "anyOf", "oneOf"]
TestKind: TypeAlias = Literal["isKind", "isType", "hasAnnotation", "function"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedExport:
    """The export ``name`` of the script ``path``, which counts from the package's folder."""

    path: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityTest:
    """A test of an entity: one of RHDH's with its ``values``, or a ``function`` of the plugin."""

    kind: TestKind
    values: tuple[str, ...] = ()
    function: MountedExport | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityCondition:
    """When something shows on an entity's page."""

    how_many: HowMany
    tests: tuple[EntityTest, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedComponent:
    """A component, with the ``props`` that it is given; ``layout`` is the style of its cell."""

    way: str
    export: MountedExport
    props: Mapping[str, Any]
    layout: Mapping[str, str | int | float]
    condition: EntityCondition | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedPage:
    """A page of its own; ``title`` and ``icon`` are those of its menu item, "" without one.

    ``icon`` is a name of the app's icons, or an export of the plugin.
    """

    component: MountedComponent
    path: str
    title: str = ""
    icon: str | MountedExport = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MountedTab:
    """A tab on an entity's page with its cards; without a ``path`` it has one of its name."""

    way: str
    title: str
    path: str
    cards: tuple[MountedComponent, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOver:
    """What is not translated: where it stands, why, and the page that helps."""

    way: str
    why: str
    page: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OldMounts:
    """All that a configuration mounts, by what it becomes, and what is left over.

    ``overview`` are cards of the overview, ``elements`` what is put beside all pages, ``apis`` the
    factories of APIs, by where they stand.
    """

    pages: tuple[MountedPage, ...] = ()
    overview: tuple[MountedComponent, ...] = ()
    tabs: tuple[MountedTab, ...] = ()
    elements: tuple[MountedComponent, ...] = ()
    apis: Mapping[str, MountedExport]
    left: tuple[LeftOver, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        """Where everything stands that is translated."""
        return (
            *(page.component.way for page in self.pages),
            *(card.way for card in self.overview),
            *(tab.way for tab in self.tabs),
            *(card.way for tab in self.tabs for card in tab.cards),
            *(element.way for element in self.elements),
            *self.apis,
        )
