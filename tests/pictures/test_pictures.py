"""Pictures of results, in 2D and 3D."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.io.volume import Axis, Geometry
from mtlcore.pictures import draw as pictures
from mtlcore.pictures.layout import LONGEST, choose_grid, reduce_to
from mtlcore.plugin.outputs import Display, Output

Array = NDArray[np.float32]

CLEAN = Output("clean", "the clean image", unit="amplitude", amplitude=True)
AGE = Output("age", "age, growing with depth", range=(0, 1), display=Display("contours", "turbo", (0, 1)))
SALT = Output("salt", "probability of salt", range=(0, 1), display=Display("overlay", "autumn_r", (0, 1)))
ANGLE = Output(
    "angle", unit="degree", merge="axial", display=Display("overlay", "twilight_shifted", (0.0, 180.0), mask="salt")
)
OUTPUTS = (CLEAN, AGE, SALT, ANGLE)


def fields_of(shape: tuple[int, ...], seed: int = 0) -> dict[str, Array]:
    """An image and a field for every output."""
    random = np.random.default_rng(seed)
    depth = np.linspace(0, 1, shape[0], dtype=np.float32).reshape(-1, *[1] * (len(shape) - 1))
    image = random.standard_normal(shape).astype(np.float32)
    salt = random.random(shape, dtype=np.float32)
    return {
        "image": image,
        "clean": 0.5 * image,
        "age": np.broadcast_to(depth, shape).copy(),
        "salt": salt,
        "angle": 180 * salt,
    }


def draw(path: Path, fields: dict[str, Array], outputs: tuple[Output, ...] = OUTPUTS, **options: Any) -> Array:
    """Draw a section and read the picture back: rows x columns x RGB, 0..1."""
    others = {name: values for name, values in fields.items() if name != "image"}
    pictures.draw_section(path, fields["image"], others, outputs, **options)
    return read(path)


def read(path: Path) -> Array:
    pixels: Array = pytest.importorskip("matplotlib.image").imread(path)
    return pixels[..., :3]


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pixels, for speed."""
    pytest.importorskip("matplotlib")
    for module in ("draw", "layout"):
        monkeypatch.setattr(f"mtlcore.pictures.{module}.DPI", 40)


def test_a_section_gives_one_picture(tmp_path: Path) -> None:
    fields = fields_of((64, 90))
    written = pictures.draw_all(tmp_path, fields.pop("image"), fields, OUTPUTS, title="a $section$ of 地震.npy")
    assert written == [tmp_path / "section.png"]
    assert list(tmp_path.iterdir()) == written
    assert read(written[0]).std() > 0.1


def test_a_volume_gives_its_three_central_sections(tmp_path: Path) -> None:
    fields = fields_of((20, 30, 41))
    axes = (Axis("time", 20, 500, 4, "ms"), Axis("inline", 30, 1000, 2, "1"), Axis("crossline", 41, 3000, -1, "1"))
    written = pictures.draw_all(tmp_path, fields.pop("image"), fields, OUTPUTS, Geometry(axes))
    assert [path.name for path in written] == ["inline_15.png", "crossline_20.png", "depth_10.png"]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert all(read(path).std() > 0.1 for path in written)


def test_of_a_volume_only_the_sections_are_read(tmp_path: Path) -> None:
    class Watched:
        shape = (8, 9, 10)

        def __init__(self) -> None:
            self.values, self.seen = fields_of(self.shape)["image"], list[Any]()

        def __getitem__(self, index: Any) -> Any:
            self.seen.append(index)
            return self.values[index]

    image: Any = Watched()
    pictures.draw_all(tmp_path, image, {}, ())
    assert image.seen == [index for _, index in pictures.section_windows((8, 9, 10))]


def test_every_kind_of_output_changes_the_picture(tmp_path: Path) -> None:
    """Panels keep their places, so each kind is compared with the plain image in the same panel."""
    fields = fields_of((60, 60))
    plain = Output("field", display=Display("overlay", "gray", (0, 1)))
    base = draw(tmp_path / "base.png", {"image": fields["image"], "field": np.zeros((60, 60), np.float32)}, (plain,))
    for output in (AGE, SALT, ANGLE):
        shown = draw(tmp_path / f"{output.name}.png", fields, (output,))
        # Colours, not greys, in more than a title and a bar.
        assert (np.ptp(shown, axis=-1) > 0.1).mean() > 0.01 > (np.ptp(base, axis=-1) > 0.1).mean()


def test_outputs_without_a_field_are_left_out(tmp_path: Path) -> None:
    fields = fields_of((50, 50))
    assert np.array_equal(
        draw(tmp_path / "a.png", {"image": fields["image"], "salt": fields["salt"]}),
        draw(tmp_path / "b.png", {"image": fields["image"], "salt": fields["salt"]}, (SALT,)),
    )


def test_a_missing_mask_shows_the_angle_everywhere(tmp_path: Path) -> None:
    fields = fields_of((50, 50))
    fields["angle"][:] = 45
    masked = draw(tmp_path / "masked.png", fields, (ANGLE,))
    bare = draw(tmp_path / "bare.png", {"image": fields["image"], "angle": fields["angle"]}, (ANGLE,))
    coloured = [(np.ptp(pixels, axis=-1) > 0.05).mean() for pixels in (masked, bare)]
    assert coloured[0] < 0.8 * coloured[1]


@pytest.mark.parametrize("shape", [(2, 2), (1, 40), (3, 3000), (3000, 3)])
def test_any_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    pixels = draw(tmp_path / "any.png", fields_of(shape))
    assert min(pixels.shape[:2]) > 40
    assert max(pixels.shape[:2]) <= 480
    assert pixels.std() > 0.05


@pytest.mark.parametrize("shape", [(2, 2), (37, 40)])
def test_constant_fields(tmp_path: Path, shape: tuple[int, int]) -> None:
    values = {"image": 0, "clean": 0, "age": 0.5, "salt": 1, "angle": 0}
    assert draw(tmp_path / "a.png", {name: np.full(shape, v, np.float32) for name, v in values.items()}).std() > 0.05


def test_pictures_have_2400_pixels_on_their_longer_edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert max(draw(tmp_path / "full.png", fields_of((256, 1024))).shape) == 2400


@pytest.mark.parametrize("scale", [1e-38, 1e37])
def test_amplitudes_of_any_scale(tmp_path: Path, scale: float) -> None:
    fields = fields_of((30, 30))
    scaled = {"image": fields["image"] * np.float32(scale), "clean": fields["clean"] * np.float32(scale)}
    assert draw(tmp_path / "scaled.png", scaled).std() > 0.1


@pytest.mark.parametrize("dtype", [np.int16])
def test_elements_of_any_type(tmp_path: Path, dtype: Any) -> None:
    fields: Any = {name: (100 * values).astype(dtype) for name, values in fields_of((20, 20)).items()}
    assert draw(tmp_path / "typed.png", fields, tuple(replace(output, range=None) for output in OUTPUTS)).std() > 0.1


def test_the_same_arrays_give_the_same_bytes_in_every_thread(tmp_path: Path) -> None:
    fields = fields_of((40, 60))
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda path: draw(path, fields), paths))
    assert len({path.read_bytes() for path in paths}) == 1
    assert b"matplotlib" not in paths[0].read_bytes().lower()


def test_pictures_need_no_pyplot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    draw(tmp_path / "section.png", fields_of((20, 20)))


def test_without_matplotlib_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not pictures.available()
    fields = fields_of((20, 20))
    with pytest.raises(MtlError, match=r'pip install "mtlcore\[plot\]"') as caught:
        pictures.draw_all(tmp_path, fields.pop("image"), fields, OUTPUTS)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_unknown_colour_map_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    old = tmp_path / "section.png"
    old.write_bytes(b"old")
    wrong = replace(SALT, display=Display("overlay", "virids"))
    with pytest.raises(MtlError, match=r"Output 'salt' .* 'virids'.*Did you mean 'viridis'"):
        draw(old, fields_of((20, 20)), (wrong,))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_an_error_while_writing_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    def fail(self: object, file: Any, **options: Any) -> None:
        file.write(b"half")
        raise RuntimeError("in the middle")

    monkeypatch.setattr(FigureCanvasAgg, "print_png", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        draw(tmp_path / "section.png", fields_of((20, 20)))
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_a_wrong_shape(tmp_path: Path) -> None:
    fields = fields_of((20, 20))
    with pytest.raises(MtlError, match="does not exist"):
        draw(tmp_path / "none" / "section.png", fields)
    with pytest.raises(ValueError, match=r"field 'age' of shape \(5, 5\)"):
        draw(tmp_path / "section.png", fields | {"age": np.zeros((5, 5), np.float32)})


@pytest.mark.parametrize(("shape", "columns"), [((256, 1024), 1), ((360, 256), 3), ((128, 128), 3)])
def test_the_grid_follows_the_section(shape: tuple[int, int], columns: int) -> None:
    grid = choose_grid(5, shape, titled=True)
    assert grid.columns == columns
    assert max(grid.width, grid.height) <= LONGEST + 1e-9
    assert sum(grid.is_lowest(panel) for panel in range(5)) == columns


def test_reduction_takes_means_but_keeps_thin_faults() -> None:
    values = np.arange(35, dtype=np.float32).reshape(5, 7)
    assert np.array_equal(reduce_to(values, (2, 3)), [[4.5, 7.5], [18.5, 21.5]])
    probability = np.zeros((4, 6), np.float32)
    probability[1, 2] = 1
    angle = np.zeros((4, 6), np.float32)
    angle[1, 2] = 60
    assert np.array_equal(reduce_to(angle, (2, 3), probability), [[60, 0], [0, 0]])


def test_large_reductions_go_by_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    values = fields_of((41, 30))["image"]
    whole = reduce_to(values, (3, 2))
    monkeypatch.setattr("mtlcore.pictures.layout.BAND", 100)
    assert np.array_equal(reduce_to(values, (3, 2)), whole)
