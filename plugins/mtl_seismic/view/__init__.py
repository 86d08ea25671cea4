"""A page on this computer that shows a result of ``mtl run``, slice by slice."""
