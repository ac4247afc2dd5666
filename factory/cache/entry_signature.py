"""Who vouches for a finished plugin: a signature of its entry, and a key that is demanded of it.

What is signed is the text of ``entry.json``, which has the digest of every file and the key, that
is what the plugin was made from. An entry of one plugin, or of one source, can so not be passed off
as that of another. The signature is made with the key that images are signed with; a prefix keeps
one from being taken for the other.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

from factory.cache.entry import UnvouchedEntry
from factory.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from factory.attestation.keys import PrivateKey, PublicKey
    from factory.cache.entry import Entry
    from factory.config.environment import Environment

OPTION = "--cache-key"
VARIABLE = "PLUGIN_FACTORY_CACHE_KEY"
_PREFIX = b"plugin-factory: an entry of the cache of finished plugins\n"


def find_demanded_key(named: str | None, environment: Environment) -> PublicKey | None:
    """Return the key that entries must be signed with; None where nobody demands one.

    A setting that is there and empty, such as a secret that a CI system does not give to a job, is
    an error: it was meant to demand a key.

    Args:
        named: what ``--cache-key`` says, if it is given.
        environment: the run's, for the variable.

    Raises:
        UsageError: the option is empty.
        ConfigurationError: the variable is empty, or the file holds no public key.
    """
    if named is None:
        if VARIABLE not in environment.variables:
            return None
        named = environment.get(VARIABLE)
        if not named:
            raise ConfigurationError(
                f"{VARIABLE} is empty: it demands a key of the cache, and names none",
                expected="the file of a public key, such as cosign.pub",
                hint=f"name the key, or unset {VARIABLE}; --no-cache builds without a cache",
            )
    if not named.strip():
        raise UsageError(
            f"{OPTION} is empty: it demands a key of the cache, and names none",
            expected="the file of a public key, such as cosign.pub",
            hint="name the key, or leave the option out; --no-cache builds without a cache",
        )
    from factory.attestation.keys import (  # noqa: PLC0415 - cryptography loads slowly
        read_public_key,
    )

    return read_public_key(Path(named))


def sign_entry(document: bytes, key: PrivateKey) -> bytes:
    """Return the text of ``entry.json.sig`` for that of ``entry.json``."""
    return base64.b64encode(key.sign(_PREFIX + document)) + b"\n"


def refuse_unvouched(entry: Entry, key: PublicKey) -> None:
    """Make sure that an entry is signed with a key.

    Raises:
        UnvouchedEntry: it is not signed, or with another key.
    """
    if not entry.signature:
        raise UnvouchedEntry(f"it is not signed, and {OPTION} demands that")
    try:
        signature = base64.b64decode(entry.signature.strip(), validate=True)
    except binascii.Error as error:
        raise UnvouchedEntry("its signature is not base64") from error
    if not key.verify(signature, _PREFIX + entry.document):
        raise UnvouchedEntry(f"it is not signed with the key that {OPTION} names")
