"""Which servers are trusted: the system's authorities, those of the target, or any."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, Place

if TYPE_CHECKING:
    from factory.oci.target import RegistryTarget

log = logging.getLogger(__name__)


def tls_context(target: RegistryTarget) -> ssl.SSLContext:
    """Return the context for connections to ``target``.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """
    context = ssl.create_default_context()
    of_the_host = (file for folder in target.certificate_folders for file in folder.glob("*.crt"))
    for file in (*target.ca_files, *sorted(of_the_host)):
        try:
            context.load_verify_locations(cafile=str(file))
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                "the file with certificate authorities cannot be used",
                place=Place(file=file),
                found=str(error),
                expected="certificates in PEM form",
                hint="correct REGISTRY_CA_FILE (or SSL_CERT_FILE, REQUESTS_CA_BUNDLE)",
            ) from error
    if target.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def say_that_it_is_insecure(target: RegistryTarget) -> None:
    """In our words, in place of a warning of urllib3's for every request."""
    import urllib3  # noqa: PLC0415 - late: slow to load

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    log.warning(
        "REGISTRY_INSECURE is set: the certificate of %s is not checked, and plain HTTP is spoken "
        "where there is none.",
        target.registry,
    )
