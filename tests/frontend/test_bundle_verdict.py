"""In which frontend systems a built plugin shows, rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factory.frontend.bundle_verdict import judge_bundle
from factory.frontend.verdict import FrontendVerdict

from .bundles import EXPOSED, NAMED_EXPORT, federated, scalprum, source_map, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = "@backstage/FrontendPlugin"
DEFAULT = (
    "import { createFrontendPlugin } from '@backstage/frontend-plugin-api';\n"
    "export default createFrontendPlugin({});"
)
OLD_AND_NEW = f'd(t,{{default:()=>b}});const b=1;"{PLUGIN}";'


def features(**by_mount: str) -> dict[str, Any]:
    mounts = {"." if name == "main" else f"./{name}": kind for name, kind in by_mount.items()}
    return {"backstage": {"role": "frontend-plugin", "features": mounts}}


NEW: dict[str, tuple[dict[str, str], dict[str, Any], bool | None, str]] = {
    # backstage.features, which newer tools write (rhdh-cli 1.11.3 and later, backstage-cli pack)
    "a stated feature": (federated("."), features(main=PLUGIN), True, '"." is a'),
    "a stated module": (
        federated(".", "alpha"),
        features(alpha="@backstage/FrontendModule"),
        True,
        '"alpha" is a',
    ),
    "a stated feature that is not exposed": (
        federated("."),
        features(alpha=PLUGIN),
        False,
        'does not expose "alpha"',
    ),
    "a stated plugin of the old system": (
        federated("."),
        features(main="@backstage/BackstagePlugin"),
        False,
        "BackstagePlugin",
    ),
    # nothing stated: what the bundle itself tells
    "no default export": (
        federated(".", script=NAMED_EXPORT + PLUGIN),
        {},
        False,
        "no default export",
    ),
    "nothing makes a feature": (
        federated(".", script="d(t,{default:()=>a});const a=1"),
        {},
        False,
        "no script in it makes",
    ),
    "the maker is the portal's": (
        federated(".", script="d(t,{default:()=>a})", shared=("@backstage/frontend-plugin-api",)),
        {},
        None,
        "does not say",
    ),
    "a further entry point": (federated(".", "alpha"), {}, True, 'exposes "alpha"'),
    "its source says so": (
        federated(".")
        | {
            f"dist/{EXPOSED}.map": source_map(
                index_ts="export { default } from './plugin';",
                plugin_tsx=DEFAULT,
            )
        },
        {},
        True,
        "createFrontendPlugin() makes",
    ),
    "the index left nothing in the source map": (
        federated(".")
        | {f"dist/{EXPOSED}.map": source_map(plugin_tsx=DEFAULT)},
        {},
        True,
        "createFrontendPlugin() makes",
    ),
    "its source says otherwise": (
        federated(".", script=OLD_AND_NEW)
        | {f"dist/{EXPOSED}.map": source_map(index_ts="export default function Page() {}")},
        {},
        False,
        "exports a function",
    ),
    "no source": (federated(".", script=OLD_AND_NEW), {}, None, "does not say"),
    "a source map that is none": (
        federated(".", script=OLD_AND_NEW) | {f"dist/{EXPOSED}.map": "["},
        {},
        None,
        "does not say",
    ),
    # what there is to load at all
    "no bundle": ({}, {}, False, "there is no dist/mf-manifest.json"),
    "nothing is exposed": (federated(), features(main=PLUGIN), False, "exposes no module"),
    "the portal leaves it out": (
        federated(".") | {"dist/mf-manifest.json": '{"exposes": []}'},
        features(main=PLUGIN),
        False,
        "has no name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NEW)
def test_the_new_frontend_system(case: str, tmp_path: Path) -> None:
    files, package, shows, why = NEW[case]
    verdict = judge_bundle(tmp_path, write_bundle(tmp_path, files, **package)).new
    assert verdict.shows is shows
    assert why in verdict.why
    assert bool(verdict.hint) or shows or "has no name" in verdict.why


OLD: dict[str, tuple[dict[str, str], bool, str]] = {
    "a manifest": (scalprum(), True, "team.todo under dynamicPlugins.frontend"),
    "none": ({}, False, "there is no dist-scalprum/plugin-manifest.json"),
    "one without scripts": (
        scalprum() | {"dist-scalprum/plugin-manifest.json": '{"name": "a", "version": "1"}'},
        False,
        "does not name a script",
    ),
}


@pytest.mark.parametrize("case", OLD)
def test_the_old_frontend_system(case: str, tmp_path: Path) -> None:
    files, shows, why = OLD[case]
    verdict = judge_bundle(tmp_path, write_bundle(tmp_path, files)).old
    assert verdict.shows is shows
    assert why in verdict.why


@pytest.mark.parametrize("features", [5, [], {"./": 5}, None])
def test_features_of_another_form_say_nothing(features: Any, tmp_path: Path) -> None:
    package = write_bundle(tmp_path, federated(".", "alpha"), backstage={"features": features})
    assert judge_bundle(tmp_path, package).new.shows is True


def test_a_verdict_is_read_as_it_was_written(tmp_path: Path) -> None:
    verdict = judge_bundle(tmp_path, write_bundle(tmp_path, scalprum()))
    read = FrontendVerdict.read(verdict.as_json())
    assert read is not None
    assert read.as_json() == verdict.as_json()


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"old": {}, "new": {}}, {"old": {"shows": 5, "why": ""}, "new": 1},
     {"old": {"shows": [], "why": ""}, "new": {"shows": True, "why": ""}},
     {"old": {"shows": 1, "why": ""}, "new": {"shows": True, "why": ""}}],
)  # fmt: skip
def test_what_is_no_verdict_is_none(value: Any) -> None:
    assert FrontendVerdict.read(value) is None
