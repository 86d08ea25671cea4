"""Stages in a row: what each reads, when passes end, and what users get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np
import pytest
from torch import nn

import mtlcore
from mtlcore import MtlError, Output, Task
from mtlcore.errors import OptionError
from mtlcore.inference.chain import Chain
from mtlcore.inference.change import change
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.loading import load_chain

ALL = ("dhr", "rgt", "fault")
FIELDS_2D = {"dhr", "rgt", "fault_probability", "fault_dip"}
SHALLOW = {"name": "unet", "widths": (4,), "dilations": (), "features": 4}
SUBSETS = [subset for count in (1, 2, 3) for subset in combinations(ALL, count)]


def same(one, other, tolerance=0.0):
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.abs(values - other[name]).max() <= tolerance * max(1, np.abs(values).max()), name


@pytest.mark.parametrize("ndim", [2, 3])
def test_inference_and_three_refinements(make_model, make_image, ndim):
    image = make_image((26, 22, 18)[:ndim])
    chain = Chain.of([make_model(ndim), make_model(ndim, stage="mtr")], iterations=3)
    result = chain.run(image)
    names = FIELDS_2D | ({"fault_strike"} if ndim == 3 else set())
    assert set(result.fields) == names
    assert len(result.changes) == 3
    assert all(set(changes) == names and min(changes.values()) >= 0 for changes in result.changes)
    assert result.changes[0]["dhr"] > 0


def test_stages_in_one_command_equal_one_command_each(make_model, make_image):
    """Also where traces are dead, and for models that normalise images to different levels."""
    image = make_image((30, 24)) * 50
    image[:, 5], image[7, 9] = 0, np.nan
    mti, mtr = make_model(amplitude=0.33), make_model(stage="mtr", amplitude=2.0)
    together = Chain.of([mti, mtr], iterations=2).run(image).fields
    fields = mti.predict(image)
    for _ in range(2):
        fields = mtr.predict(image, fields)
    same(fields, together, 1e-5)


def test_the_level_of_another_model_is_no_part_of_the_answer(make_model, make_image):
    """A refining model sees the image and DHR at its own level, whatever the one before it uses."""
    image = make_image((24, 20))
    mtr = make_model(stage="mtr", amplitude=2.0)
    alone = mtr.predict(image, make_model(amplitude=2.0).predict(image))
    first = make_model(amplitude=0.1)
    fields = first.predict(image)
    same(mtr.predict(image, fields), Chain.of([first, mtr]).run(image).fields, 1e-5)
    assert alone.keys() == fields.keys()


def test_passes_end_when_little_changes(make_model, make_image):
    models, image = [make_model(), make_model(stage="mtr")], make_image((24, 20))
    assert len(Chain.of(models, iterations=4).run(image).changes) == 4
    assert len(Chain.of(models, iterations=4, tolerance=1e9).run(image).changes) == 1


def test_change_is_relative_and_angles_are_axes():
    model_outputs = {output.name: output for task in FAKE for output in task.outputs}
    ones = np.ones((4, 4), np.float32)
    before = {"depth": ones * 2, "angle": ones * 179, "sure": ones}
    after = {"depth": ones * 3, "angle": ones * 2, "sure": ones}
    dead = np.zeros((4, 4), bool)

    def relative(after, dead):
        return {name: c.relative for name, c in change(tuple(model_outputs.values()), before, after, dead).items()}

    found = relative(after, dead)
    assert found["depth"] == pytest.approx(0.5)
    assert found["angle"] == pytest.approx(3 / 90)
    assert relative({**after, "sure": ones * 0}, dead)["angle"] == 0
    assert set(relative(after, ~dead).values()) == {0.0}


def test_refinement_alone_starts_from_fields_in_the_images_amplitudes(make_model, make_image):
    image, mtr = make_image((24, 20)), make_model(stage="mtr")
    fields = make_model().predict(image)
    expected = mtr.predict(image, fields)
    found = mtr.predict(image * 1000, {**fields, "dhr": fields["dhr"] * 1000})
    found["dhr"] /= 1000
    same(expected, found, 1e-4)


def test_fields_that_are_unknown_somewhere_give_finite_results(make_model, make_image):
    image, mtr = make_image((24, 20)), make_model(stage="mtr")
    fields = {name: np.where(np.arange(20) < 4, np.nan, values) for name, values in make_model().predict(image).items()}
    assert all(np.isfinite(values).all() for values in mtr.predict(image, fields).values())


def test_missing_fields_are_named_with_a_way_out(make_model, make_image):
    image, mtr = make_image((24, 20)), make_model(stage="mtr")
    with pytest.raises(MtlError, match=r"'dhr'.*--stage mti"):
        mtr.predict(image)
    fields = make_model().predict(image)
    del fields["fault_dip"]
    with pytest.raises(MtlError, match="'fault_dip'"):
        mtr.predict(image, fields)
    with pytest.raises(MtlError, match="'fault_probability'"):
        Chain.of([make_model(tasks=("dhr", "rgt")), mtr]).run(image)


def test_fields_of_another_image_are_refused(make_model, make_image):
    fields = make_model().predict(make_image((24, 20)))
    with pytest.raises(MtlError, match=r"\(24, 20\).*\(24, 22\)"):
        make_model(stage="mtr").predict(make_image((24, 22)), fields)


@pytest.mark.parametrize("tasks", SUBSETS, ids="+".join)
def test_any_subset_of_tasks_in_both_stages(make_model, make_image, tasks):
    image, mti = make_image((24, 20)), make_model()
    everything = mti.predict(image)
    some = mti.predict(image, tasks=tasks)
    assert some.keys() == {o.name for t in mti.tasks if t.name in tasks for o in t.outputs_in(2)}
    same(some, {name: everything[name] for name in some})
    mtr = make_model(stage="mtr", tasks=tasks)
    refined = Chain.of([mti, mtr], iterations=2).run(image).fields
    assert refined.keys() == everything.keys()
    passed_on = everything.keys() - some.keys()
    same({name: refined[name] for name in passed_on}, {name: everything[name] for name in passed_on})
    whole = Chain.of([mti, make_model(stage="mtr")]).run(image, tasks).fields
    assert whole.keys() == some.keys()


def test_a_model_without_the_task_says_which_it_has(make_model, make_image):
    model = make_model(tasks=("dhr", "rgt"))
    with pytest.raises(MtlError, match="no task 'fault': it has dhr, rgt"):
        model.predict(make_image((24, 20)), tasks=("dhr", "fault"))
    with pytest.raises(MtlError, match="No task was asked for"):
        model.predict(make_image((24, 20)), tasks=())


def test_mirrored_average_of_a_mirrored_image_is_the_mirrored_average(make_model, make_image):
    image, options = make_image((24, 20, 18)), InferOptions(mirrored_average=True)
    model = make_model(3, tasks=("dhr", "fault"), backbone=SHALLOW)
    chain = Chain.of([model], options=options)
    plain, averaged = model.predict(image), chain.run(image).fields
    assert averaged.keys() == plain.keys()
    assert any(np.abs(averaged[name] - plain[name]).max() > 1e-3 for name in plain)
    # Two copies mirrored along one axis: the mean of the first and of the second mirrored back.
    section = image[:, :, 0]
    flat = make_model(2, tasks=("dhr", "fault"), backbone=SHALLOW)
    chain = Chain.of([flat], options=options)
    one, other = chain.run(section).fields, chain.run(section[:, ::-1]).fields
    assert np.allclose(one["dhr"], other["dhr"][:, ::-1], atol=1e-5)
    assert np.allclose(one["fault_probability"], other["fault_probability"][:, ::-1], atol=1e-5)
    turned = np.abs(one["fault_dip"] - (180 - other["fault_dip"][:, ::-1])) % 180
    assert np.quantile(np.minimum(turned, 180 - turned), 0.95) < 0.1


def test_mirrored_average_in_refinement_mirrors_the_fields_too(make_model, make_image):
    image = make_image((24, 20))
    # Without time: of tracked ones that of the image as it is counts, and not a mean.
    models = [make_model(stage=stage, tasks=("dhr", "fault")) for stage in ("mti", "mtr")]
    chain = Chain.of(models, options=InferOptions(mirrored_average=True))
    one = chain.run(image).fields
    other = chain.run(np.ascontiguousarray(image[:, ::-1])).fields
    assert np.allclose(one["dhr"], other["dhr"][:, ::-1], atol=1e-4)
    plain = replace(chain, options=InferOptions())
    unlike = plain.run(image).fields["dhr"] - plain.run(np.ascontiguousarray(image[:, ::-1])).fields["dhr"][:, ::-1]
    assert np.abs(unlike).max() > 0.2


@pytest.mark.parametrize("ndim", [2, 3])
def test_uncertainty_is_the_spread_over_mirrored_copies_and_copies_of_opposite_polarity(make_model, make_image, ndim):
    image = make_image((24, 20, 18)[:ndim])
    model = make_model(ndim, tasks=("dhr", "fault"), backbone=SHALLOW)
    plain = model.predict(image)
    found = Chain.of([model], options=InferOptions(uncertainty=True)).run(image).fields
    assert {name for name in found if not name.endswith("_uncertainty")} == set(plain)
    assert all(np.array_equal(found[name], plain[name]) for name in plain)
    copies = [plain["dhr"], -model.predict(-image)["dhr"]]
    for axis in range(1, ndim):
        flipped = np.ascontiguousarray(np.flip(image, axis))
        copies += [np.flip(model.predict(flipped)["dhr"], axis), -np.flip(model.predict(-flipped)["dhr"], axis)]
    assert np.allclose(found["dhr_uncertainty"], np.std(copies, axis=0), atol=1e-5 * np.abs(plain["dhr"]).max())
    dip = found["fault_dip_uncertainty"]
    assert (dip >= 0).all() and (dip <= 90).all()
    assert (found["fault_probability_uncertainty"] <= 0.5).all()


def test_the_uncertainty_of_amplitudes_scales_with_the_image_and_is_0_where_it_is_dead(make_model, make_image):
    image = make_image((24, 20))
    image[:, 5] = 0
    chain = Chain.of([make_model(tasks=("dhr",))], options=InferOptions(uncertainty=True))
    one, other = (chain.run(image * factor).fields["dhr_uncertainty"] for factor in (1, 1000))
    assert np.allclose(1000 * one, other, rtol=1e-3)
    assert (one[:, 5] == 0).all()
    assert one.max() > 0


def test_half_precision_gives_nearly_the_same_fields_in_single_precision(make_model, make_image):
    image, model = make_image((48, 40)), make_model(tasks=("dhr", "fault"))
    plain = model.predict(image)
    half = Chain.of([model], options=InferOptions(precision="bfloat16")).run(image).fields
    for name in ("dhr", "fault_probability"):
        assert half[name].dtype == np.float32
        assert not np.array_equal(half[name], plain[name])
        assert np.abs(half[name] - plain[name]).max() < 0.05 * np.abs(plain[name]).max()


def test_of_a_chain_only_the_last_model_runs_for_its_uncertainty(make_model, make_image):
    chain = Chain.of([make_model(), make_model(stage="mtr")], options=InferOptions(uncertainty=True))
    found = chain.run(make_image((24, 20)), tasks=("rgt",)).fields
    assert list(found) == ["rgt", "rgt_uncertainty"]
    assert [output.unit for output in chain.outputs(("rgt",))] == ["1", "sample"]


KEEPING = {"name": "mtr", "keeps": ["rgt"]}


def test_a_task_that_refinement_keeps_is_passed_on_as_it_was(make_model, make_image):
    image = make_image((24, 20))
    first, second = make_model(), make_model(stage=KEEPING)
    assert [task.name for task in second.predicted_tasks] == ["dhr", "fault"]
    before = Chain.of([first]).run(image).fields
    after = Chain.of([first, second], iterations=2).run(image)
    assert list(after.fields) == list(before)
    assert np.array_equal(after.fields["rgt"], before["rgt"])
    assert not np.allclose(after.fields["dhr"], before["dhr"])
    assert all("rgt" not in changes for changes in after.changes)
    assert list(Chain.of([first, second]).run(image, tasks=["rgt"]).fields) == ["rgt"]
    alone = Chain.of([second]).run(image, fields=before).fields
    assert np.array_equal(alone["rgt"], before["rgt"])


def test_uncertainty_of_a_kept_task_is_that_of_the_stage_that_gave_it(make_model, make_image):
    image, options = make_image((24, 20)), InferOptions(uncertainty=True)
    first, second = make_model(), make_model(stage=KEEPING)
    before = Chain.of([first], options=options).run(image).fields
    after = Chain.of([first, second], options=options).run(image).fields
    assert list(after) == list(before)
    assert np.array_equal(after["rgt_uncertainty"], before["rgt_uncertainty"])
    given = {name: before[name] for name in ("dhr", "rgt", "fault_probability", "fault_dip")}
    alone = Chain.of([second], options=options).run(image, fields=given).fields
    assert "rgt_uncertainty" not in alone and "dhr_uncertainty" in alone


@pytest.mark.parametrize("keeps", [["salt"], ["dhr", "rgt", "fault"]])
def test_what_cannot_be_kept_is_refused(make_model, keeps):
    with pytest.raises(OptionError, match=r"stage\.keeps is .*expected some, not all, of dhr, rgt, fault"):
        make_model(stage={"name": "mtr", "keeps": keeps})


@dataclass(frozen=True)
class Depth(Task):
    """A third party's task: a coarse map that only the whole volume makes a field of."""

    name: ClassVar[str] = "depth"
    outputs: ClassVar[tuple[Output, ...]] = (Output("depth"),)
    seen: ClassVar[list[tuple[int, ...]]] = []

    def head(self, channels, ndim):
        return Coarse(channels, ndim, self.factor)

    def loss(self, predicted, target):
        raise NotImplementedError

    def metrics(self, predicted, target):
        return {}

    def solve(self, fields, image):
        coarse = fields["coarse"]
        self.seen.append(coarse.shape)
        fine = coarse
        for axis in range(image.ndim):
            fine = np.repeat(fine, self.factor, axis)
        return {"depth": fine[tuple(slice(0, size) for size in image.shape)] - coarse.mean()}

    factor: int = 2


class Coarse(nn.Module):
    """Means of cells of a few samples along every axis."""

    def __init__(self, channels, ndim, factor):
        super().__init__()
        self.mix = (nn.Conv2d if ndim == 2 else nn.Conv3d)(channels, 1, 1)
        self.pool = (nn.AvgPool2d if ndim == 2 else nn.AvgPool3d)(factor)

    def forward(self, features):
        return {"coarse": self.pool(self.mix(features))}


@dataclass(frozen=True)
class Angle(Depth):
    name: ClassVar[str] = "angle"
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("angle", merge="axial", display=mtlcore.Display("overlay", mask="sure")),
        Output("sure"),
    )


FAKE = (Depth(), Angle())


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("shape", [(45, 38), (44, 30), (21, 18, 17), (9, 9)])
def test_solve_sees_the_whole_volume_though_the_network_saw_tiles(make_model, make_image, shape, factor):
    model, image = make_model(len(shape), tasks=(Depth(factor=factor),)), make_image(shape)
    Depth.seen.clear()
    whole = model.predict(image)["depth"]
    tiled = Chain.of([model], options=InferOptions(tile=8)).run(image).fields["depth"]
    assert set(Depth.seen) == {tuple(-(-size // factor) for size in shape)}
    assert whole.shape == shape
    assert np.abs(whole - tiled).max() < 1e-5


@dataclass(frozen=True)
class Seeing(Depth):
    """A task whose solution makes use of another one's."""

    name: ClassVar[str] = "seeing"
    outputs: ClassVar[tuple[Output, ...]] = (Output("seeing"),)
    solve_inputs = ("fault_probability",)

    def solve(self, fields, image):
        return {"seeing": fields.get("fault_probability", np.full_like(image, 7))}


def test_a_solution_with_another_tasks_fields_is_the_same_whatever_is_asked_for(make_model, make_image):
    """Those of the other task are only given where they are asked for."""
    image = make_image((24, 20))
    model = make_model(tasks=(Seeing(), *make_model().tasks))
    together = model.predict(image)
    assert list(together) == ["seeing", "dhr", "rgt", "fault_probability", "fault_dip"]
    assert np.array_equal(together["seeing"], together["fault_probability"])
    alone = model.predict(image, tasks=["seeing"])
    assert list(alone) == ["seeing"]
    assert np.array_equal(alone["seeing"], together["seeing"])
    assert (make_model(tasks=(Seeing(),)).predict(image)["seeing"] == 7).all()


def test_time_is_the_same_with_and_without_faults_being_asked_for(make_model, make_image):
    image, model = make_image((40, 36)), make_model()
    assert np.array_equal(model.predict(image)["rgt"], model.predict(image, tasks=["rgt"])["rgt"])


@pytest.mark.parametrize(
    ("solved", "words"),
    [({}, "did not return output 'depth'"), ({"depth": np.zeros((3, 3))}, r"shape \(3, 3\), expected \(24, 20\)")],
)
def test_a_task_that_breaks_its_promise_is_named(make_model, make_image, monkeypatch, solved, words):
    monkeypatch.setattr(Depth, "solve", lambda self, fields, image: solved)
    with pytest.raises(MtlError, match=f"Task 'depth'.*{words}"):
        make_model(tasks=(Depth(),)).predict(make_image((24, 20)))


def test_models_and_images_must_have_the_same_dimensions(make_model, make_image, tmp_path):
    with pytest.raises(MtlError, match="2D model needs 2 axes"):
        make_model().predict(make_image((9, 9, 9)))
    with pytest.raises(MtlError, match="at least 2 samples"):
        make_model().predict(make_image((1, 9)))
    with pytest.raises(MtlError, match="differ in dimensions"):
        Chain.of([make_model(), make_model(3, stage="mtr")])
    make_model(3, folder=tmp_path / "model")
    with pytest.raises(MtlError, match="is 3D and the image 2D"):
        mtlcore.predict(make_image((9, 9)), model=tmp_path / "model")
    with pytest.raises(MtlError, match="expected 2 or 3 axes"):
        mtlcore.predict(make_image((9,)), model=tmp_path / "model")


def test_impossible_chains_are_refused(make_model):
    mti, mtr = make_model(), make_model(stage="mtr")
    with pytest.raises(MtlError, match="put it first"):
        Chain.of([mtr, mti])
    with pytest.raises(MtlError, match="iterations is 0"):
        Chain.of([mti], iterations=0)
    with pytest.raises(MtlError, match="tolerance"):
        Chain.of([mti], tolerance=-1.0)
    with pytest.raises(MtlError, match="No model"):
        Chain.of([])


def test_predict_from_python_with_model_folders(make_model, make_image, tmp_path):
    image = make_image((24, 20))
    mti, mtr = make_model(folder=tmp_path / "mti"), make_model(stage="mtr", folder=tmp_path / "mtr")
    found = mtlcore.predict(image, tasks=("dhr", "fault"), model=str(tmp_path / "mti"), device="cpu")
    same(found, mti.predict(image, tasks=("dhr", "fault")))
    assert all(values.dtype == np.float32 and values.shape == image.shape for values in found.values())
    both = mtlcore.predict(
        image, stages=("mti", "mtr"), model=[tmp_path / "mtr", tmp_path / "mti"], iterations=2, device="cpu"
    )
    same(both, Chain.of([mti, mtr], iterations=2).run(image).fields)
    fields = mtlcore.predict(image, model=tmp_path / "mti", device="cpu")
    alone = mtlcore.predict(image, stages="mtr", model=tmp_path / "mtr", fields=fields, device="cpu")
    same(alone, mtr.predict(image, fields))


def test_models_and_stages_must_fit(make_model, tmp_path):
    make_model(folder=tmp_path / "mti")
    with pytest.raises(MtlError, match="stage 'mti' and is not used"):
        load_chain(["mti"], 2, [tmp_path / "mti", tmp_path / "mti"], "cpu")
    with pytest.raises(MtlError, match=r"Unknown stage 'mtx'.*mti"):
        load_chain(["mtx"], 2, [tmp_path / "mti"], "cpu")


def test_stages_are_those_of_the_models_where_none_are_named(make_model, tmp_path):
    for stage in ("mti", "mtr"):
        make_model(stage=stage, folder=tmp_path / stage)
    mti, mtr = tmp_path / "mti", tmp_path / "mtr"

    def names(models, **more):
        return [model.stage.name for model in load_chain((), 2, models, "cpu", **more).models]

    assert names([mti]) == ["mti"]
    assert names([mti, mtr]) == names([mtr]) == ["mti", "mtr"]  # the packaged model goes before one that refines
    assert names([mtr], has_fields=True) == ["mtr"]
    assert names([]) == ["mti"]
    assert names([], has_fields=True) == ["mtr"]


def test_earlier_stages_run_only_the_tasks_that_are_needed(make_model, make_image, monkeypatch):
    from mtl_seismic.heads.rgt import RGT

    def solve(self, fields, image):
        raise AssertionError("not needed")

    monkeypatch.setattr(RGT, "solve", solve)
    chain = Chain.of([make_model(), make_model(stage="mtr", tasks=("dhr", "fault"))])
    assert chain.run(make_image((24, 20)), tasks=["dhr", "fault"]).fields.keys() == FIELDS_2D - {"rgt"}


def test_listeners_hear_of_every_tile(make_model, make_image):
    from mtlcore import hookimpl
    from mtlcore.plugin.plugins import Plugins

    heard = []

    class Listener:
        @hookimpl
        def stage_started(self, stage):
            heard.append(stage)

        @hookimpl
        def step_finished(self, step, total):
            heard.append((step, total))

        @hookimpl
        def stage_finished(self, stage):
            heard.append(f"{stage} done")

    plugins = Plugins()
    with plugins.listening(Listener()):
        Chain.of([make_model(tasks=("dhr",))], options=InferOptions(tile=12), plugins=plugins).run(make_image((24, 20)))
    assert heard == ["mti", (1, 4), (2, 4), (3, 4), (4, 4), "mti done"]


def test_listeners_hear_the_number_of_a_refining_pass(make_model, make_image):
    from mtlcore import hookimpl
    from mtlcore.plugin.plugins import Plugins

    heard = []

    class Listener:
        @hookimpl
        def step_finished(self, stage, values):
            heard.append((stage, dict(values)))

    plugins = Plugins()
    models = [make_model(stage=stage, tasks=("dhr",)) for stage in ("mti", "mtr")]
    with plugins.listening(Listener()):
        Chain.of(models, iterations=2, plugins=plugins).run(make_image((24, 20)))
    assert [item for number, item in enumerate(heard) if item not in heard[:number]] == [
        ("mti", {}), ("mtr", {"pass": 1}), ("mtr", {"pass": 2}),
    ]  # fmt: skip


def test_listeners_hear_how_much_each_pass_has_changed(make_model, make_image):
    from mtlcore import hookimpl
    from mtlcore.plugin.plugins import Plugins

    heard = []

    class Listener:
        @hookimpl
        def stage_finished(self, stage, values):
            heard.append((stage, values))

    plugins = Plugins()
    models = [make_model(tasks=("dhr",)), make_model(stage="mtr", tasks=("dhr",))]
    with plugins.listening(Listener()):
        result = Chain.of(models, iterations=2, plugins=plugins).run(make_image((24, 20)))
    first, second = ({"change.dhr": change["dhr"]} for change in result.changes)
    assert heard == [("mti", {}), ("mtr", first), ("mtr", second)]
