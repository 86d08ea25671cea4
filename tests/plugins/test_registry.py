"""Registries: names to classes, loaded only when used."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlcore.errors import MtlError, UnknownNameError, suggestion
from mtlcore.plugin.interfaces import Format, PackagedModel
from mtlcore.plugin.registry import Registry


class Raw(Format):
    name = "raw"

    def open(self, path: Any) -> Any: ...

    def create(self, path: Any, geometry: Any, output: Any) -> Any: ...


def test_listing_imports_nothing_and_use_imports() -> None:
    registry: Registry[Any] = Registry("thing")
    registry.add("colorsys:no_such_name", name="here")
    registry.add("no_such_module_anywhere:Class", name="gone")
    sys.modules.pop("colorsys", None)
    assert list(registry) == ["gone", "here"]
    assert len(registry) == 2
    assert "here" in registry and "there" not in registry and None not in registry
    assert registry == registry and registry != Registry("thing")
    assert registry.entries()[0].target == "no_such_module_anywhere:Class"
    assert "colorsys" not in sys.modules
    with pytest.raises(MtlError, match="'here' of plugin this program cannot be loaded from colorsys:no_such_name"):
        registry["here"]
    assert "colorsys" in sys.modules


def test_a_class_and_a_string_load_alike() -> None:
    registry: Registry[Format] = Registry("format", Format)
    registry.add(Raw)
    registry.owned_by("strings")
    registry.add(f"{Raw.__module__}:Raw", name="text")
    sys.modules.setdefault(Raw.__module__, sys.modules[__name__])
    assert registry["raw"] is registry["text"] is Raw


def test_an_unknown_name_is_told_with_a_suggestion() -> None:
    registry: Registry[Format] = Registry("format", Format)
    for name in ("npy", "raw", "segy"):
        registry.add("nowhere:Class", name=name)
    with pytest.raises(UnknownNameError) as caught:
        registry["SEG-Y"]
    assert str(caught.value) == "Unknown format 'SEG-Y'. Did you mean 'segy'? Installed: npy, raw, segy."
    with pytest.raises(UnknownNameError, match=r"^Unknown format 'zzz'\. Installed: npy, raw, segy\.$"):
        registry.entry("zzz")
    assert registry.get("zzz") is None  # as of any mapping
    with pytest.raises(UnknownNameError, match=r"Installed: none\.$"):
        Registry("task")["dhr"]


def test_suggestion_heeds_no_case() -> None:
    assert suggestion("RGT", ["dhr", "rgt"]) == "Did you mean 'rgt'? "
    assert suggestion("falt", ["Fault", "dhr"]) == "Did you mean 'Fault'? "
    assert suggestion("x", ["fault"]) == ""


@pytest.mark.parametrize(
    ("target", "name", "error"),
    [
        (Raw, "a b", "'a b' may hold only letters"),
        (Raw, "a.b", "may hold only"),
        (object(), None, "registered without a name"),
        ("module:Class", None, "registered without a name"),
        ("module", "x", "expected 'module:Class'"),
        (":Class", "x", "expected 'module:Class'"),
        ("module:", "x", "expected 'module:Class'"),
    ],
)
def test_what_cannot_be_registered(target: Any, name: str | None, error: str) -> None:
    with pytest.raises(MtlError, match=error):
        Registry("format", Format).add(target, name)


@pytest.mark.parametrize("target", [Raw(), print, int])
def test_what_is_not_of_the_kind_is_refused_in_use(target: Any) -> None:
    registry: Registry[Any] = Registry("format", Format)
    registry.add(target, name="odd")
    with pytest.raises(MtlError, match="expected a subclass of Format"):
        registry["odd"]


def test_variants_share_a_name_within_one_plugin(tmp_path: Any) -> None:
    registry: Registry[PackagedModel] = Registry("model", PackagedModel, instances=True, variants=True)
    flat, solid = (PackagedModel("demo", "mti", ndim, tmp_path) for ndim in (2, 3))
    registry.add(flat)
    registry.add(solid)
    assert [registry.load(entry) for entry in registry.entries_of("demo")] == [flat, solid]
    registry.owned_by("other")
    registry.add(flat)
    with pytest.raises(MtlError, match="'demo' is registered by this program and other"):
        registry.entries_of("demo")
    registry.add(PackagedModel, name="no-instance")
    with pytest.raises(MtlError, match="expected a PackagedModel"):
        registry["no-instance"]


@dataclass(frozen=True)
class Step:
    """Plugin ``plugin`` adds ``name``, or, without a name, is dropped."""

    plugin: str
    name: str | None


STEPS = st.builds(Step, st.sampled_from("PQR"), st.none() | st.sampled_from(["a", "b", "c", "d"]))


@given(st.lists(STEPS, max_size=30))
def test_registry_against_a_model(steps: list[Step]) -> None:
    registry: Registry[Any] = Registry("thing")
    model: dict[str, list[str]] = {}
    for step in steps:
        registry.owned_by(step.plugin)
        if step.name is None:
            registry.drop(step.plugin)
            model = {name: [p for p in owners if p != step.plugin] for name, owners in model.items()}
            model = {name: owners for name, owners in model.items() if owners}
        elif step.plugin in model.get(step.name, []):
            with pytest.raises(MtlError, match=f"registered twice by {step.plugin}"):
                registry.add(int, step.name)
        else:
            registry.add(int, step.name)
            model.setdefault(step.name, []).append(step.plugin)
        assert list(registry) == sorted(model)
        assert len(registry) == len(model)
        assert all((name in registry) == (name in model) for name in "abcd")
        assert registry.clashes() == {name: tuple(model[name]) for name in sorted(model) if len(model[name]) > 1}
    for name, owners in model.items():
        if len(owners) == 1:
            assert registry[name] is int
            assert registry.entry(name).plugin == owners[0]
        else:
            with pytest.raises(MtlError, match=" and ".join(owners)):
                registry[name]
