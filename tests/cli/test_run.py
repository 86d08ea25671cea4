"""``mtl run``: results on disk, refusals, and that nothing is overwritten."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from mtlcore import MtlError
from mtlcore.model.seal import seal

Run = Callable[..., Result]
SHAPE = (40, 32)
OUTPUTS_2D = ["dhr", "rgt", "fault_probability", "fault_dip"]


@pytest.fixture
def model(tmp_path: Path, make_model: Any) -> Path:
    make_model(folder=tmp_path / "mti")
    return tmp_path / "mti"


@pytest.fixture
def image(tmp_path: Path, make_image: Any) -> Path:
    np.save(tmp_path / "image.npy", make_image(SHAPE))
    return tmp_path / "image.npy"


def test_every_output_is_a_file_and_the_record_repeats_the_run(mtl: Run, model: Path, image: Path) -> None:
    result = mtl("run", "--input", image, "--model", model, "--output", "out", "--no-pictures")
    assert result.exit_code == 0, result.output
    record = json.loads(Path("out/run.json").read_text())
    assert list(record["outputs"]) == OUTPUTS_2D
    for name in OUTPUTS_2D:
        values = np.load(f"out/{name}.npy")
        assert values.shape == SHAPE and values.dtype == np.float32
        assert name in result.stdout
    assert record["input"]["sha256"] and record["models"][0]["sha256"]
    assert record["peak_memory"]["process"] > 0 and record["seconds"]["infer"] > 0
    again = mtl("run", "--config", "out/run.json", "--output", "again", "--quiet")
    assert again.exit_code == 0, again.output
    for name in OUTPUTS_2D:
        assert np.array_equal(np.load(f"out/{name}.npy"), np.load(f"again/{name}.npy"))


def test_a_run_is_repeated_from_another_folder_and_changes_are_said(
    mtl: Run, model: Path, image: Path, make_image: Any, make_model: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mtl("run", "-i", image.name, "-m", model.name, "-o", "out", "--no-pictures").exit_code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    repeat = ("run", "--config", tmp_path / "out/run.json", "--force", "--output")
    again = mtl(*repeat, "again")
    assert again.exit_code == 0, again.output
    assert "has changed" not in again.stderr
    assert np.array_equal(np.load("again/dhr.npy"), np.load(tmp_path / "out/dhr.npy"))
    np.save(image, make_image(SHAPE, seed=1))
    make_model(folder=model, seed=1)
    # Over the first result, whose record goes.
    changed = mtl(*repeat, tmp_path / "out")
    for path in (image, model):
        assert f"Warning: {path} has changed since the run that this one repeats." in changed.stderr


def test_results_go_to_new_numbered_folders(mtl: Run, model: Path, image: Path) -> None:
    for number in ("001", "002"):
        assert mtl("run", "--input", image, "--model", model, "--no-pictures").exit_code == 0
        assert Path("runs", number, "run.json").is_file()


def test_without_input_there_is_a_built_in_section(mtl: Run, model: Path) -> None:
    result = mtl("run", "--model", model, "--tasks", "dhr", "--output", "out", "--no-pictures")
    assert result.exit_code == 0, result.output
    assert np.load("out/dhr.npy").ndim == 2
    assert not Path("out/rgt.npy").exists()


def test_pictures_are_drawn(mtl: Run, model: Path, image: Path) -> None:
    pytest.importorskip("matplotlib")
    result = mtl("run", "--input", image, "--model", model, "--output", "out")
    assert result.exit_code == 0, result.output
    assert Path("out/section.png").read_bytes().startswith(b"\x89PNG")
    assert "section.png" in result.stdout


def test_json_is_all_of_stdout(mtl: Run, model: Path, image: Path) -> None:
    result = mtl("run", "--input", image, "--model", model, "--output", "out", "--no-pictures", "--json")
    assert json.loads(result.stdout)["folder"] == "out"
    assert result.stderr == ""


def test_refinement_in_one_command_and_from_an_earlier_result(
    mtl: Run, model: Path, image: Path, make_model: Any, tmp_path: Path
) -> None:
    make_model(stage="mtr", folder=tmp_path / "mtr", seed=1)
    both = ("--model", model, "--model", tmp_path / "mtr", "--no-pictures")
    chained = mtl("run", "-i", image, "--stage", "mti,mtr", "--iterations", "2", *both, "-o", "chained")
    assert chained.exit_code == 0, chained.output
    assert len(json.loads(Path("chained/run.json").read_text())["changes"]) == 2
    assert mtl("run", "-i", image, "--model", model, "--no-pictures", "-o", "first").exit_code == 0
    refined = mtl(
        "run", "--stage", "mtr", "--from", "first", "--iterations", "2", "--model", tmp_path / "mtr", "-o", "second",
        "--no-pictures",
    )  # fmt: skip
    assert refined.exit_code == 0, refined.output
    np.testing.assert_allclose(np.load("chained/dhr.npy"), np.load("second/dhr.npy"), atol=1e-4)


def test_a_repeated_refinement_says_that_the_result_it_begins_with_has_changed(
    mtl: Run, model: Path, image: Path, make_model: Any, tmp_path: Path
) -> None:
    make_model(stage="mtr", folder=tmp_path / "mtr")
    assert mtl("run", "-i", image, "--model", model, "--no-pictures", "-o", "first").exit_code == 0
    refine = ("--stage", "mtr", "--from", "first", "--model", tmp_path / "mtr", "--no-pictures")
    assert mtl("run", *refine, "-o", "second").exit_code == 0
    repeat = ("run", "--config", "second/run.json", "-o")
    assert "has changed" not in mtl(*repeat, "third").stderr
    np.save("first/dhr.npy", -np.load("first/dhr.npy"))
    changed = mtl(*repeat, "fourth")
    assert changed.exit_code == 0
    assert f"Warning: {Path('first').resolve()} has changed since the run that this one repeats." in changed.stderr


def test_refining_an_image_that_has_changed_is_refused(
    mtl: Run, model: Path, image: Path, make_model: Any, tmp_path: Path
) -> None:
    make_model(stage="mtr", folder=tmp_path / "mtr")
    assert mtl("run", "-i", image, "--model", model, "--no-pictures", "-o", "first").exit_code == 0
    np.save(image, np.ones(SHAPE, dtype=np.float32))
    result = mtl("run", "--stage", "mtr", "--from", "first", "--model", tmp_path / "mtr", "-o", "second")
    assert result.exit_code == 1
    assert "has changed since first was computed" in result.stderr


def test_a_three_dimensional_run(mtl: Run, make_model: Any, make_image: Any, tmp_path: Path) -> None:
    make_model(ndim=3, folder=tmp_path / "mti3")
    np.save("volume.npy", make_image((24, 20, 16)))
    result = mtl("run", "--input", "volume.npy", "--model", tmp_path / "mti3", "--output", "out", "--no-pictures")
    assert result.exit_code == 0, result.output
    strike = np.load("out/fault_strike.npy")
    assert strike.shape == (24, 20, 16) and strike.min() >= 0 and strike.max() <= 180


def test_raw_input_and_output(mtl: Run, model: Path, make_image: Any) -> None:
    image = make_image(SHAPE)
    image.T.tofile("image.bin")
    result = mtl(
        "run", "-i", "image.bin", "--shape", "40x32", "--model", model, "--output-format", "raw", "-o", "out",
        "--no-pictures",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert Path("out/dhr.bin").stat().st_size == image.nbytes
    assert json.loads(Path("out/dhr.bin.json").read_text())["shape"] == [40, 32]


def test_uncertainty_is_written_beside_every_output(mtl: Run, model: Path, image: Path) -> None:
    result = mtl("run", "-i", image, "-m", model, "-o", "out", "--uncertainty", "--tasks", "rgt,fault")
    assert result.exit_code == 0, result.output
    names = ["rgt", "fault_probability", "fault_dip"]
    outputs = json.loads(Path("out/run.json").read_text())["outputs"]
    assert list(outputs) == [*names, *(f"{name}_uncertainty" for name in names)]
    assert outputs["rgt_uncertainty"]["unit"] == "sample"
    assert outputs["fault_dip_uncertainty"]["unit"] == "degree"
    for name in names:
        assert (np.load(f"out/{name}_uncertainty.npy") >= 0).all()
    # A result with spreads can be refined, shown and repeated like any other.
    assert mtl("run", "--config", "out/run.json", "-o", "again", "--quiet").exit_code == 0
    assert np.array_equal(np.load("out/rgt_uncertainty.npy"), np.load("again/rgt_uncertainty.npy"))
    assert mtl("run", "--config", "out/run.json", "-o", "plain", "--quiet", "--no-uncertainty").exit_code == 0
    assert not Path("plain/rgt_uncertainty.npy").exists()


def test_a_spread_is_not_negative_on_other_rows_either(mtl: Run, model: Path, image: Path) -> None:
    for scale in ("0.1", "0.5"):
        result = mtl("run", "-i", image, "-m", model, "-o", "out", "--uncertainty", "--scale", scale, "--force")
        assert result.exit_code == 0, result.output
        assert np.load("out/rgt_uncertainty.npy").min() >= 0


def test_fields_to_refine_are_those_of_the_same_image_and_go_to_a_stage_that_refines(
    mtl: Run, model: Path, image: Path, make_model: Any
) -> None:
    make_model(stage="mtr", folder=Path("mtr"))
    assert mtl("run", "-i", image, "-m", model, "-o", "first", "--no-pictures").exit_code == 0
    refused = mtl("run", "-i", image, "-m", model, "-o", "second", "--from", "first")
    assert refused.exit_code and "reads none: use a refining stage" in refused.stderr
    again = ("run", "-m", "mtr", "--stage", "mtr", "--from", "first", "--no-pictures", "--force", "-o", "second")
    assert "computed from another file" not in mtl(*again).stderr
    np.save("other.npy", 3 * np.load(image))
    assert "first was computed from another file than other.npy" in mtl(*again, "-i", "other.npy").stderr


def test_the_network_can_see_depth_on_other_rows_and_with_half_precision(mtl: Run, model: Path, image: Path) -> None:
    options = ("run", "-i", image, "-m", model, "--no-pictures", "-o")
    result = mtl(*options, "half", "--scale", "0.5", "--precision", "bfloat16")
    assert result.exit_code == 0, result.output
    assert "Sampling: the network saw 20x32 samples for 40x32" in result.stderr
    assert json.loads(Path("half/run.json").read_text())["samples_seen"] == [20, 32]
    assert np.load("half/dhr.npy").shape == SHAPE
    repeated = mtl("run", "--config", "half/run.json", "-o", "again", "--quiet")
    assert repeated.exit_code == 0, repeated.output
    assert np.array_equal(np.load("half/dhr.npy"), np.load("again/dhr.npy"))
    assert mtl(*options, "auto", "--scale", "auto").exit_code == 0
    assert mtl(*options, "uneven", "--no-balance").exit_code == 0
    assert mtl("run", "--config", "uneven/run.json", "-o", "same", "--quiet").exit_code == 0
    assert json.loads(Path("same/run.json").read_text())["config"]["run"]["balance"] is False
    assert mtl(*options, "wide", "--scale", "1,2").exit_code == 0
    assert json.loads(Path("wide/run.json").read_text())["samples_seen"] == [40, 64]
    assert mtl("run", "--config", "wide/run.json", "-o", "wide again", "--quiet").exit_code == 0
    assert np.array_equal(np.load("wide/fault_dip.npy"), np.load("wide again/fault_dip.npy"))
    expected = (
        ("x", "'x' is not a factor: expected a number as 0.5"),
        ("99", "scale is 99.0"),
        ("1,2,3", "has 2 axes"),
    )
    for wrong, message in expected:
        refused = mtl(*options, "no", "--scale", wrong)
        assert refused.exit_code == 2
        assert message in refused.stderr


def test_refining_an_earlier_result_sees_the_image_as_it_was_seen(
    mtl: Run, model: Path, image: Path, make_model: Any, tmp_path: Path
) -> None:
    make_model(stage="mtr", folder=tmp_path / "mtr")
    assert mtl("run", "-i", image, "-m", model, "-o", "once", "--scale", "0.5", "--no-pictures").exit_code == 0
    refined = mtl("run", "--stage", "mtr", "--from", "once", "-m", tmp_path / "mtr", "-o", "twice", "--no-pictures")
    assert refined.exit_code == 0, refined.output
    assert json.loads(Path("twice/run.json").read_text())["samples_seen"] == [20, 32]


def test_dead_data_are_counted_and_said(mtl: Run, model: Path, make_image: Any) -> None:
    image = make_image(SHAPE)
    image[:, 5] = 0
    image[3, 7] = np.nan
    np.save("image.npy", image)
    result = mtl("run", "-i", "image.npy", "--model", model, "--no-pictures", "-o", "out")
    assert "1 of 32 traces are dead, 1 samples are undefined" in result.stdout
    assert not np.load("out/dhr.npy")[:, 5].any()


def test_an_input_without_a_live_sample_has_an_exit_code_of_its_own(mtl: Run, model: Path) -> None:
    for number, dead in enumerate((np.zeros(SHAPE), np.full(SHAPE, np.nan), np.full(SHAPE, 1e30))):
        np.save("dead.npy", dead.astype(np.float32))
        result = mtl("run", "-i", "dead.npy", "--model", model, "--no-pictures", "-o", f"out{number}")
        assert result.exit_code == 3 and "dead.npy has no live sample" in result.stderr
        assert not Path(f"out{number}/run.json").exists()


def test_an_image_unlike_the_training_data_is_said_with_the_number(mtl: Run, model: Path, image: Path) -> None:
    assert "unlike" not in mtl("run", "-i", image, "-m", model, "-o", "as before", "--no-pictures").stderr
    config = json.loads((model / "config.json").read_text())
    config["ranges"] = {"slope": [50.0, 60.0], "kurtosis": [0.0, 1e6]}
    (model / "config.json").write_text(json.dumps(config))
    seal(model)
    result = mtl("run", "-i", image, "-m", model, "-o", "strange", "--no-pictures")
    assert result.exit_code == 0
    (line,) = json.loads(Path("strange/run.json").read_text())["unlike_training"]
    assert line.startswith("slope of reflectors") and "(trained on 50 to 60)" in line
    assert f"unlike the training data in {line}" in result.stderr


REFUSALS = {
    "unknown task": (("--tasks", "falt"), 2, "Unknown task 'falt'. Did you mean 'fault'? Installed: "),
    "unknown stage": (("--stage", "mtj"), 2, "Unknown stage 'mtj'. Did you mean"),
    "unknown format": (("--format", "segj"), 2, "Unknown format 'segj'."),
    "unknown device": (("--device", "gpu"), 2, "Unknown device 'gpu': expected auto, cpu, cuda"),
    "missing device": (("--device", "cuda:99"), 2, "Device 'cuda:99' is not available"),
    "missing model": (("--model", "nowhere"), 2, "No model 'nowhere'"),
    "wrong shape": (("--input", "short.bin", "--shape", "40x33"), 1, "short.bin"),
    "no shape": (("--input", "short.bin"), 1, "--shape"),
    "missing file": (("--input", "none.npy"), 1, "none.npy does not exist"),
    "truncated file": (("--input", "cut.npy"), 1, "cut.npy"),
    "unknown setting": (("--set", "run.tile_size=3"), 2, "has no option 'tile_size'. Did you mean 'tile'?"),
    "unknown section": (("--set", "rum.tile=3"), 2, "no section 'rum'. Did you mean 'run'?"),
    "unknown format option": (("--set", "format.shap=[3]"), 2, "shap"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_done_is_refused_in_one_line_and_leaves_nothing(
    case: str, mtl: Run, model: Path, image: Path
) -> None:
    Path("short.bin").write_bytes(b"\0" * 100)
    Path("cut.npy").write_bytes(image.read_bytes()[:500])
    arguments, code, message = REFUSALS[case]
    defaults = () if "--model" in arguments else ("--model", model)
    given = () if "--input" in arguments else ("--input", image)
    result = mtl("run", *given, *defaults, "--output", "out", *arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1 or result.stderr.startswith("Usage:")
    assert not Path("out/run.json").exists() and not list(Path().glob("out/*.npy"))


def test_a_full_folder_is_never_overwritten_without_force(mtl: Run, model: Path, image: Path) -> None:
    Path("out").mkdir()
    Path("out/mine.txt").write_text("keep")
    command = ("run", "-i", image, "--model", model, "--no-pictures", "-o", "out")
    refused = mtl(*command)
    assert refused.exit_code == 1
    assert "out is not empty" in refused.stderr and "--force" in refused.stderr
    assert mtl(*command, "--force").exit_code == 0
    assert Path("out/mine.txt").read_text() == "keep"


def test_a_task_that_the_model_lacks(mtl: Run, image: Path, make_model: Any, tmp_path: Path) -> None:
    make_model(tasks=("dhr",), folder=tmp_path / "dhr_only")
    result = mtl("run", "-i", image, "--model", tmp_path / "dhr_only", "--tasks", "rgt", "-o", "out")
    assert result.exit_code == 1
    assert "has no task 'rgt': it has dhr" in result.stderr


def test_a_model_of_other_dimensions(mtl: Run, image: Path, make_model: Any, tmp_path: Path) -> None:
    make_model(ndim=3, folder=tmp_path / "mti3")
    result = mtl("run", "-i", image, "--model", tmp_path / "mti3", "-o", "out")
    assert result.exit_code == 1
    assert "is 3D and the image 2D" in result.stderr


def test_a_full_disk(mtl: Run, model: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = mtl("run", "-i", image, "--model", model, "--no-pictures", "-o", "out")
    assert result.exit_code == 1
    assert "the disk is full" in result.stderr
    assert not Path("out").exists()


def test_pictures_that_fail_leave_a_result(mtl: Run, model: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise MtlError("Cannot write out/section.png: the disk is full.")

    monkeypatch.setattr("mtlcore.pictures.draw.draw_all", full)
    result = mtl("run", "-i", image, "--model", model, "-o", "out")
    assert result.exit_code == 1
    assert result.stderr.endswith("Error: Cannot write out/section.png: the disk is full.\n")
    assert mtl("run", "--config", "out/run.json", "--no-pictures", "-o", "again").exit_code == 0


def test_flag_beats_variable_beats_file(mtl: Run, model: Path, image: Path) -> None:
    Path("options.toml").write_text(f'[run]\noutput = "from_file"\nmodel = "{model}"\nno-pictures = true\n')
    command = ("run", "-i", image, "--config", "options.toml")
    assert mtl(*command).exit_code == 0
    assert Path("from_file/run.json").is_file()
    assert mtl(*command, MTL_RUN_OUTPUT="from_variable").exit_code == 0
    assert Path("from_variable/run.json").is_file()
    assert mtl(*command, "--output", "from_flag", MTL_RUN_OUTPUT="unused").exit_code == 0
    assert Path("from_flag/run.json").is_file() and not Path("unused").exists()
