"""Finished plugins, as a run looks for them, restores them and keeps them."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from factory.archives.limits import DEFAULT_LIMITS as ARCHIVE_LIMITS
from factory.archives.limits import MAX_ENTRY_SIZE, ArchiveLimits
from factory.archives.limits import archive_limits as archive_limits_of
from factory.cache.entry import BadEntry, read_entry
from factory.cache.entry_signature import find_demanded_key, refuse_unvouched, sign_entry
from factory.cache.examination import ExpectedPlugin, examine
from factory.cache.key import explain, plugin_key
from factory.cache.pruning import (
    DEFAULT_LIMITS,
    CacheLimits,
    prune,
)
from factory.cache.store import (
    latest_parts,
    note_latest,
    store_of,
)
from factory.errors import FactoryError, Interrupted
from factory.export.packing import Artifact
from factory.frontend.verdict import FrontendVerdict
from factory.pipeline.attestations import signing_key
from factory.quantities import join_names
from factory.reports.build_report import PluginReport
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from factory.attestation.keys import PrivateKey, PublicKey
    from factory.cache.entry import Entry
    from factory.cache.key import PluginInputs
    from factory.cache.remote import RemoteCache
    from factory.cache.store import Store
    from factory.config.run_plan import RunPlan
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.stages import Stages
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


def name_plugin(
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
    """The store of this machine, and the registries beside it. Nothing in here fails a build.

    Attributes:
        store: this machine's.
        limits: how much it may hold.
        remote: the registries.
        archives: how much a plugin's archive may hold.
        demanded: the key that entries must be signed with; None to take any.
        signing: the key that entries are signed with; None to sign none.
        is_of_run: whether it has only what this run builds, and goes with it.
    """

    store: Store
    limits: CacheLimits
    remote: RemoteCache | None = None
    archives: ArchiveLimits = ARCHIVE_LIMITS
    demanded: PublicKey | None = field(default=None, repr=False)
    signing: PrivateKey | None = field(default=None, repr=False)
    is_of_run: bool = False
    _kept: list[str] = field(default_factory=list, repr=False)

    @property
    def counts_earlier_runs(self) -> bool:
        """Whether what earlier runs have left beside finished plugins, unsigned, is used, too."""
        return not (self.demanded or self.is_of_run)

    def find(self, plugin: ChosenPlugin, *keys: str) -> Entry | None:
        """Return the first entry of ``keys`` that is of this plugin, here or in a registry."""
        look = partial(examine, expected=self._expect(plugin, plugin.arguments))
        for key in keys:
            if entry := self.store.get(key, look):
                return entry
        for key in keys:
            if self.remote and (entry := self.remote.fetch(key, self.store, look)):
                self._kept.append(key)
                return entry
        return None

    def promises(self, key: str) -> bool:
        """Whether a build would find an entry of ``key``, as far as its document tells.

        Its files are not looked at, and of a registry's entries no more than whether they are
        signed, where a key is demanded: a build may still find that one cannot be restored.
        """
        if not self.demanded:
            return self.store.has(key) or bool(self.remote and self.remote.has(key))
        if self._is_vouched_for(key, self.demanded):
            return True
        return bool(self.remote and self.remote.has(key, signed=True))

    def _is_vouched_for(self, key: str, demanded: PublicKey) -> bool:
        if not self.store.has(key):
            return False
        try:
            refuse_unvouched(read_entry(self.store.path(key), key), demanded)
        except (BadEntry, OSError):
            return False
        return True

    def _expect(self, plugin: ChosenPlugin, arguments: str) -> ExpectedPlugin:
        return ExpectedPlugin(
            name=plugin.manifest.name,
            version=plugin.manifest.version,
            arguments=arguments,
            app_config=plugin.app_config,
            limits=self.archives,
            key=self.demanded,
        )

    def why_missing(self, plugin: NamedPlugin) -> str:
        """Return in a few words why there is no entry: what has changed since the last one."""
        before = latest_parts(self.store, plugin.identity)
        if before is None:
            return "not built before"
        changed = explain(before, plugin.inputs.parts)
        if not changed and self.demanded and self.store.has(plugin.key):
            return "in the cache, and not signed with the required key"
        if not changed:
            return "no longer in the cache"
        return f"changed: {join_names(changed, 3, between='; ')}"

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
            exported_name=record["name"],
            version=record["version"],
            role=plugin.manifest.role,
            arguments=record.get("arguments", plugin.arguments),
            repairs=tuple(record.get("repairs", ())),
            integrity=record["integrity"],
            shows=FrontendVerdict.read(record.get("shows")),
            files=tuple(
                Artifact(name=file.name, size=file.size, sha256=file.sha256) for file in entry.files
            ),
            seconds={},
        )

    def keep(
        self, plugin: NamedPlugin, report: PluginReport, chosen: ChosenPlugin, output_dir: Path
    ) -> None:
        """Keep a plugin that was built, for the next run and for other machines.

        One whose arguments were mended is also kept as what it is with those arguments: they are
        about to be written into plugins-list.yaml.

        Args:
            plugin: what it is called in the cache.
            report: what came of it.
            chosen: the plugin as it was to be built.
            output_dir: where its files are.
        """
        if self.demanded and not self.signing:
            self.store.tell(
                "takes nothing",
                "a signature is required, and there is no key to sign with: --sign-key",
            )
            return
        key = plugin.repaired_key if report.repairs else plugin.key
        expected = self._expect(chosen, chosen.arguments)
        self._put(key, plugin.inputs, report, expected, output_dir)
        note_latest(self.store, plugin.identity, key)
        if not report.repairs:
            return
        try:
            inputs = plugin.with_arguments(report.arguments)
        except Interrupted:
            raise
        except (OSError, FactoryError) as error:
            log.debug("%s is not kept with its repaired arguments: %s", report.path, error)
        else:
            mended = replace(expected, arguments=report.arguments)
            unrepaired = replace(report, repairs=())
            self._put(plugin_key(inputs), inputs, unrepaired, mended, output_dir)

    def _put(
        self,
        key: str,
        inputs: PluginInputs,
        report: PluginReport,
        expected: ExpectedPlugin,
        output_dir: Path,
    ) -> None:
        # The arguments of a plugin that was not repaired are those that it is looked for with.
        mended = {"arguments": report.arguments} if report.repairs else {}
        entry = self.store.put(
            key,
            [output_dir / file.name for file in report.files],
            parts=inputs.parts,
            record={
                "name": report.exported_name,
                "version": report.version,
                "repairs": list(report.repairs),
                "integrity": report.integrity,
                "shows": report.shows.as_json() if report.shows else None,
                **mended,
            },
            examine=partial(examine, expected=expected),
            sign=partial(sign_entry, key=self.signing) if self.signing else None,
        )
        if entry is not None:
            self._kept.append(key)
            if self.remote:
                self.remote.send(entry)

    def tidy(self) -> None:
        """Remove what is beyond the limits, if this run has kept anything."""
        if self._kept and not self.is_of_run:
            prune(self.store, self.limits)


@contextlib.contextmanager
def open_cache(run: RunPlan, runner: Runner) -> Iterator[PluginCache | None]:
    """Open the cache that a run uses; there is none with ``--no-cache``.

    Raises:
        UsageError: ``--cache-from`` or ``--cache-to`` is not the name of a repository, or
            ``--cache-key`` names nothing.
        ConfigurationError: a REGISTRY_ variable cannot be used, or one of the keys.
    """
    if run.options.cache.no_cache:
        yield None
        return
    builder = next((each.environment for each in run.builds), run.environment)
    sign_key = run.options.images.sign_key
    demanded = find_demanded_key(run.options.cache.cache_key, run.environment)
    signing = signing_key(sign_key, builder)
    archives = archive_limits_of(run.environment.get(MAX_ENTRY_SIZE))
    with contextlib.ExitStack() as stack:
        remote = None
        if run.options.cache.cache_from or run.options.cache.cache_to:
            from factory.cache.remote import remote_cache  # noqa: PLC0415 - urllib3 loads slowly

            remote = stack.enter_context(
                remote_cache(
                    run.environment,
                    sources=run.options.cache.cache_from,
                    destination=run.options.cache.cache_to,
                    checkpoint=runner.raise_if_cancelled,
                )
            )
        yield PluginCache(
            store=store_of(run.cache_dir),
            limits=_limits(run),
            remote=remote,
            archives=archives,
            demanded=demanded,
            signing=signing,
        )


def _limits(run: RunPlan) -> CacheLimits:
    most, longest = run.cache_max_bytes, run.cache_max_age
    return CacheLimits(
        max_bytes=DEFAULT_LIMITS.max_bytes if most is None else most,
        max_age=DEFAULT_LIMITS.max_age if longest is None else longest,
    )


# The stage by whose end an artifact is in the output directory, built or not.
_STAGE = "pack"


@dataclass(frozen=True, kw_only=True, slots=True)
class Restorer:
    """Takes plugins of one workspace from the cache."""

    cache: PluginCache
    output_dir: Path
    stages: Stages

    def restore(
        self, plugin: ChosenPlugin, name: NamedPlugin, *, repair: bool
    ) -> PluginReport | None:
        """Return the report of a plugin that the cache has, its files in place; None for a miss.

        Args:
            plugin: the plugin.
            name: what it is called in the cache.
            repair: whether a plugin serves whose arguments had to be mended.

        Raises:
            OSError: the output directory cannot be written.
        """
        entry = self.cache.find(plugin, *keys_to_look_under(name, repair=repair))
        return self.place(entry, plugin, identity=name.identity) if entry else None

    def place(
        self, entry: Entry, plugin: ChosenPlugin, *, identity: str = ""
    ) -> PluginReport | None:
        """Place an entry's files and return the plugin's report; None if the entry is gone.

        Raises:
            OSError: the output directory cannot be written.
        """
        with self.stages.stage(_STAGE, plugin.path) as stage:
            report = self.cache.restore(entry, plugin, self.output_dir, identity=identity)
            if report is None:
                stage.outcome = "skipped"
                return None
            where = "built in this run" if self.cache.is_of_run else "from the cache"
            stage.note = f"{report.files[0].name}, {where}"
        return replace(report, seconds=self.stages.seconds(plugin.path))


def keys_to_look_under(name: NamedPlugin, *, repair: bool) -> tuple[str, ...]:
    """Return the keys of the entries that a build restores for a plugin, the first one first.

    Args:
        name: what the plugin is called in the cache.
        repair: whether one serves whose arguments had to be mended.
    """
    return (name.key, name.repaired_key) if repair else (name.key,)
