"""Entry points, loaded by the real Node.js."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.verification.entry_point import check_entry_point
from factory.verification.findings import CheckFinding
from factory.verification.plugin_folder import PluginFolder, read_plugin_folder

from .plugins import backend, terms, write_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

API = "require('@backstage/backend-plugin-api')"
INSTALLER = "exports.dynamicPluginInstaller = { kind: 'new', install: () => [] };"


def loaded(
    folder: Path,
    main: str,
    package: dict[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    host_modules: tuple[Path, ...] = (),
) -> CheckFinding:
    """The finding about a backend whose main is ``main``."""
    contents = backend(package, {"dist/index.cjs.js": main, **(files or {})})
    plugin = read_plugin_folder(write_folder(folder / "plugin", contents))
    assert isinstance(plugin, PluginFolder)
    loader = terms(host_modules=host_modules).loader
    assert loader
    return check_entry_point(plugin, loader)


@pytest.mark.parametrize(
    ("main", "kind"),
    [
        (f"exports.default = {API}.createBackendPlugin({{}});", "a backend feature"),
        (f"exports.default = {API}.createBackendModule({{}});", "a backend feature"),
        (f"exports.default = {API}.createBackendFeatureLoader({{}});", "a backend feature"),
        ("exports.default = { $$type: '@backstage/BackendFeature' };", "a backend feature"),
        (
            "(exports.default = () => 1).$$type = '@backstage/BackendFeatureFactory';",
            "a backend feature factory",
        ),
        (INSTALLER, "a dynamicPluginInstaller"),
    ],
)
def test_what_portals_take_is_recognised(main: str, kind: str, tmp_path: Path) -> None:
    finding = loaded(tmp_path, main)

    assert finding.result == "passed"
    assert f"CommonJS loads, {kind}" in finding.detail


def test_the_finding_says_for_what_stand_ins_stood(tmp_path: Path) -> None:
    finding = loaded(tmp_path, f"{API}; require('express'); {INSTALLER}")

    assert "stand-ins for @backstage/backend-plugin-api, express" in finding.detail


@pytest.mark.parametrize(
    ("main", "found"),
    [
        ("", "no exports"),
        ("exports.default = {};", "default: object"),
        ("exports.plugin = { $$type: '@backstage/BackendFeature' };", "plugin: @backstage"),
        ("module.exports = { $$type: '@backstage/BackendFeature' };", "$$type: string"),
        ("exports.default = { $$type: '@backstage/FrontendPlugin' };", "@backstage/FrontendPlugin"),
        ("exports.default = null;", "default: null"),
        ("exports.dynamicPluginInstaller = { kind: 'old' };", "dynamicPluginInstaller: object"),
    ],
)
def test_what_portals_do_not_take_is_refused_with_what_is_exported(
    main: str, found: str, tmp_path: Path
) -> None:
    finding = loaded(tmp_path, main)

    assert finding.result == "failed"
    assert found in finding.found
    assert "backend feature" in finding.expected


@pytest.mark.parametrize(
    ("main", "found"),
    [
        ("require('./gone.cjs.js');", "./gone.cjs.js"),
        ("require('left-pad');", "left-pad"),
        ("exports.default = {", "Unexpected end of input"),
        ("throw new Error('no database');", "no database"),
        ("throw 'a text';", "a text"),
        ("throw undefined;", "undefined"),
        ("process.exit(0);", "ended the process"),
        ("process.kill(process.pid, 'SIGKILL');", ""),
    ],
)
def test_what_does_not_load_is_refused(main: str, found: str, tmp_path: Path) -> None:
    finding = loaded(tmp_path, main)

    assert finding.result == "failed"
    assert found in finding.found


def test_a_missing_package_is_refused_even_where_there_are_stand_ins(tmp_path: Path) -> None:
    finding = loaded(tmp_path, f"{API}; require('left-pad');")

    assert finding.result == "failed"
    assert "left-pad" in finding.found


def test_what_is_missing_deep_in_a_bundled_package_is_found(tmp_path: Path) -> None:
    finding = loaded(
        tmp_path,
        f"require('once'); {INSTALLER}",
        files={"node_modules/once/index.js": "require('wrappy');"},
    )

    assert finding.result == "failed"
    assert "wrappy" in finding.found
    assert "node_modules/once/index.js" in f"{finding.found}"


def test_an_optional_package_may_be_missing(tmp_path: Path) -> None:
    finding = loaded(tmp_path, f"try {{ require('left-pad') }} catch {{}} {INSTALLER}")

    assert finding.result == "passed"


def test_stand_ins_go_along_with_what_modules_do_while_they_load(tmp_path: Path) -> None:
    main = f"""
    const api = {API};
    const express = require('express');
    const interop = e => e && typeof e === 'object' && 'default' in e ? e : {{ default: e }};
    class Service extends express.Base {{ constructor() {{ super(); this.own = 1; }} }}
    if (new Service().own !== 1) throw new Error('a class of its own');
    const router = interop(express).default.Router();
    router.use('/x', () => {{}}).get('/y');
    const [first] = express.list;
    for (const one of express.all()) throw new Error('nothing to go through');
    const {{ a = 1, ...rest }} = api.coreServices;
    `${{express.version}}`; `${{first}}`; express.count + 1;
    require('path').join(api.resolvePackagePath('@scope/plugin-todo-backend', 'migrations'), 'x');
    Object.keys(express); new express.Router(); express.mixin = {{}};
    exports.default = api.createBackendPlugin({{ pluginId: 'x', register() {{}} }});
    """
    finding = loaded(tmp_path, main)

    assert finding.result == "passed", finding


def test_where_a_stand_in_does_not_do_nothing_is_claimed(tmp_path: Path) -> None:
    finding = loaded(tmp_path, f"Buffer.from({API}.secret); {INSTALLER}")

    assert finding.result == "skipped"
    assert "--host-modules" in finding.hint


def test_a_feature_that_the_hosts_own_function_makes_is_not_judged(tmp_path: Path) -> None:
    finding = loaded(tmp_path, "exports.default = require('express').legacyPlugin('x');")

    assert finding.result == "skipped"
    assert "express" in finding.detail


@pytest.fixture
def host_modules(tmp_path: Path) -> Path:
    """A host's node_modules."""
    folder = tmp_path / "host/node_modules"
    packages = {
        "@backstage/backend-plugin-api": "exports.createBackendPlugin = o => "
        "({ $$type: '@backstage/BackendFeature', ...require('@backstage/errors') });",
        "@backstage/errors": "exports.real = true;",
        "express": "exports.version = '4.21.2';",
    }
    for name, main in packages.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0"}))
        (folder / name / "index.js").write_text(main)
    return folder


def test_a_real_hosts_packages_are_used_where_they_are_given(
    host_modules: Path, tmp_path: Path
) -> None:
    main = f"""
    if (require('express').version !== '4.21.2') throw new Error('a stand-in');
    exports.default = {API}.createBackendPlugin({{}});
    """
    finding = loaded(tmp_path, main, host_modules=(host_modules,))

    assert finding.result == "passed"
    assert "stand-in" not in finding.detail


def test_with_a_real_host_every_error_counts(host_modules: Path, tmp_path: Path) -> None:
    main = f"Buffer.from({API}.secret); {INSTALLER}"
    finding = loaded(tmp_path, main, host_modules=(host_modules,))

    assert finding.result == "failed"
    assert "undefined" in finding.found


def test_the_plugins_own_package_is_found_by_its_name(tmp_path: Path) -> None:
    main = f"""
    if (require('@scope/plugin-todo-backend/package.json').version !== '1.2.3') throw new Error();
    {INSTALLER}
    """
    assert loaded(tmp_path, main).result == "passed"


def test_es_modules_are_loaded_too(tmp_path: Path) -> None:
    main = """
    import { createBackendPlugin as plugin, coreServices } from '@backstage/backend-plugin-api';
    import express from 'express';
    import once from 'once';
    export default plugin({ pluginId: 'x', register: once(() => coreServices) });
    """
    finding = loaded(
        tmp_path,
        main,
        {"type": "module", "main": "dist/index.js"},
        files={"dist/index.js": main},
    )

    assert finding.result == "passed", finding
    assert finding.detail.startswith("ESM loads, a backend feature")


def test_an_es_module_that_imports_what_is_not_there_is_refused(tmp_path: Path) -> None:
    main = "import 'left-pad'; export default {};"
    finding = loaded(
        tmp_path,
        main,
        {"type": "module", "main": "dist/index.js"},
        files={"dist/index.js": main},
    )

    assert finding.result == "failed"
    assert "left-pad" in finding.found


def test_an_alpha_entry_point_is_enough(tmp_path: Path) -> None:
    finding = loaded(
        tmp_path,
        "exports.old = 1;",
        files={
            "alpha/package.json": '{"main": "../dist/alpha.cjs.js"}',
            "dist/alpha.cjs.js": INSTALLER,
        },
    )

    assert finding.result == "passed"


def test_a_plugin_sees_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    finding = loaded(
        tmp_path, "throw new Error(Object.keys(process.env).sort().join() + process.cwd());"
    )

    assert "HOME,NODE_ENV,TMPDIR" in finding.found
    assert "secret" not in finding.found
    assert "REGISTRY" not in finding.found
    assert str(tmp_path) not in finding.found


def test_what_a_plugin_prints_is_not_taken_for_the_result(tmp_path: Path) -> None:
    finding = loaded(
        tmp_path, "console.log('hello {}'); process.stdout.write('no line'); exports.default = {};"
    )

    assert finding.result == "failed"
    assert "default: object" in finding.found


def test_a_plugin_that_never_ends_loading_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory.verification.entry_point.SECONDS", 1)

    finding = loaded(tmp_path, "while (true) {}")

    assert finding.result == "failed"
    assert "1 seconds" in finding.found


def test_timers_and_servers_do_not_keep_the_check_waiting(tmp_path: Path) -> None:
    main = f"setInterval(() => {{}}, 1000); require('http').createServer().listen(0); {INSTALLER}"
    assert loaded(tmp_path, main).result == "passed"


@pytest.mark.parametrize(
    "main",
    [
        # what it prints is not what our script says
        (
            'process.stdout.write(\'\\nplugin-factory-load-result {"found": {"format": "CommonJS", '
            '"kind": "a backend feature"}, "standIns": []}\\n\'); process.reallyExit(0);'
        ),
        "require('fs').writeSync = () => 0; process.exit = () => {}; throw new Error('no');",
        (
            "const { stringify } = JSON; JSON.stringify = () => stringify({ found: { kind: 'x', "
            "format: 'y' }, standIns: [] }); throw new Error('no');"
        ),
        "throw Object.assign(new Error('no'), { code: [], name: {} });",
    ],
)
def test_a_plugin_cannot_say_by_itself_that_it_loads(main: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, main).result == "failed"
