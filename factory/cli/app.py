"""The console script: which command is meant, its defaults from the environment, its errors shown.

Modules that take time to load are imported by the command that needs them: ``--help`` needs none.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.main import get_command

from factory import __version__
from factory.cli.analyze import EXAMPLES as ANALYZE_EXAMPLES
from factory.cli.analyze import analyze
from factory.cli.build import EXAMPLES as BUILD_EXAMPLES
from factory.cli.build import build
from factory.cli.cache import cache_app
from factory.cli.doctor import EXAMPLES as DOCTOR_EXAMPLES
from factory.cli.doctor import doctor
from factory.cli.help_text import GroupedCommand
from factory.cli.host import host_app
from factory.cli.init import EXAMPLES as INIT_EXAMPLES
from factory.cli.init import init
from factory.cli.install import EXAMPLES as INSTALL_EXAMPLES
from factory.cli.install import install
from factory.cli.option_variables import defaults_from, find_variables
from factory.cli.plan import EXAMPLES as PLAN_EXAMPLES
from factory.cli.plan import plan
from factory.cli.push import EXAMPLES as PUSH_EXAMPLES
from factory.cli.push import push
from factory.cli.registry import EXAMPLES as REGISTRY_EXAMPLES
from factory.cli.registry import registry
from factory.cli.report import report_app
from factory.cli.session import take_process
from factory.cli.tools import tools_app
from factory.cli.verify import EXAMPLES as VERIFY_EXAMPLES
from factory.cli.verify import verify
from factory.config.build_plan import CONFIG_DIR
from factory.config.environment import (
    OWN_PREFIXES,
    PREFIX,
    WITHOUT_OPTION,
    unquote,
)
from factory.errors import FactoryError
from factory.redaction import redactor_for
from factory.ui.notices import Notice, notices
from factory.ui.printing import Printer
from factory.ui.screen import screen_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TextIO


PROGRAM = "plugin-factory"
WARNING = 30  # of the logging module, which --help can do without
# What click raises for a command line that it cannot read, whichever click typer brings.
_BAD_COMMAND_LINE: Any = typer.BadParameter.__mro__[2]
_ROOT_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")


def _show_version(wanted: bool) -> None:
    if wanted:
        _say(f"{PROGRAM} {__version__}", sys.stdout)
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Turn Backstage plugin sources into dynamic plugins.

    Brings the source, applies patches and overlays, works out the build arguments, runs yarn, tsc
    and rhdh-cli, and leaves a .tgz with an .integrity file, or an OCI image, for each plugin.
    """


def application() -> typer.Typer:
    """Return the application with all its commands."""
    app = typer.Typer(
        name=PROGRAM,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["--help", "-h"]},
        epilog="'plugin-factory COMMAND --help' has examples. Options without a command are "
        "those of build. Every option can come from the environment too: --config-dir is "
        "PLUGIN_FACTORY_CONFIG_DIR.",
    )
    app.callback()(_root)
    app.command(cls=GroupedCommand, epilog=INIT_EXAMPLES)(init)
    app.command(cls=GroupedCommand, epilog=BUILD_EXAMPLES)(build)
    app.command(cls=GroupedCommand, epilog=PLAN_EXAMPLES)(plan)
    app.command(cls=GroupedCommand, epilog=ANALYZE_EXAMPLES)(analyze)
    app.command(cls=GroupedCommand, epilog=PUSH_EXAMPLES)(push)
    app.command(cls=GroupedCommand, epilog=VERIFY_EXAMPLES)(verify)
    app.command(cls=GroupedCommand, epilog=INSTALL_EXAMPLES)(install)
    app.command(cls=GroupedCommand, epilog=REGISTRY_EXAMPLES)(registry)
    app.command(cls=GroupedCommand, epilog=DOCTOR_EXAMPLES)(doctor)
    app.add_typer(host_app)
    app.add_typer(cache_app)
    app.add_typer(tools_app)
    app.add_typer(report_app)
    return app


def with_command(arguments: Sequence[str], process: Mapping[str, str]) -> list[str]:
    """Return the arguments with ``build`` in front where no command is named.

    So that an image whose entry point is ``plugin-factory`` takes build's options directly. Without
    any argument it is ``build`` where there is a configuration directory to build, and else help.
    """
    if not arguments:
        named = process.get(f"{PREFIX}CONFIG_DIR", "").strip("'\" ") or CONFIG_DIR
        return ["build"] if Path(named).is_dir() else []
    is_option = arguments[0].startswith("-") and not arguments[0].startswith(_ROOT_OPTIONS)
    return ["build", *arguments] if is_option else list(arguments)


def main() -> NoReturn:
    """Run the command line of this process, and end with the command's exit code."""
    # Where no session deals with Ctrl-C, nothing has begun or all is done: end without a word.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    take_process()
    code = run(sys.argv[1:], dict(os.environ))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more could only spoil the exit code
    sys.exit(code)


def run(arguments: Sequence[str], process: Mapping[str, str]) -> int:
    """Run a command line and return its exit code; every error is shown, none is raised.

    Args:
        arguments: the words after the program's name.
        process: the environment; it is read here, once, and never changed.
    """
    command = get_command(application())
    try:
        free = _options_and_warnings(process, find_variables(command))
        ended = command.main(
            args=with_command(arguments, free),
            prog_name=PROGRAM,
            default_map=defaults_from(command, free),
            obj=MappingProxyType(dict(free)),
            standalone_mode=False,
        )
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (_BAD_COMMAND_LINE, typer.Abort) as error:
        return _show_usage(error, process)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does: nothing is wrong, nothing can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the edge: never a traceback
        return _show(error, process)
    return ended if isinstance(ended, int) else 0


def _say(line: str, stream: TextIO) -> None:

    Printer(stream=stream).lines(line)


def _show_usage(error: Exception, process: Mapping[str, str]) -> int:
    """A command line that cannot be read, in click's words: what somebody typed is in them."""
    said = io.StringIO("Aborted!\n")
    code = 1
    if isinstance(error, _BAD_COMMAND_LINE):
        said = io.StringIO()
        error.show(file=said)
        code = error.exit_code
    Printer(stream=sys.stderr, redact=redactor_for(process)).lines(*said.getvalue().splitlines())
    return code


def _options_and_warnings(process: Mapping[str, str], known: frozenset[str]) -> Mapping[str, str]:
    """The environment without the literal quotes that ``podman --env-file`` leaves; with a word."""
    if not any(name.startswith(OWN_PREFIXES) for name in process):
        return process

    def warn(notice: Notice) -> None:
        _say(f"warning: {notice.message}", sys.stderr)

    with notices(warn, level=WARNING, redact=redactor_for(process)):
        free = unquote(process)
    unknown = sorted(
        name for name in free if name.startswith(PREFIX) and name not in known | WITHOUT_OPTION
    )
    if unknown:
        _say(f"warning: no option uses the variable {', '.join(unknown)}", sys.stderr)
    return free


def _show(error: Exception, process: Mapping[str, str]) -> int:

    redact = redactor_for(process)
    shown = error if isinstance(error, FactoryError) else _internal(error, redact)
    with screen_for(process, stdout=sys.stdout, stderr=sys.stderr, redact=redact) as screen:
        screen.show_error(shown)
    return shown.exit_code


def _internal(error: Exception, redact: Callable[[str], str]) -> FactoryError:
    """A mistake of ours: said as such, with the traceback in a file that can be sent to us."""
    handle, name = tempfile.mkstemp(prefix="plugin-factory-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(redact("".join(traceback.format_exception(error))))
    return FactoryError(
        f"internal error in {PROGRAM} {__version__}: {type(error).__name__}: {error}",
        hint="please report it, with the log",
        log=Path(name),
    )
