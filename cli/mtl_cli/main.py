"""The ``mtl`` command: a group that imports a command only when it is run, and one error boundary.

Exit codes: 0 done; 1 failed; 2 asked for what does not exist (an unknown command, flag, option or name, on
the command line, in the environment or in a configuration file); 130 interrupted by Ctrl-C; 143 terminated.
Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any

import click
from click.shell_completion import CompletionItem

from mtl_cli import plugin_commands

# mtlcore is imported only where it is needed: that would be a third of the time of `mtl --help`.

COMMANDS = {
    "run": ("mtl_cli.commands.run:run", "Infer fields from a seismic image: denoised image, time, faults."),
    "train": ("mtl_cli.commands.train:train", "Train a network, or go on training."),
    "evaluate": ("mtl_cli.commands.evaluate:evaluate", "Compare a model's fields with labels."),
    "compare": ("mtl_cli.commands.compare:compare", "Compare models on the same items, with confidence intervals."),
    "export": ("mtl_cli.commands.models:export_command", "Write a training run's model to a folder of its own."),
    "import": ("mtl_cli.commands.models:import_command", "Turn a checkpoint of the reference into a model."),
    "convert": ("mtl_cli.commands.convert:convert", "Copy a volume to another file format."),
    "inspect": ("mtl_cli.commands.inspect:inspect", "Say what a file, model, run, result or data set is."),
    "models": ("mtl_cli.commands.models:models", "List the installed models."),
    "plugins": ("mtl_cli.commands.plugins:plugins", "List the installed plugins and what they provide."),
}
"""The commands of the core. Name: (module:function, one line of help). Help and completion import no command."""


class LazyGroup(click.Group):
    """A click group over COMMANDS and the commands of plugins; a name in COMMANDS is the core's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_with_help())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # Read when torch starts its threads. Else those that wait for others spin, and take the cores of other work.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        if cmd_name == "train":
            # Read when numpy is loaded. Else the threads of each worker's matrix products spin on the cores that
            # train: 1.04 instead of 0.87 s per step with one worker on two cores.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if cmd_name in COMMANDS:
            module, _, function = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(import_module(module), function)
        elif (found := plugin_commands.load(cmd_name)) is not None:
            command = found
        else:
            return None
        name_variables(cmd_name, command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])
        others = [(name, text) for name, text in _with_help().items() if name not in COMMANDS]
        if others:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(others)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in COMMANDS and not plugin_commands.exists(name):
            from mtlcore.errors import suggestion

            known = list(_with_help())
            raise click.UsageError(
                f"Unknown command '{name}'. {suggestion(name, known)}Commands: {', '.join(known)}.", ctx
            )
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        known = _with_help().items()
        names = [CompletionItem(name, help=text) for name, text in known if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with errors_for_users():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with errors_for_users(), warnings_for_users():
            return super().invoke(ctx)


def _with_help() -> dict[str, str]:
    """Every command with its line of help, the core's first."""
    own = {name: text for name, (_, text) in COMMANDS.items()}
    return own | {name: text for name, text in plugin_commands.listing().items() if name not in own}


def name_variables(name: str, command: click.Command) -> None:
    """Name each option's variable after its flag; click would take the argument's name (--json: as_json)."""
    for option in command.params:
        if isinstance(option, click.Option) and option.allow_from_autoenv and option.envvar is None:
            flag = max(option.opts, key=len).lstrip("-")
            option.envvar = f"MTL_{name}_{flag}".upper().replace("-", "_")


class NotFound(click.ClickException):
    """What was asked for does not exist."""

    exit_code = 2


class NothingLive(click.ClickException):
    """The input has no live sample."""

    exit_code = 3


class Interrupted(click.ClickException):
    """The user pressed Ctrl-C: that is no error, so it is not printed as one."""

    exit_code = 130

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file or sys.stderr)


class TerminatedBySignal(Interrupted):
    """The system or a scheduler asked the program to end."""

    exit_code = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: everything is left as after Ctrl-C, temporary files removed."""


def end_in_order() -> None:
    """Let SIGTERM and SIGHUP raise, as Ctrl-C does, so that nothing half-written is left behind."""

    def handle(number: int, frame: object) -> None:
        raise Terminated

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A program that was started with nohup goes on.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, handle)


def failure_text(error: Exception) -> str:
    """A failure of the system that nothing nearer has put in words, with the file it concerns."""
    if isinstance(error, MemoryError):
        return f"Not enough memory: {error}." if str(error) else "Not enough memory."
    from mtlcore.io.atomic import reason

    assert isinstance(error, OSError)
    return f"{error.filename}: {reason(error)}." if error.filename is not None else f"{reason(error)}.".capitalize()


@contextmanager
def errors_for_users() -> Iterator[None]:
    """The one place where errors become messages; what is neither an MtlError nor the system's keeps its traceback."""
    try:
        yield
    except (click.exceptions.Exit, click.ClickException):
        raise  # click's own: `mtl --help` ends so, and needs nothing of mtlcore
    except Exception as error:
        from mtlcore.errors import DeadInputError, MtlError, OptionError, UnknownNameError

        if isinstance(error, OSError | MemoryError) and not isinstance(error, BrokenPipeError):
            raise click.ClickException(failure_text(error)) from error
        if not isinstance(error, MtlError):
            raise
        if isinstance(error, OptionError | UnknownNameError):
            raise NotFound(str(error)) from error
        if isinstance(error, DeadInputError):
            raise NothingLive(str(error)) from error
        raise click.ClickException(str(error)) from error
    except Terminated as error:
        raise TerminatedBySignal("Terminated.") from error
    except KeyboardInterrupt as error:
        # Whoever stops on it may say how to go on: KeyboardInterrupt("Resume with: ...").
        raise Interrupted(str(error) or "Interrupted.") from error


@contextmanager
def warnings_for_users() -> Iterator[None]:
    """Print an MtlWarning as one line on stderr, each text once; other warnings are shown as Python shows them."""
    before = warnings.showwarning
    shown = set()

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        # By its name: to import the class would be to import mtlcore.
        if any(base.__name__ == "MtlWarning" for base in category.__mro__):
            # A file that is opened for every output has the same to say each time.
            if str(message) not in shown:
                click.echo(f"Warning: {message}", err=True)
            shown.add(str(message))
        else:
            before(message, category, *place, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


def show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the version and leave."""
    if value and not ctx.resilient_parsing:
        from mtlcore import __version__

        click.echo(f"mtl {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"auto_envvar_prefix": "MTL", "help_option_names": ["-h", "--help"]},
    epilog="Every option can also be set by its variable: MTL_RUN_DEVICE=cpu is mtl run --device cpu.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    allow_from_autoenv=False,
    callback=show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Multi-task learning on seismic images."""


def main() -> None:
    """The entry point of the ``mtl`` command."""
    end_in_order()
    try:
        # Under `python -m mtl_cli.main` (torchrun) too the help says mtl.
        cli(prog_name="mtl")
    finally:
        close_stdout()


def close_stdout() -> None:
    """Flush stdout; where its reader has gone (``mtl ... | head``), keep the interpreter from complaining."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
