"""The image, built and run by real tools, on a base that needs no registry of images."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.command_line import ROOT, Ended

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
BASE = "localhost/plugin-factory-test-base"
IMAGE = "localhost/plugin-factory-test"
LONGEST = 3000
# Every user may pass through it, as perhaps not through TMPDIR.
OPEN_FOLDER = "/var/tmp"
# What works where containers may neither raise limits nor have a network of their own.
ULIMITS = ("--ulimit", "nofile=1024:1024")
MACHINE = ("--runtime", "runc", *ULIMITS, "--ulimit", "nproc=1000:1000")
CERTIFICATES = (
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_cafile",
    "PIP_CERT",
)
# Of a machine behind mirrors. Addresses of its own files mean nothing in a container.
MIRRORS = (
    "PIP_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
    "YARN_NPM_REGISTRY_SERVER",
)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """podman of root's, with a storage of its own; ``process`` has the machine's settings."""

    storage: Path
    state: Path
    process: Mapping[str, str]
    driver: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """The options that name the storage, of podman and buildah alike."""
        folders = ("--root", str(self.storage), "--runroot", str(self.state))
        return (*folders, "--storage-driver", self.driver) if self.driver else folders

    def podman(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman itself."""
        return ran([*self._podman(), *map(str, words)], check=check)

    def run(self, *words: str | Path, network: str = "host") -> Ended:
        """Run the image to its end: podman's options, then ``IMAGE``, then the factory's words."""
        ended = ran(self._run_words(words, network), check=False)
        return Ended(code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)

    @contextlib.contextmanager
    def running(self, name: str, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
        """A container that is going on, under a name."""
        process = subprocess.Popen(
            self._run_words(("--name", name, *words), "host"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                self.podman("kill", name, check=False)
            process.wait()
            if process.stdout:
                process.stdout.close()

    def _run_words(self, words: Sequence[str | Path], network: str) -> list[str]:
        image = words.index(IMAGE)
        options = ["run", "--rm", *MACHINE, "--network", network, *self._machine_settings()]
        return [*self._podman(), *options, *map(str, words[:image]), *map(str, words[image:])]

    def _podman(self) -> list[str]:
        return [*as_root(), tool("podman"), *self.places]

    def _machine_settings(self) -> list[str]:
        settings = {name: self.process[name] for name in MIRRORS if name in self.process}
        words = [f"--env={name}={value}" for name, value in settings.items()]
        for name in CERTIFICATES:
            if file := self.process.get(name):
                words += [f"--env={name}={file}", f"--volume={file}:{file}:ro"]
        return list(dict.fromkeys(words))

    def build_image(self, *, keep_steps: bool) -> None:
        """`make image` in this checkout; steps that are kept are not done again, until they change.

        To keep them takes as long as some of them, for nothing on a machine that is used once.
        """
        words = ["--isolation", "chroot", *ULIMITS, f"--layers={keep_steps}".lower(), "--force-rm"]
        arguments = {name: self.process[name] for name in MIRRORS if name in self.process}
        if file := self.process.get("NODE_EXTRA_CA_CERTS") or self.process.get("SSL_CERT_FILE"):
            inside = "/run/certificates-of-the-machine.pem"
            words += ["--volume", f"{file}:{inside}:ro"]
            arguments |= {"PIP_CERT": inside, "NODE_EXTRA_CA_CERTS": inside}
        for name, value in arguments.items():
            words += ["--build-arg", f"{name}={value}"]
        variables = {
            "ENGINE": shlex.join([*as_root(), tool("buildah"), *self.places]),
            "IMAGE": IMAGE,
            "BASE_IMAGE": BASE,
            "IMAGE_ARGS": shlex.join(words),
        }
        make = [tool("make"), "-C", str(ROOT), "image"]
        ran([*make, *(f"{name}={value}" for name, value in variables.items())])
        # What earlier builds have left; the steps of this one are there for the next.
        self.podman("image", "prune", "--force", "--filter", "until=2h")

    def has_base(self) -> bool:
        """Whether the base image is in the storage, as after an earlier run."""
        return self.podman("image", "exists", BASE, check=False).returncode == 0

    def import_base(self, kept: Path) -> None:
        """Make the base image: Debian's own minimum, and certificates."""
        archive = kept / f"{SUITE}.tar"
        if not archive.is_file():
            kept.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=kept) as folder:
                base = Path(folder, "base.tar")
                # As in Debian's own images: what is broken off is thrown away, so nothing has to
                # be on the disk before the next package.
                options = ("--dpkgopt=force-unsafe-io", "--include=ca-certificates")
                words = ("--variant=minbase", *options, SUITE, str(base), mirror())
                ran([*as_root(), tool("mmdebstrap"), *words])
                base.rename(archive)
        self.podman("import", archive, BASE)


def tool(name: str) -> str:
    """The path of a program, also of root's."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, f"{name} is not installed (tests/install-tools)"
    return found


def mirror() -> str:
    """The mirror that this machine's apt is configured with, if it is Debian's."""
    if not shutil.which("apt-get"):
        return MIRROR
    said = ran(
        ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Identifier: Packages"]
    )
    sites = [line.split()[0] for line in said.stdout.splitlines() if line.endswith(f" {SUITE}")]
    return next((site for site in sites if site.rstrip("/").endswith("/debian")), MIRROR)


def as_root() -> list[str]:
    return [] if os.getuid() == 0 else ["sudo", "--non-interactive"]


def ran(command: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def wait_for(process: subprocess.Popen[str], pattern: str) -> str:
    """What a running container has said until a line matched ``pattern``."""
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
    raise AssertionError(f"it ended without {pattern!r}:\n{said}")
