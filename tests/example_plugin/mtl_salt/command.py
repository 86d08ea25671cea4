import json
from pathlib import Path

import click

from mtl_cli.options import json_option
from mtl_cli.tables import echo_json


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--threshold", type=float, default=0.5, show_default=True, help="Least probability of salt.")
@json_option
def salt_share(result, threshold, as_json):
    """Write how much of a result is salt."""
    from mtlcore.plugin import plugins
    from mtlcore.run.results import open_fields

    share = float((open_fields(result, plugins.current())["salt"].load() > threshold).mean())
    (result / "salt_share.json").write_text(json.dumps({"share": share}), encoding="utf-8")
    if as_json:
        echo_json({"share": share})
    else:
        click.echo(f"{share:.1%} of {result} is salt.")
