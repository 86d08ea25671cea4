"""A plugin for mtlcore. This page imports no torch, so that listing plugins stays fast."""

from mtlcore import Command, hookimpl


@hookimpl
def register_tasks(registry):
    registry.add("mtl_salt.task:Salt", name="salt")


@hookimpl
def register_commands(registry):
    target, text = "mtl_salt.command:salt_share", "Write how much of a result is salt."
    registry.add(Command("salt-share", target, text, writes=("salt_share.json",)))
