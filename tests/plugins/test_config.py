"""Options, settings and configuration files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlcore.config import apply_settings, build, merge, parse_value, read_file
from mtlcore.errors import MtlError, OptionError

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True)
class Inner:
    depth: int = 3
    rate: float = 0.5


@dataclass(frozen=True)
class Options:
    kind: ClassVar[str] = "not an option"
    width: int = 16
    rate: float = 1e-3
    bias: bool = False
    label: str = ""
    mode: Literal["mean", "axial", 2] = "mean"
    crop: tuple[int, ...] | None = None
    pair: tuple[str, float] = ("a", 1.0)
    names: list[str] = field(default_factory=list)
    sizes: Sequence[float] = ()
    weights: dict[str, float] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    either: float | int | str = 0
    folder: Path | None = None
    inner: Inner = Inner()
    state: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.width == 13:
            raise ValueError("width 13 brings bad luck")


NUMBERS = st.floats(allow_nan=False)
OPTIONS = st.builds(
    Options,
    width=st.integers().filter(lambda width: width != 13),
    rate=NUMBERS,
    bias=st.booleans(),
    label=st.text(),
    mode=st.sampled_from(["mean", "axial", 2]),
    crop=st.none() | st.lists(st.integers(), max_size=3).map(tuple),
    pair=st.tuples(st.text(), NUMBERS),
    names=st.lists(st.text(), max_size=3),
    sizes=st.lists(NUMBERS, max_size=3),
    weights=st.dictionaries(st.text(), NUMBERS, max_size=3),
    extra=st.dictionaries(st.text(), st.none() | st.integers() | st.text(), max_size=3),
    either=NUMBERS | st.integers() | st.text(),
    folder=st.none() | st.text(st.characters(codec="ascii", exclude_characters="\x00")).map(Path),
    inner=st.builds(Inner, depth=st.integers(), rate=NUMBERS),
)


@settings(max_examples=50)
@given(OPTIONS)
def test_what_was_saved_as_json_builds_the_same_again(options: Options) -> None:
    saved = {key: value for key, value in asdict(options).items() if key != "state"}
    again = build(Options, json.loads(json.dumps(saved, default=str)), "test")
    assert again == options
    assert type(again.either) is type(options.either)


def plain_values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))


@given(
    st.dictionaries(
        st.sampled_from(["width", "rate", "mode", "crop", "pair", "weights", "inner", "no"]), plain_values()
    )
)
def test_any_values_build_or_are_an_option_error(values: dict[str, Any]) -> None:
    try:
        options = build(Options, values, "test")
    except OptionError as error:
        assert str(error).startswith("test")
    else:
        assert type(options.width) is int
        assert type(options.rate) is float
        assert options.crop is None or all(type(size) is int for size in options.crop)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wdth": 1}, "task fault has no option 'wdth'. Did you mean 'width'? Options: bias, crop, either, extra,"),
        ({"kind": "x"}, "has no option 'kind'"),
        ({"state": 1}, "has no option 'state'"),
        ({"width": 1.5}, "task fault.width is 1.5: expected a whole number."),
        ({"width": True}, "task fault.width is True: expected a whole number."),
        ({"width": 13}, "task fault: width 13 brings bad luck"),
        ({"rate": "x"}, "task fault.rate is 'x': expected a number."),
        ({"rate": 10**400}, "expected a number."),
        ({"bias": 1}, "task fault.bias is 1: expected true or false."),
        ({"label": 5}, "task fault.label is 5: expected text"),
        ({"mode": "median"}, "task fault.mode is 'median': expected one of mean, axial, 2."),
        ({"mode": 2.0}, "expected one of mean, axial, 2."),
        ({"crop": 5}, "task fault.crop is 5: expected a list."),
        ({"crop": [1, "b"]}, "task fault.crop[1] is 'b': expected a whole number."),
        ({"pair": ["a"]}, "task fault.pair has 1 values: expected 2."),
        ({"weights": {"rgt": "x"}}, "task fault.weights.rgt is 'x': expected a number."),
        ({"weights": 1}, "task fault.weights is 1: expected a table."),
        ({"either": [1]}, "task fault.either is [1]: expected a number or a whole number or text"),
        ({"folder": 1}, "task fault.folder is 1: expected a path."),
        ({"inner": {"dept": 1}}, "task fault.inner has no option 'dept'. Did you mean 'depth'? Options: depth, rate."),
        ({"inner": 1}, "task fault.inner is 1: expected a table."),
    ],
)
def test_messages(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        build(Options, values, "task fault")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_option_is_named() -> None:
    @dataclass
    class Needs:
        size: int

    with pytest.raises(OptionError, match="format raw needs the option 'size'"):
        build(Needs, {}, "format raw")


@dataclass
class HiddenType:
    value: Decimal | None = None


def test_a_type_that_only_type_checkers_see_is_told() -> None:
    with pytest.raises(MtlError, match=r"Decimal.*outside of TYPE_CHECKING"):
        build(HiddenType, {}, "task x")


KEYS = st.from_regex(r"[a-z_][a-z0-9_-]{0,5}", fullmatch=True)
SCALARS = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=3),
    lambda inner: st.dictionaries(KEYS, SCALARS | inner, max_size=3),
    max_leaves=8,
)


def as_settings(table: dict[str, Any], before: str = "") -> list[str]:
    """One a.b=value for each leaf. JSON's scalars are TOML's, but for DEL, which TOML wants escaped."""
    lines: list[str] = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += as_settings(value, f"{before}{key}.")
        else:
            text = json.dumps(value, ensure_ascii=False).replace(chr(127), "\\u007f")
            lines.append(f"{before}{key}={text}")
    return lines


def without_empty(table: dict[str, Any]) -> dict[str, Any]:
    cleaned = {key: without_empty(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in cleaned.items() if value != {}}


@given(TABLES)
def test_a_table_written_as_settings_comes_back(table: dict[str, Any]) -> None:
    assert apply_settings({}, as_settings(table)) == without_empty(table)


@given(TABLES, TABLES)
def test_merge_lays_the_second_over_the_first(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = json.dumps([base, over])
    merged = merge(base, over)
    assert merge(merged, over) == merged
    assert merge(over, {}) == over
    assert set(merged) == {*base, *over}
    for key, value in over.items():
        assert isinstance(value, dict) or merged[key] == value
    assert json.dumps([base, over]) == before


def test_settings_leave_the_given_configuration_alone() -> None:
    config = {"train": {"rate": 1.0, "crop": [1, 2]}}
    assert apply_settings(config, ["train.rate=2", "train.new.deep=true", " train . crop = [3]"]) == {
        "train": {"rate": 2, "crop": [3], "new": {"deep": True}}
    }
    assert config == {"train": {"rate": 1.0, "crop": [1, 2]}}


def test_a_table_is_laid_over_a_section() -> None:
    assert apply_settings({"a": {"b": 1, "c": 2}}, ["a={b=3}"]) == {"a": {"b": 3, "c": 2}}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rate", "Setting 'rate' is not understood: expected key=value"),
        ("=1", "is not understood"),
        ("a..b=1", "is not understood"),
        ("train.rate.x=1", "'rate' is a value, not a section"),
        ("train=3", "'train' is a section; say train.option=value"),
    ],
)
def test_settings_that_are_refused(setting: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        apply_settings({"train": {"rate": 1.0}}, [setting])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        (" 3 ", 3),
        ("[1, 2]", [1, 2]),
        ("true", True),
        ('"5"', "5"),
        ("", ""),
        ("mean", "mean"),
        ("../data/file.bin", "../data/file.bin"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("1\nother = 2", "1\nother = 2"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert parse_value(text) == value


@given(st.text())
def test_any_text_is_a_value(text: str) -> None:
    parse_value(text)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_file(path) == {"a": 1}
    for content in (b"a = ", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(MtlError, match=r"a\.toml cannot be read as TOML"):
            read_file(path)
    with pytest.raises(MtlError, match="does not exist"):
        read_file(tmp_path / "none.toml")
    with pytest.raises(MtlError, match="cannot be read"):
        read_file(tmp_path)
