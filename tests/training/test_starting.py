"""Fine-tuning: training that starts from a model, with parts of it kept and labels missing."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from mtlcore import MtlError
from mtlcore.errors import MtlWarning
from mtlcore.model.checkpoint import load_model
from mtlcore.plugin.plugins import Plugins
from mtlcore.training.job import Job, read_job
from mtlcore.training.train import train


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """A model of dhr and fault."""
    folder = tmp_path_factory.mktemp("started") / "run"
    backbone = {"name": "unet", "widths": [8, 16], "dilations": [1, 2], "features": 4}
    tasks = ({"name": "dhr"}, {"name": "fault", "dice_weight": 0.5})
    options = {"epochs": 1, "batch_size": 2, "crop": [32, 32], "metric_items": 1}
    train(Job(str(dataset), backbone=backbone, tasks=tasks, train=options), folder, Plugins())
    return folder


@pytest.fixture(scope="module")
def faults_only(dataset, tmp_path_factory):
    """The same items, of which only faults are labelled."""
    folder = tmp_path_factory.mktemp("faults")
    for path in dataset.rglob("*"):
        if path.is_file() and not path.stem.endswith(("_rgt", "_dhr")):
            copy = folder / path.relative_to(dataset)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return folder


def fine_tune(start, dataset, folder, tasks=(), **options):
    short = {"epochs": 1, "batch_size": 2, "crop": [32, 32], "metric_items": 1, "learning_rate": 3e-3}
    return train(Job(str(dataset), start=str(start), tasks=tasks, train=short | options), folder, Plugins())


def weights(folder):
    return load_file(folder / "model.safetensors")


def changed(before, after, prefix):
    return [name for name in before if name.startswith(prefix) and not torch.equal(before[name], after[name])]


def test_training_goes_on_from_a_models_weights_backbone_and_tasks(trained, dataset, tmp_path):
    best = fine_tune(trained, dataset, tmp_path / "run", learning_rate=1e-9)
    before, after = weights(trained / "best"), weights(best)
    for name, value in before.items():
        if "mean" not in name and "variance" not in name:
            assert torch.allclose(value, after[name], atol=1e-6), name
    config = load_model(best).config
    assert config.training["start"] == trained.name
    assert [task["dice_weight"] for task in config.tasks if task["name"] == "fault"] == [0.5]
    assert read_job(tmp_path / "run").backbone["widths"] == [8, 16]


def test_a_new_head_learns_on_a_frozen_backbone_that_stays_as_it_is_to_the_last_bit(trained, dataset, tmp_path):
    best = fine_tune(trained, dataset, tmp_path / "run", ({"name": "dhr"}, {"name": "rgt"}), freeze=["backbone", "dhr"])
    before, after = weights(trained / "best"), weights(best)
    for part in ("encoder", "decoders", "necks.dhr", "heads.dhr"):
        assert any(name.startswith(part) for name in before)
        assert not changed(before, after, part)
    statistics = [value for name, value in after.items() if name.startswith("necks.rgt") and name.endswith("mean")]
    assert statistics and all(value.any() for value in statistics)  # its own layers learn
    assert any(name.startswith("heads.rgt") for name in after)
    assert not any(name.startswith("heads.fault") for name in after)


def test_labels_may_be_missing_for_some_tasks_of_the_model(trained, faults_only, tmp_path):
    with pytest.warns(MtlWarning, match=r"no labels of dhr: .*--freeze backbone"):
        best = fine_tune(trained, faults_only, tmp_path / "run")
    table = (tmp_path / "run" / "epochs.csv").read_text()
    assert "valid_fault" in table
    assert "valid_dhr" not in table  # a loss of 0 would read as perfect
    before, after = weights(trained / "best"), weights(best)
    assert not changed(before, after, "heads.dhr")
    assert changed(before, after, "heads.fault")
    assert [task.name for task in load_model(best).tasks] == ["dhr", "fault"]


def test_fine_tuning_without_some_labels_resumes_as_it_began(trained, faults_only, tmp_path):
    fine_tune(trained, faults_only, tmp_path / "run", freeze=["backbone"])
    job = read_job(tmp_path / "run")
    longer = Job(**{**vars(job), "train": {**job.train, "epochs": 2}})
    best = train(longer, tmp_path / "run", Plugins(), resume=True)
    assert load_model(tmp_path / "run" / "last").config.training["epochs"] == 2
    assert load_model(best).config.periods == load_model(trained).config.periods


def test_periods_known_are_those_of_the_data_and_of_the_model_before(trained, dataset, tmp_path):
    tuned = load_model(fine_tune(trained, dataset, tmp_path / "run")).config.periods
    assert tuned == load_model(trained).config.periods  # of the same data
    assert tuned is not None


def test_a_frozen_backbone_needs_no_warning_and_leaves_the_other_tasks_results(trained, faults_only, tmp_path):
    best = fine_tune(trained, faults_only, tmp_path / "run", freeze=["backbone"])
    image = torch.randn(32, 32, generator=torch.Generator().manual_seed(1)).numpy()
    assert (load_model(best).predict(image)["dhr"] == load_model(trained).predict(image)["dhr"]).all()


def test_a_run_that_started_from_a_model_resumes_without_it(trained, dataset, tmp_path):
    fine_tune(trained, dataset, tmp_path / "run", ({"name": "dhr"}, {"name": "rgt"}), freeze=["backbone"])
    job = read_job(tmp_path / "run")
    assert job.new_tasks == ("rgt",)
    longer = Job(**{**vars(job), "start": str(tmp_path / "gone"), "train": {**job.train, "epochs": 2}})
    train(longer, tmp_path / "run", Plugins(), resume=True)
    assert load_model(tmp_path / "run" / "last").config.training["epochs"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"freeze": ["falt"]}, r"train.freeze names 'falt'. Did you mean 'fault'\? Expected some of backbone"),
        ({"freeze": ["backbone", "dhr", "fault"]}, "nothing is left to train"),
        ({"tasks": ({"name": "rgt"},), "freeze": ["backbone"], "start": "nowhere"}, "No model 'nowhere'"),
    ],
)
def test_what_cannot_be_started_is_refused(trained, dataset, tmp_path, options, message):
    start = options.pop("start", trained)
    with pytest.raises(MtlError, match=message):
        fine_tune(start, dataset, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_refining_model_begins_as_the_model_that_it_refines(trained, dataset, tmp_path):
    """It reads the fields too, and pays them no attention until it has learned to."""
    tasks = ({"name": "dhr"}, {"name": "fault"})
    short = {"epochs": 1, "batch_size": 2, "crop": [32, 32], "metric_items": 1, "learning_rate": 1e-9}
    job = Job(str(dataset), start=str(trained), stage={"name": "mtr"}, tasks=tasks, train=short)
    best = load_model(train(job, tmp_path / "run", Plugins()))
    assert best.stage.name == "mtr"
    before, after = weights(trained / "best"), best.net.state_dict()
    first = "encoder.first.first.0.weight"
    assert torch.allclose(after[first][:, : before[first].shape[1]], before[first], atol=1e-6)
    assert after[first].shape[1] > before[first].shape[1]
    assert after[first][:, before[first].shape[1] :].abs().max() < 1e-6


def test_a_packaged_model_is_found_by_its_name_and_stage(dataset, tmp_path):
    best = fine_tune("default@mti", dataset, tmp_path / "run", ({"name": "dhr"},), batch_size=1)
    assert load_model(best).stage.name == "mti"
    assert load_model(best).backbone == load_model("default", stage="mti", ndim=2).backbone


def test_new_weights_are_not_frozen(dataset, tmp_path):
    job = Job(str(dataset), train={"freeze": ["encoder"]})
    with pytest.raises(MtlError, match="starts from new weights, which know nothing: use --from MODEL"):
        train(job, tmp_path / "run", Plugins())


def test_a_refining_model_is_trained_on_with_the_options_of_its_stage(dataset, make_model, tmp_path):
    """Also where the stage is named again; what is said of it changes the rest."""
    backbone = {"name": "unet", "widths": (8, 16), "dilations": (1,), "features": 4}
    start = tmp_path / "mtr"
    make_model(stage={"name": "mtr", "keeps": ["rgt"], "rounds": 2}, backbone=backbone, folder=start)
    short = {"epochs": 1, "batch_size": 2, "crop": [32, 32], "metric_items": 1}
    for stage, rounds in (({}, 2), ({"name": "mtr"}, 2), ({"name": "mtr", "rounds": 1}, 1)):
        job = Job(str(dataset), start=str(start), stage=stage, backbone={"name": "unet"}, train=short)
        after = load_model(train(job, tmp_path / "run", Plugins()))
        assert after.config.stage["keeps"] == ["rgt"] and after.config.stage["rounds"] == rounds
        assert after.config.predicted_tasks == ("dhr", "fault")


def test_a_network_of_fewer_steps_takes_over_those_that_it_has(trained, dataset, tmp_path):
    backbone = {**read_job(trained).backbone, "dilations": [1]}
    assert backbone != read_job(trained).backbone
    short = {"epochs": 1, "batch_size": 2, "crop": [32, 32], "metric_items": 1, "learning_rate": 1e-9}
    after = weights(train(Job(str(dataset), start=str(trained), backbone=backbone, train=short), tmp_path / "run"))
    before = weights(trained / "best")
    assert len(after) < len(before)
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in after if name.endswith("weight"))


def test_another_backbone_than_the_models_is_refused(trained, dataset, tmp_path):
    job = Job(str(dataset), start=str(trained), backbone={"name": "unet", "widths": [4, 8]})
    with pytest.raises(MtlError, match="leave both out to use the model's"):
        train(job, tmp_path / "run", Plugins())


def test_a_task_without_labels_rests_on_two_processes_too(trained, faults_only, on_two_processes, tmp_path):
    options = {"epochs": 1, "batch_size": 2, "crop": [32, 32], "metric_items": 0}
    on_two_processes(Job(str(faults_only), start=str(trained), train=options, device="cpu"), tmp_path / "run")
    before, after = weights(trained / "best"), weights(tmp_path / "run" / "last")
    assert not changed(before, after, "heads.dhr") and changed(before, after, "heads.fault")
