"""The options of a build, each stated once: its name, its type, its default and its words.

A group is a frozen dataclass. ``build`` and ``plan`` take groups whole, the plan carries them
whole, and each option can also be set by its ``PLUGIN_FACTORY_…`` variable. The command line makes
its options of the fields (``factory/cli/option_groups.py``), so a new option is a new field here
and the place that uses it.
"""

from __future__ import annotations

from dataclasses import field, fields
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the types
from typing import Annotated, Any

from factory.config.default_folders import CONFIG_DIR, OUTPUT_DIR, REPO_PATH
from factory.values import dataclass

CACHE_MAX_SIZE, CACHE_MAX_AGE = "10G", "90d"

# The headings that --help lists the options under.
SOURCE = "Source"
ARGUMENTS = "Build arguments"
WORK = "How to build"
RESULT = "Result"
IMAGES = "Images"
NPM = "npm packages"
CACHE = "Cache"

HOST_HELP = (
    "The portal that plugins are built for, which decides build arguments, rhdh-cli and Node.js: "
    "one that 'plugin-factory host list' shows, a release of Backstage such as backstage-1.52, or "
    "your portal's yarn.lock. Without it, the newest RHDH, and any Node.js that is supported."
)
HOST_METAVAR = "NAME|PATH"


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """How an option is written and explained on the command line.

    ``flags`` is given where it is not the field's name; ``least`` is the smallest number.
    """

    help: str
    panel: str
    flags: str = ""
    metavar: str | None = None
    least: int | None = None
    shows_default: bool = True


class ImageOutput(StrEnum):
    """What ``--image-output`` takes: skopeo's ``oci:`` and ``oci-archive:`` (image-spec 1.1)."""

    LAYOUT = "oci-layout"
    ARCHIVE = "oci-archive"

    @property
    def suffix(self) -> str:
        """What the names of such folders and files end with."""
        return ".oci" if self is ImageOutput.LAYOUT else ".oci.tar"


class ListForm(StrEnum):
    """What ``--list-form`` takes: where a portal's list of plugins is pasted into."""

    DYNAMIC_PLUGINS = "dynamic-plugins"
    HELM = "helm"
    CONFIGMAP = "configmap"
    BUTLER = "butler"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """Where the source is, and what says how it is built; folders may be relative."""

    config_dir: Annotated[
        Path,
        Option(
            help="Directory with source.json, plugins-list.yaml, .env, patches and overlays; "
            "or with a folder of these for each of several workspaces.",
            panel=SOURCE,
        ),
    ] = CONFIG_DIR
    repo_path: Annotated[
        Path,
        Option(
            help="Where to put the source, or, with --use-local, where it is; for several "
            "workspaces, each in a folder of its name.",
            panel=SOURCE,
        ),
    ] = REPO_PATH
    workspace_path: Annotated[
        str | None,
        Option(
            help="The workspace, from the repository's root, such as workspaces/todo. "
            "Overrides source.json; without either, the repository's root.",
            panel=SOURCE,
        ),
    ] = None
    source_repo: Annotated[
        str | None,
        Option(
            help="Git repository to clone; source.json is then not used.",
            panel=SOURCE,
        ),
    ] = None
    source_ref: Annotated[
        str | None,
        Option(
            help="Branch, tag or commit of --source-repo; without it, its default branch.",
            panel=SOURCE,
        ),
    ] = None
    whole_repository: Annotated[
        bool,
        Option(
            help="Check out all of the repository, and not only the workspace and what it refers "
            "to outside of its folder.",
            panel=SOURCE,
        ),
    ] = False
    package: Annotated[
        tuple[str, ...],
        Option(
            help="Build this plugin as it is published on npm, with no repository and no "
            "configuration directory; a version, a range or a tag may follow: "
            "@scope/plugin-x@^1.2.0. Repeat it for several.",
            panel=SOURCE,
            metavar="NAME[@VERSION]",
        ),
    ] = ()
    package_file: Annotated[
        Path | None,
        Option(
            help="A file with a published plugin in each line, as for --package; # begins a "
            "comment.",
            panel=SOURCE,
            metavar="FILE",
            shows_default=False,
        ),
    ] = None
    package_feature: Annotated[
        str | None,
        Option(
            help="Which export of a published backend plugin a portal loads, where it has no "
            "default export and several that could be it: NAME, or ./alpha#NAME.",
            panel=SOURCE,
            metavar="NAME",
        ),
    ] = None
    allow_scripts: Annotated[
        tuple[str, ...],
        Option(
            help="Run the install scripts of this package while a published plugin is built: of a "
            "dependency, such as better-sqlite3, of the plugin itself, or of all (*). Without "
            "it, none run. Repeat it, or put commas between.",
            panel=SOURCE,
            metavar="NAME",
        ),
    ] = ()
    resolve_as_of: Annotated[
        str | None,
        Option(
            help="The day as of which the dependencies of published plugins are resolved, or "
            "'now'. Without it, the day of their publication.",
            panel=SOURCE,
            metavar="YYYY-MM-DD",
        ),
    ] = None
    use_local: Annotated[
        bool,
        Option(
            help="Build the tree that is in --repo-path, in place. Patches and overlays change it.",
            panel=SOURCE,
        ),
    ] = False
    clean: Annotated[
        bool,
        Option(
            help="Remove what is in --repo-path first, without asking. No effect with --use-local.",
            panel=SOURCE,
        ),
    ] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionOptions:
    """Which workspaces and plugins are wanted."""

    only: Annotated[
        tuple[str, ...],
        Option(
            help="Only these: a workspace, WORKSPACE/PLUGIN, a plugin's path or its package's "
            "name. Patterns as in the shell; repeat it, or put commas between.",
            panel=SOURCE,
            metavar="PATTERN",
        ),
    ] = ()
    exclude: Annotated[
        tuple[str, ...],
        Option(
            help="All but these; patterns as for --only, which it overrides.",
            panel=SOURCE,
            metavar="PATTERN",
        ),
    ] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultOptions:
    """What becomes of what is built."""

    output_dir: Annotated[
        Path,
        Option(
            help="Where the .tgz and .integrity files, logs and build-report.json go; of "
            "several workspaces, each into a folder of its name.",
            panel=RESULT,
        ),
    ] = OUTPUT_DIR
    push_images: Annotated[
        bool,
        Option(
            help="Push an OCI image of each plugin to REGISTRY_URL/REGISTRY_NAMESPACE.",
            panel=IMAGES,
            flags="--push-images/--no-push-images",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOptions:
    """How images are made, called and signed."""

    image_output: Annotated[
        ImageOutput | None,
        Option(
            help="Write an image of each plugin beside its .tgz, as skopeo, podman and crane "
            "read it: a folder (.oci) or one file (.oci.tar). Needs no registry.",
            panel=IMAGES,
        ),
    ] = None
    bundle: Annotated[
        str,
        Option(
            help="One image of this name with all plugins of a workspace, instead of one per "
            "plugin.",
            panel=IMAGES,
            metavar="NAME",
        ),
    ] = ""
    tag_template: Annotated[
        str,
        Option(
            help="The images' tag, made of {version}, {backstage_version}, {name}, {revision}, "
            "{short_revision}, and, of the portal, {host}, {host_version} and "
            "{host_backstage_version}. Of several portals it is {version}-{host}, unless said.",
            panel=IMAGES,
        ),
    ] = "{version}"
    sign_key: Annotated[
        Path | None,
        Option(
            help="Sign pushed images with this private key, as 'cosign verify --key' checks "
            "them. A key with a passphrase needs COSIGN_PASSWORD.",
            panel=IMAGES,
            metavar="FILE",
            shows_default=False,
        ),
    ] = None
    list_form: Annotated[
        ListForm,
        Option(
            help="How the lists for a portal are written: as a dynamic-plugins.yaml, as values of "
            "RHDH's Helm chart (helm) or Butler's (butler), or as the ConfigMap of RHDH's "
            "operator.",
            panel=IMAGES,
        ),
    ] = ListForm.DYNAMIC_PLUGINS


class NpmAccess(StrEnum):
    """The access to a package on an npm registry: for all readers, or for some."""

    PUBLIC = "public"
    RESTRICTED = "restricted"


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmOptions:
    """How plugins are published on an npm registry."""

    npm: Annotated[
        bool,
        Option(
            help="Publish the packages on the npm registry that .npmrc names, in --config-dir or "
            "in your home folder, and push no images. A version that exists with the "
            "same bytes is left; with others, it is an error.",
            panel=NPM,
        ),
    ] = False
    npm_tag: Annotated[
        str,
        Option(
            help="The tag that the versions get: latest, unless said.",
            panel=NPM,
            metavar="TAG",
        ),
    ] = ""
    npm_access: Annotated[
        NpmAccess | None,
        Option(
            help="The access that a new package gets; without it, the registry's own default.",
            panel=NPM,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArgumentOptions:
    """How build arguments are found, and for which portal."""

    generate_build_args: Annotated[
        bool,
        Option(
            help="Compute the build arguments of all listed plugins again, and write them into "
            "plugins-list.yaml.",
            panel=ARGUMENTS,
        ),
    ] = False
    host: Annotated[
        tuple[str, ...],
        Option(
            help=f"{HOST_HELP} Repeat it to build for several portals in one run, each into a "
            "folder of its name; portals.yaml in --config-dir can name them, too.",
            panel=ARGUMENTS,
            metavar=HOST_METAVAR,
        ),
    ] = ()
    node: Annotated[
        str | None,
        Option(
            help="The Node.js to build with, a version or an npm range such as 22. Without it, "
            "what the portal of --host runs on and the workspace's engines.node asks for.",
            panel=ARGUMENTS,
            metavar="RANGE",
        ),
    ] = None
    engine: Annotated[
        tuple[str, ...],
        Option(
            help="What exports plugins: rhdh (rhdh-cli) or backstage (Backstage's own 'package "
            "bundle'). For one role alone: frontend=backstage; repeat it, or put commas between. "
            "Without it, what the portal of --host is made for.",
            panel=ARGUMENTS,
            metavar="NAME|ROLE=NAME",
        ),
    ] = ()
    self_contained: Annotated[
        bool,
        Option(
            help="With the engine backstage, let backend plugins bring along what the portal has "
            "too. Such a plugin can stop a portal that is older than it.",
            panel=ARGUMENTS,
        ),
    ] = False
    repair: Annotated[
        bool,
        Option(
            help="Retry an export with the build arguments that rhdh-cli's error asks for.",
            panel=ARGUMENTS,
            flags="--repair/--no-repair",
        ),
    ] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkOptions:
    """What a build may use, and when it ends."""

    pass_env: Annotated[
        tuple[str, ...],
        Option(
            help="A variable that the programs which install packages may see, for a ${NAME} "
            "in the source's .npmrc or .yarnrc.yml; may be repeated. Variables set in "
            ".env do not need it.",
            panel=WORK,
            metavar="NAME",
        ),
    ] = ()
    jobs: Annotated[
        int | None,
        Option(
            help="How many cores to use. Without it, what the machine or its cgroup allows.",
            panel=WORK,
            least=1,
        ),
    ] = None
    memory: Annotated[
        str | None,
        Option(
            help="How much memory to use, such as 6G. Without it, what the machine or its "
            "cgroup allows.",
            panel=WORK,
            metavar="SIZE",
        ),
    ] = None
    fail_fast: Annotated[
        bool,
        Option(
            help="Stop at the first failure; everything not yet built is skipped.",
            panel=WORK,
        ),
    ] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheOptions:
    """Where finished plugins are kept and taken from."""

    cache_dir: Annotated[
        Path | None,
        Option(
            help="Where node, yarn, rhdh-cli and finished plugins are kept between runs. "
            "Without it, your cache folder (~/.cache/plugin-factory).",
            panel=CACHE,
        ),
    ] = None
    no_cache: Annotated[
        bool,
        Option(
            help="Build every plugin, whether or not it was built before, and keep none of them. "
            "What is the same for several portals is built once.",
            panel=CACHE,
        ),
    ] = False
    cache_from: Annotated[
        tuple[str, ...],
        Option(
            help="Also take finished plugins from this repository of a container registry, "
            "such as oci://quay.io/team/plugin-cache. Repeat it for several.",
            panel=CACHE,
            metavar="oci://REPOSITORY",
        ),
    ] = ()
    cache_to: Annotated[
        str | None,
        Option(
            help="Also store the plugins that were built in this repository, for other machines.",
            panel=CACHE,
            metavar="oci://REPOSITORY",
        ),
    ] = None
    cache_key: Annotated[
        str | None,
        Option(
            help="Take only finished plugins that are signed with this key, a public one such "
            "as cosign.pub; builds with --sign-key sign what they keep. An empty value is "
            "an error.",
            panel=CACHE,
            metavar="FILE",
        ),
    ] = None
    cache_max_size: Annotated[
        str,
        Option(
            help="How much space finished plugins may use, such as 50G: a build that adds to "
            "the cache removes the least recently used.",
            panel=CACHE,
            metavar="SIZE",
        ),
    ] = CACHE_MAX_SIZE
    cache_max_age: Annotated[
        str,
        Option(
            help="How long to keep a finished plugin that no build uses, such as 90d, 12h or 2w.",
            panel=CACHE,
            metavar="AGE",
        ),
    ] = CACHE_MAX_AGE


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """All options of ``plugin-factory build``, as given."""

    source: SourceOptions = field(default_factory=SourceOptions)
    selection: SelectionOptions = field(default_factory=SelectionOptions)
    result: ResultOptions = field(default_factory=ResultOptions)
    images: ImageOptions = field(default_factory=ImageOptions)
    arguments: ArgumentOptions = field(default_factory=ArgumentOptions)
    work: WorkOptions = field(default_factory=WorkOptions)
    cache: CacheOptions = field(default_factory=CacheOptions)


def build_options(**values: Any) -> BuildOptions:
    """Return the options with ``values`` in the groups that they belong to, others as they default.

    Raises:
        TypeError: no group has an option of that name, or it has several values and is given one.
    """
    groups: dict[str, Any] = {}
    for group in fields(BuildOptions):
        kind: Any = group.default_factory
        for each in fields(kind):
            if isinstance(each.default, tuple) and isinstance(values.get(each.name), str):
                raise TypeError(f"{each.name} has several values, and {values[each.name]!r} is one")
        own = {each.name for each in fields(kind)} & values.keys()
        groups[group.name] = kind(**{name: values.pop(name) for name in own})
    if values:
        raise TypeError(f"no option is called {', '.join(values)}")
    return BuildOptions(**groups)
