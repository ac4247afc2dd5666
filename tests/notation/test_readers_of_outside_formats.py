"""Whatever an outside file holds, its reader answers, or says in its own words what is wrong.

Of each format a valid document is mutated: a value is replaced by one of another kind, a piece of
the text is cut out, doubled or overwritten. Formats that have such a test beside their other tests
(source.json, plugins-list.yaml, dynamic-plugins.yaml, reports, cache entries, packuments, what
registries of images say) are not repeated here.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import itertools
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.analysis.catalogs import read_catalogs, read_yarn_settings
from factory.analysis.inventory import backstage_version, find_host
from factory.analysis.lockfile_parser import read_lockfile
from factory.analysis.manifest import read_manifest
from factory.attestation.bundled import bundle_contents
from factory.attestation.encrypted_key import decrypt
from factory.attestation.keys import read_private_key, read_public_key
from factory.attestation.package_manifest import read_package_manifest
from factory.attestation.provenance import check_statement, read_statement
from factory.attestation.signature import SignedPayload, read_signed_payloads, verify_signature
from factory.attestation.source_maps import sources_of
from factory.cache.entry import PARTS_FILE, read_parts
from factory.cache.key import digest_of_value
from factory.cache.memo import recall
from factory.cache.store import MEMO, note_file, store_of
from factory.config.documents import read_app_config
from factory.config.environment import Environment
from factory.errors import FactoryError
from factory.installation.npmrc import read_npmrc
from factory.installation.staged import MARKER, read_staged
from factory.oci.logins import read_auth_file
from factory.oci.packed_plugin import folders_in, read_plugin_archive
from factory.reports.durations import expect_durations
from factory.sources.earlier_run import earlier_run
from factory.sources.replacement import JOURNAL, take_back
from factory.sources.workspace import has_workspaces
from factory.toolchain.linking import may_lack_files, refuse_other_linker, settings_of
from factory.toolchain.settings_references import references_in
from factory.toolchain.yarn import find_wanted_yarn
from factory.verification.frontend_manifests import check_manifests
from factory.verification.plugin_folder import PluginFolder, check_package, read_plugin_folder
from tests.oci.plugin_archives import pack

if TYPE_CHECKING:
    from collections.abc import Callable

# What has ended in mistakes elsewhere.
ODD_TEXTS = (
    "",
    "\0",
    "\x1b[2J",
    "a\nb",
    "../..",
    "/",
    "=",
    "@",
    "1e999",
    "%",
    "💥",
    "\ufeff",
    "x" * 5000,
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**30, [], {}, [[]], {"": ""}, [None], {"a": {"b": []}}, *ODD_TEXTS,
)  # fmt: skip
DEEP = 1100
"""Deeper than Python's readers go by themselves."""
BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in itertools.pairwise("abcdefghijklmnopqrstuvw")
)
ODD_DOCUMENTS = (
    *(
        text.encode("utf-8", "surrogatepass")
        for text in (
            "", " ", "null", "[]", "{}", '""', "1", "NaN", "-Infinity", "1e999", "9" * 5000,
            "[" * DEEP, '{"a":' * DEEP, "[" * 150 + "]" * 150, '{"a":' * 150 + "1" + "}" * 150,
            '"\\ud800"', '{"name": "\\udfff"}', '{"\\ud800": 1}', "\ufeff{}", "\ud800",
            "- " * DEEP, "a: " * 300, BOMB, "a: &a {b: *a}\n", "? [a]\n: b\n",
            "!!python/object:os.system {}\n", "%YAML 9.9\n---\n", "a: 2024-13-45\n",
            "a: !!int x\n", "a: !!binary =\n", "\t- a", "{a: b", "a: |\n", "<<: 1\n",
            "        except of.allowed as error:
            str(error).encode()  # it can be shown


@by_name
def test_an_odd_document_ends_in_no_mistake(of: Format) -> None:
    for content in ODD_DOCUMENTS:
        read_somewhere(of, content)


@by_name
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_document_ends_in_no_mistake(of: Format, data: st.DataObject) -> None:
    read_somewhere(of, document(of, data))
