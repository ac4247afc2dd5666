"""Finished plugins, as a run looks for them and keeps them: on this machine, and in registries."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from factory.cache.key import explain, plugin_key
from factory.cache.latest import latest_parts, note_latest
from factory.cache.limits import DEFAULT_LIMITS, Limits
from factory.cache.pruning import prune
from factory.cache.remote import remote_cache
from factory.cache.store import store_of
from factory.errors import FactoryError, Interrupted
from factory.export.packing import Artifact
from factory.pipeline.report import PluginReport
from factory.quantities import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.cache.entry import Entry
    from factory.cache.key import PluginInputs
    from factory.cache.remote import RemoteCache
    from factory.cache.store import Store
    from factory.config.run_plan import RunPlan
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.toolchain.runner import Runner

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPlugin:
    """A plugin with what it is made from.

    ``key`` is its name in the cache; ``repaired_key`` that of an export whose arguments had to be
    mended for a host. ``identity`` tells the plugin from all others, whatever it is made from.
    ``with_arguments`` returns what it would be made from with other build arguments.
    """

    inputs: PluginInputs = field(repr=False)
    key: str
    repaired_key: str
    identity: str
    with_arguments: Callable[[str], PluginInputs] = field(repr=False)


def named(
    arguments: str,
    with_arguments: Callable[[str], PluginInputs],
    *,
    host_digest: str,
    identity: str,
) -> NamedPlugin:
    """Return a plugin's names in the cache.

    Raises:
        OSError: a file that the plugin is made from cannot be read.
        FactoryError: the plugin cannot be built.
    """
    inputs = with_arguments(arguments)
    return NamedPlugin(
        inputs=inputs,
        key=plugin_key(inputs),
        repaired_key=plugin_key(inputs.for_host(host_digest)),
        identity=identity,
        with_arguments=with_arguments,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginCache:
    """The store of this machine, and the registries beside it. Nothing in here fails a build."""

    store: Store
    limits: Limits
    remote: RemoteCache | None = None
    _kept: list[str] = field(default_factory=list, repr=False)

    def find(self, *keys: str) -> Entry | None:
        """Return the entry of the first of ``keys`` that has one, here or in a registry."""
        for key in keys:
            if entry := self.store.get(key):
                return entry
        for key in keys:
            if self.remote and (entry := self.remote.fetch(key, self.store)):
                self._kept.append(key)
                return entry
        return None

    def why_missing(self, plugin: NamedPlugin) -> str:
        """Return in a few words why there is no entry: what has changed since the last one."""
        before = latest_parts(self.store, plugin.identity)
        if before is None:
            return "not built before"
        changed = explain(before, plugin.inputs.parts)
        if not changed:
            return "no longer in the cache"
        return f"changed: {listed(changed, 3, between='; ')}"

    def restore(
        self, entry: Entry, plugin: ChosenPlugin, output_dir: Path, *, identity: str = ""
    ) -> PluginReport | None:
        """Place an entry's files in ``output_dir`` and return the plugin's report.

        None if the entry has gone or rotted meanwhile: it is a miss then.

        Raises:
            OSError: ``output_dir`` cannot be written.
        """
        if self.store.restore(entry, output_dir) is None:
            return None
        if identity:
            note_latest(self.store, identity, entry.key)
        if self.remote:
            self.remote.send(entry)  # what was built before --cache-to was given is shared too
        record = entry.record
        return PluginReport(
            path=plugin.path,
            outcome="done",
            cached=True,
            name=plugin.manifest.name,
            exported_name=record.get("name"),
            version=record.get("version") or plugin.manifest.version,
            role=plugin.manifest.role,
            arguments=record.get("arguments", plugin.arguments),
            repairs=tuple(record.get("repairs", ())),
            integrity=record.get("integrity"),
            files=tuple(Artifact(name=file.name, size=file.size) for file in entry.files),
            seconds={},
        )

    def keep(self, plugin: NamedPlugin, report: PluginReport, output_dir: Path) -> None:
        """Keep a plugin that was built, for the next run and for other machines.

        One whose arguments were mended is also kept as what it is with those arguments: they are
        about to be written into plugins-list.yaml.
        """
        key = plugin.repaired_key if report.repairs else plugin.key
        self._put(key, plugin.inputs, report, output_dir)
        note_latest(self.store, plugin.identity, key)
        if not report.repairs:
            return
        try:
            inputs = plugin.with_arguments(report.arguments)
        except Interrupted:
            raise
        except (OSError, FactoryError) as error:
            log.debug("%s is not kept with its mended arguments: %s", report.path, error)
        else:
            self._put(plugin_key(inputs), inputs, replace(report, repairs=()), output_dir)

    def _put(self, key: str, inputs: PluginInputs, report: PluginReport, output_dir: Path) -> None:
        entry = self.store.put(
            key,
            [output_dir / file.name for file in report.files],
            parts=inputs.parts,
            record={
                "name": report.exported_name,
                "version": report.version,
                "arguments": report.arguments,
                "repairs": list(report.repairs),
                "integrity": report.integrity,
            },
        )
        if entry is not None:
            self._kept.append(key)
            if self.remote:
                self.remote.send(entry)

    def tidy(self) -> None:
        """Remove what is beyond the limits, if this run has kept anything."""
        if self._kept:
            prune(self.store, self.limits)


@contextlib.contextmanager
def opened_cache(run: RunPlan, runner: Runner) -> Iterator[PluginCache | None]:
    """Open the cache that a run uses; there is none with ``--no-cache``.

    Raises:
        UsageError: ``--cache-from`` or ``--cache-to`` is no name of a repository.
        ConfigurationError: a REGISTRY_ variable cannot be used.
    """
    if run.no_cache:
        yield None
        return
    with contextlib.ExitStack() as stack:
        remote = None
        if run.cache_from or run.cache_to:
            remote = stack.enter_context(
                remote_cache(
                    run.environment,
                    sources=run.cache_from,
                    destination=run.cache_to,
                    checkpoint=runner.raise_if_cancelled,
                )
            )
        yield PluginCache(store=store_of(run.cache_dir), limits=_limits(run), remote=remote)


def _limits(run: RunPlan) -> Limits:
    most, longest = run.cache_max_bytes, run.cache_max_age
    return Limits(
        max_bytes=DEFAULT_LIMITS.max_bytes if most is None else most,
        max_age=DEFAULT_LIMITS.max_age if longest is None else longest,
    )
