"""A plugin for mtlcore. This page imports no torch, so that listing plugins stays fast."""

from mtlcore import hookimpl


@hookimpl
def register_tasks(registry):
    registry.add("mtl_salt.task:Salt", name="salt")
