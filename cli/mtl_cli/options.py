"""Options that commands share, and the configuration file that gives defaults to all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli.parameters import Bytes, ModelName, Name, Scale, Shape

NOT_IN_FILES = ("config", "set", "json", "quiet", "help")
"""Options that make sense on a command line alone."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, and no progress.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress.")
force_option = click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
device_option = click.option(
    "--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:N or mps."
)
models_option = click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    type=ModelName(),
    metavar="DIR|NAME",
    help="One for each stage. Default: packaged.",
)
stages_option = click.option(
    "--stage", "-s", type=Name("stage", many=True), metavar="A,B", help="Default: those of the models."
)
tasks_option = click.option(
    "--tasks", "-t", type=Name("task", many=True), metavar="A,B", help="Default: all that the model has."
)
iterations_option = click.option(
    "--iterations", type=click.IntRange(1), default=1, show_default=True, help="Passes of a refining stage."
)
split_option = click.option("--split", type=click.Choice(["valid", "train"]), default="valid", show_default=True)
limit_option = click.option("--limit", type=click.IntRange(1), help="Only the first N items.")
item_shape_option = click.option(
    "--shape", type=Shape(), metavar="DEPTHxTRACES", help="Shape of raw items, depth first."
)
tta_flag = click.option("--tta", is_flag=True, help="Average over mirrored copies of the image.")
scale_option = click.option(
    "--scale",
    type=Scale(),
    help="How many times more finely the network sees depth sampled, or each axis (1,2). Default: auto, by the image.",
)
balance_option = click.option(
    "--balance/--no-balance",
    default=True,
    show_default=True,
    help="Even out amplitudes along depth for the network, where they differ much.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the network's arithmetic: bfloat16 is faster where the processor has it.",
)
as_sections_option = click.option(
    "--as-sections", is_flag=True, help="Run 2D models over the sections of a volume along both lateral axes."
)
memory_option = click.option(
    "--memory", type=Bytes(), metavar="SIZE", help="Memory to use, as 4G. Default: half of what is free."
)
part_options = (
    click.option("--inlines", metavar="A:B", help="Only these inlines of a volume, in the file's numbers."),
    click.option("--crosslines", metavar="A:B", help="Only these crosslines, or traces of a 2D line."),
    click.option("--depths", metavar="A:B", help="Only these depths or times, in the file's unit."),
)


def part_option(command: Any) -> Any:
    """The options that select a part of a volume."""
    for option in reversed(part_options):
        command = option(command)
    return command


set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set an option of the configuration, as section.key=value (repeatable).",
)
config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with defaults for all options (or a run.json, to repeat a run).",
)


def load_config(path: Path | None, settings: tuple[str, ...]) -> dict[str, Any]:
    """The configuration file with the settings laid over it."""
    from mtlcore.config import apply_settings, read_file

    return apply_settings(read_file(path) if path else {}, settings)


def take_defaults(ctx: click.Context, config: dict[str, Any], section: str) -> dict[str, Any]:
    """Give the section's values to options that were not given by flag or environment; the other sections.

    A flag beats the environment, which beats the file, which beats the default. Unknown keys are refused.
    """
    from mtlcore.errors import OptionError, suggestion

    rest = dict(config)
    values = rest.pop(section, {})
    if not isinstance(values, dict):
        raise OptionError(f"Configuration: '{section}' is {values!r}, expected a section [{section}].")
    parameters = {_flag(parameter): parameter for parameter in ctx.command.params}
    for key, value in values.items():
        name = key.replace("_", "-")
        if name not in parameters or name in NOT_IN_FILES:
            known = sorted(set(parameters) - set(NOT_IN_FILES))
            raise OptionError(
                f"Section [{section}] has no option '{key}'. {suggestion(name, known)}Options: {', '.join(known)}."
            )
        parameter = parameters[name]
        assert parameter.name is not None
        if ctx.get_parameter_source(parameter.name) in (click.core.ParameterSource.DEFAULT, None):
            ctx.params[parameter.name] = parameter.type_cast_value(ctx, _as_given(value, parameter.multiple))
    return rest


def _flag(parameter: click.Parameter) -> str:
    """The long flag without its dashes: what the option is called in a file."""
    return max(parameter.opts, key=len).lstrip("-")


def _as_given(value: Any, multiple: bool) -> Any:
    """A TOML list as options take it: repeated, or as comma-separated text."""
    if multiple:
        return value if isinstance(value, list) else [value]
    return ",".join(map(str, value)) if isinstance(value, list) else value


def section(config: dict[str, Any], name: str) -> dict[str, Any]:
    """One table of the configuration."""
    from mtlcore.errors import OptionError

    values = config.get(name, {})
    if not isinstance(values, dict):
        raise OptionError(f"Configuration: '{name}' is {values!r}, expected a section [{name}].")
    return values


def refuse_unknown_sections(config: dict[str, Any], known: tuple[str, ...]) -> None:
    """A misspelt section is an error, not ignored."""
    from mtlcore.errors import OptionError, suggestion

    for name in config:
        if name not in known:
            raise OptionError(
                f"The configuration has no section '{name}'. {suggestion(name, known)}Sections: {', '.join(known)}."
            )
