"""The secrets of a configuration directory, to mask them in a run from its first line on."""

from __future__ import annotations

import logging
from dataclasses import field
from typing import TYPE_CHECKING

from factory.config.environment import ENV_FILE, read_env_file
from factory.config.workspaces import environment_files, settings_folders
from factory.errors import FactoryError
from factory.installation.npmrc import read_npmrc
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfiguredSecrets:
    """The ``.env`` files that a run may read, and what ``.npmrc`` files hold of logins."""

    env_files: tuple[Path, ...] = ()
    texts: tuple[str, ...] = field(default=(), repr=False)


def find_configured_secrets(config_dir: Path, process: Mapping[str, str]) -> ConfiguredSecrets:
    """Return the secrets of a configuration directory and of its workspaces.

    What cannot be read has none here: whoever needs the file says what is wrong with it.

    Args:
        config_dir: the directory; it need not exist.
        process: the process's environment, which tells where the user's own ``.npmrc`` is.
    """
    texts: list[str] = []
    for folder in settings_folders(config_dir):
        env_files = dict.fromkeys((config_dir / ENV_FILE, folder / ENV_FILE))
        try:
            variables = dict(process)
            for file in env_files:
                variables |= read_env_file(file)
            texts += read_npmrc(folder, variables).secrets
        except FactoryError as error:
            log.debug("%s: %s", folder, error.problem)
    return ConfiguredSecrets(
        env_files=environment_files(config_dir), texts=tuple(dict.fromkeys(texts))
    )
