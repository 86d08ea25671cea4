"""``mtl synth``: synthetic data sets on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli import options
from mtl_cli.parameters import Shape
from mtl_cli.tables import text_table

RECIPES = ("rgm2d", "rgm3d", "field2d", "field3d")


@click.command()
@click.argument("recipe", metavar="[rgm2d|rgm3d|field2d|field3d]", type=click.Choice(RECIPES))
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--options", "list_options", is_flag=True, help="Only list the recipe's options: default, unit, meaning.")
@click.option("--train", "train_items", type=click.IntRange(0), default=100, show_default=True, help="Training items.")
@click.option("--valid", "valid_items", type=click.IntRange(0), default=10, show_default=True, help="Validation items.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--shape", type=Shape(), metavar="DEPTHxTRACES", help="Of an item, depth first. Default: the recipe's.")
@click.option(
    "--format", "layout", type=click.Choice(["reference", "npz", "memmap"]), default="reference", show_default=True,
    help="Raw files as the reference's, a .npz for each item, or one file for each field.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--no-refinement", is_flag=True, help="Leave out the corrupted fields that refinement can train on.")
@options.config_option
@options.set_option
@options.quiet_option
def synth(config: Path | None, settings: tuple[str, ...], **given: Any) -> None:
    """Make a synthetic data set with exact labels.

    Recipes rgm2d and rgm3d have the distributions of the reference's generator; field2d and field3d are closer
    to field data. --options lists the recipe's options, which are set as in --set noise_level=[0,0.3]. Item i
    of (recipe, seed) is always the same. Training can also make items as it goes: mtl train --data synth:rgm2d.
    """
    from mtl_cli.progress import choose_progress
    from mtl_seismic.synth.dataset import MANIFEST, write_dataset
    from mtl_seismic.synth.option_table import option_rows
    from mtl_seismic.synth.recipes import RECIPES as KNOWN
    from mtlcore.config import build
    from mtlcore.errors import MtlError
    from mtlcore.plugin import plugins

    if given["list_options"]:
        click.echo(text_table([("option", "default", "meaning"), *option_rows(KNOWN[given["recipe"]])]))
        return
    if given["directory"] is None:
        raise click.UsageError("Missing argument 'DIRECTORY': where to write the data set.")
    chosen = options.load_config(config, settings)
    if given["shape"]:
        chosen["shape"] = given["shape"]
    recipe = build(KNOWN[given["recipe"]], chosen, f"recipe {given['recipe']}")
    folder = given["directory"]
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MtlError(f"{folder} is not an empty folder: choose another name for the data set, or remove it.")
    total = given["train_items"] + given["valid_items"]
    installed = plugins.current()
    with installed.listening(*choose_progress(given["quiet"])):
        installed.hook.stage_started(stage="synth", total=total, folder=folder)
        write_dataset(
            recipe, given["seed"], folder, given["train_items"], given["valid_items"], given["layout"],
            refinement_inputs=not given["no_refinement"], workers=given["workers"],
            progress=lambda done: installed.hook.step_finished(stage="synth", step=done, total=total, values={}),
        )  # fmt: skip
        installed.hook.stage_finished(stage="synth", values={})
    click.echo(f"Data set: {folder} (described in {folder / MANIFEST})")
    click.echo(f"Next: mtl train --data {folder} --output run")
