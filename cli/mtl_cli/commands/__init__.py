"""One command a module; the table in mtl_cli.main names them."""
