"""One self-contained HTML page on a result of ``mtl run``."""
