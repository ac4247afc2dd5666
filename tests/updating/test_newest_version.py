"""Over generated histories of a package: what is chosen is the newest of those that fit, no other.

The oracle compares tuples, and knows of ranges what their names say.
"""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from factory.analysis.inventory import HostInventory
from factory.config.build_plan import BuildPlan, plan_workspace
from factory.config.environment import Environment
from factory.config.options import build_options
from factory.config.package_spec import parse_package_spec
from factory.updating.examination import UpdateWishes
from factory.updating.npm_releases import PackageHistory, ReleaseBook, parse_history
from factory.updating.published_versions import examine_package
from factory.updating.workspace_update import WorkspaceUpdate
from tests.light import examples
from tests.updating.forge import API, NAME

Key: TypeAlias = tuple[int, int, int, int]
_RELEASED = 99
HOST = HostInventory(name="portal", release="", backstage="1.45.3", packages={API: "1.4.3"})


@dataclass(frozen=True, kw_only=True)
class Made:
    """A version: its numbers, with that of its prerelease last, and what is known of it."""

    key: Key
    fits: bool
    deprecated: bool

    @property
    def text(self) -> str:
        *numbers, early = self.key
        return ".".join(map(str, numbers)) + ("" if early == _RELEASED else f"-next.{early}")

    @property
    def is_prerelease(self) -> bool:
        return self.key[3] != _RELEASED

    @property
    def is_usable(self) -> bool:
        return self.fits and not self.deprecated


keys = st.tuples(
    st.integers(1, 3), st.sampled_from([0, 2, 10]), st.integers(0, 1),
    st.sampled_from([_RELEASED, _RELEASED, 2, 10]),
)  # fmt: skip
histories = st.lists(
    st.builds(Made, key=keys, fits=st.booleans(), deprecated=st.sampled_from([False] * 4 + [True])),
    min_size=1,
    max_size=10,
    unique_by=lambda made: made.key,
)


class Told(ReleaseBook):
    """What a registry would tell."""

    def __init__(self, made: list[Made]) -> None:
        self.made = made

    def history(self, package: str) -> PackageHistory:
        versions = {
            each.text: {
                "backstage": {"role": "backend-plugin"},
                "dependencies": {API: "^1.4.3" if each.fits else "^1.9.0"},
                **({"deprecated": "broken"} if each.deprecated else {}),
            }
            for each in self.made
        }
        return parse_history(json.dumps({"versions": versions}).encode(), package, "registry")


def _refuse_to_bring(plan: BuildPlan) -> AbstractContextManager[Path]:
    """There is no plugins-list.yaml, so nothing is brought."""
    raise AssertionError(plan)


def update(
    made: list[Made], wanted: str, *, pin: bool = False, older: bool = False
) -> WorkspaceUpdate:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder)
        (config / "source.json").write_text(json.dumps({"package": f"{NAME}@{wanted}"}))
        options = build_options(config_dir=config, repo_path=config / "x", output_dir=config / "y")
        plan = plan_workspace(options, Environment(variables={}), default_jobs=1)
        done = examine_package(
            plan,
            parse_package_spec(f"{NAME}@{wanted}"),
            book=Told(made),
            wishes=UpdateWishes(host=HOST, pin=pin, older=older),
            bring=_refuse_to_bring,
            scratch=config / "scratch",
        )
        for edit in done.edits:
            assert edit.after is not None
            version = re.escape(done.chosen.version if done.chosen else "")
            assert re.search(rf'"package": "{NAME}@{version}"', edit.after)
        return done


@settings(max_examples=examples(400), deadline=None)
@given(histories, st.integers(0, 9), st.booleans())
def test_a_version_becomes_the_newest_that_fits(made: list[Made], at: int, older: bool) -> None:
    present = made[at % len(made)]
    alike = [m for m in made if present.is_prerelease or not m.is_prerelease]
    newer = [m for m in alike if m.key > present.key]
    wanted = max((m.key for m in newer if m.is_usable), default=None)
    if wanted is None and older and not present.fits:
        wanted = max((m.key for m in alike if m.key < present.key and m.is_usable), default=None)

    done = update(made, present.text, older=older)

    by_key = {m.key: m.text for m in made}
    assert (done.chosen and done.chosen.version) == (wanted and by_key[wanted])
    assert done.status == ("outdated" if wanted else "current")
    passed = [m for m in newer if not m.deprecated and (wanted is None or m.key > wanted)]
    refused = [each.ref for each in done.refused]
    assert refused[: len(passed)] == [m.text for m in sorted(passed, key=lambda m: m.key)[::-1]]


@settings(max_examples=examples(400), deadline=None)
@given(histories, st.integers(1, 3))
def test_a_range_is_pinned_to_the_newest_in_it_that_fits(made: list[Made], major: int) -> None:
    # npm has no prerelease in a range that names none.
    inside = [m for m in made if m.key[0] == major and not m.is_prerelease]
    if not inside:
        return
    wanted = max((m.key for m in inside if m.is_usable), default=None)
    done = update(made, f"^{major}.0.0", pin=True)
    by_key = {m.key: m.text for m in made}
    assert (done.chosen and done.chosen.version) == (wanted and by_key[wanted])
    assert done.status == ("outdated" if wanted else "kept")
