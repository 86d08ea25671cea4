"""Runs of volumes that do not fit into memory: stopped and resumed, shared by processes, of parts, and estimated."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli

OUTPUTS = ("dhr", "rgt", "fault_probability", "fault_dip", "fault_strike")
SMALL = {"name": "unet", "widths": (4,), "dilations": (), "features": 4}


@pytest.fixture
def survey(tmp_path, make_image, make_model):
    """A volume with dead traces, and a small model of all tasks."""
    image = make_image((24, 36, 44))
    image[:, 20:, :9] = 0
    np.save(tmp_path / "survey.npy", image)
    make_model(3, backbone=SMALL, folder=tmp_path / "model")
    return tmp_path


def arguments(survey, output, *more):
    command = ["run", "-i", survey / "survey.npy", "-m", survey / "model", "-o", survey / output, "--no-pictures"]
    return [str(argument) for argument in (*command, "--tile", 16, "-q", *more)]


def mtl(*command):
    result = CliRunner().invoke(cli, [str(argument) for argument in command])
    assert result.exit_code == 0, result.output
    return result


def same(survey, one, other):
    for name in OUTPUTS:
        assert (survey / one / f"{name}.npy").read_bytes() == (survey / other / f"{name}.npy").read_bytes(), name


def test_memory_disk_and_processes_change_nothing(survey):
    mtl(*arguments(survey, "plain"))
    mtl(*arguments(survey, "disk", "--scratch", survey / "scratch"))
    mtl(*arguments(survey, "shared", "--workers", 2))
    same(survey, "plain", "disk")
    same(survey, "plain", "shared")
    left = {path.name for path in (survey / "shared").iterdir()}
    assert left == {"run.json", *(f"{name}.npy" for name in OUTPUTS)}
    assert not list((survey / "scratch").iterdir())
    assert json.loads((survey / "disk" / "run.json").read_text())["columns"] == 9


def test_a_run_that_is_killed_again_and_again_is_resumed_to_the_same_bytes(survey):
    """Ten kills, at random moments; what is not complete says so to whoever reads it."""
    mtl(*arguments(survey, "plain"))
    command = [sys.executable, "-m", "mtl_cli.main"]
    chance, kills = random.Random(1), 0
    first = arguments(survey, "killed", "--scratch", survey / "scratch")
    resume = ["run", "--resume", str(survey / "killed")]
    for attempt in range(40):
        begun = (survey / "killed" / "unfinished.json").exists()
        process = subprocess.Popen([*command, *(resume if begun else first)], stderr=subprocess.PIPE)
        while process.poll() is None and not (survey / "killed" / "unfinished.json").exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3) if attempt < 30 else 60)
        if process.poll() is None and kills < 10:
            process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            kills += 1
        process.communicate()
        if process.returncode == 0:
            break
        if not (survey / "killed" / "run.json").exists() and (survey / "killed" / "unfinished.json").exists():
            told = CliRunner().invoke(cli, ["inspect", str(survey / "killed")])
            assert told.exit_code and "Go on with: mtl run --resume" in told.output
    assert process.returncode == 0 and kills >= 3
    same(survey, "plain", "killed")
    assert not list((survey / "scratch").iterdir())


def test_what_cannot_be_resumed_is_said(survey):
    for folder, words in ((survey / "none", "has no unfinished run"), (survey / "model", "has no unfinished run")):
        result = CliRunner().invoke(cli, ["run", "--resume", str(folder)])
        assert result.exit_code == 1 and words in result.output
    mtl(*arguments(survey, "plain"))
    (survey / "plain" / "unfinished.json").write_text('{"config": 5}')
    result = CliRunner().invoke(cli, ["run", "--resume", str(survey / "plain")])
    assert result.exit_code == 1 and "is not the mark of an unfinished run" in result.output
    result = CliRunner().invoke(cli, ["run", "--resume", str(survey / "plain"), "-i", "other.npy"])
    assert result.exit_code == 2 and "leave the others out" in result.output


def test_a_part_of_a_volume_is_the_run_of_that_part(survey):
    image = np.load(survey / "survey.npy")
    mtl(*arguments(survey, "part", "--inlines", "4:19", "--crosslines", "10:", "--depths", ":19"))
    np.save(survey / "cut.npy", image[:20, 4:20, 10:])
    mtl(*arguments(survey, "cut", "-i", survey / "cut.npy"))
    same(survey, "part", "cut")
    again = mtl("run", "--config", survey / "part" / "run.json", "-o", survey / "again", "-q")
    assert again.exit_code == 0
    same(survey, "part", "again")
    refused = CliRunner().invoke(cli, arguments(survey, "x", "--inlines", "50:60"))
    assert refused.exit_code == 2 and "goes from 0 to 35" in refused.output
    assert not (survey / "x").exists()


def test_a_dry_run_says_what_a_run_takes_and_writes_nothing(survey):
    told = json.loads(mtl(*arguments(survey, "dry", "--dry-run", "--json")).stdout)
    assert told["shape"] == [24, 36, 44]
    assert (told["columns"], told["tiles"]) == (9, 18)
    assert told["read"] > 1 and told["seconds"] > 0
    assert told["results"] == 5 * 4 * 24 * 36 * 44
    assert told["scratch"] == 0
    assert not (survey / "dry").exists()
    assert "samples read per sample" in mtl(*arguments(survey, "dry", "--dry-run")).stdout


def test_memory_that_is_too_little_is_refused_with_what_is_needed(survey):
    command = [text for text in arguments(survey, "tight", "--memory", "20K") if text not in ("--tile", "16")]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 1
    assert "raise --memory" in result.output
    for wrong in ("4X", "-1", "0"):
        assert "not an amount of memory" in CliRunner().invoke(cli, arguments(survey, "x", "--memory", wrong)).output


@pytest.mark.skipif(os.name == "nt", reason="SIGINT of a process of its own")
def test_two_runs_never_share_a_folder(survey):
    mtl(*arguments(survey, "one"))
    refused = CliRunner().invoke(cli, arguments(survey, "one"))
    assert refused.exit_code == 1 and "is not empty" in refused.output


def test_a_worker_that_dies_costs_its_column(survey, monkeypatch):
    """The first worker that takes a column is killed; the result is the same."""
    mtl(*arguments(survey, "plain"))
    (survey / "sitecustomize.py").write_text(
        "import os, pathlib, signal\n"
        f"mark = pathlib.Path({str(survey / 'died')!r})\n"
        "if not mark.exists() and 'spawn_main' in ' '.join(__import__('sys').orig_argv):\n"
        "    import mtlcore.inference.work as work\n"
        "    plain = work.Work.network\n"
        "    def network(self, column, *more, **other):\n"
        "        if column == 3 and not mark.exists():\n"
        "            mark.touch()\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return plain(self, column, *more, **other)\n"
        "    work.Work.network = network\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(survey), os.environ.get("PYTHONPATH", "")]))
    mtl(*arguments(survey, "shared", "--workers", 2))
    assert (survey / "died").exists()
    same(survey, "plain", "shared")


def test_a_dask_cluster_gives_the_same_result_though_one_of_its_workers_is_killed(survey):
    distributed = pytest.importorskip("distributed")
    mtl(*arguments(survey, "plain"))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as cluster:
        command = [sys.executable, "-m", "mtl_cli.main", *arguments(survey, "cluster", "--cluster")]
        command += [cluster.scheduler_address, "--workers", "2", "--scratch", str(survey / "scratch")]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        done = survey / "scratch"
        while process.poll() is None and not list(done.glob("*/fields/finished/0/network/*")):
            time.sleep(0.02)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        errors = process.communicate(timeout=300)[1]
        assert process.returncode == 0, errors
    same(survey, "plain", "cluster")


def test_a_cluster_that_is_not_there_is_said(survey, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("mtlcore.run.workers.CONNECT_SECONDS", 0.5)
    result = CliRunner().invoke(cli, arguments(survey, "x", "--cluster", "tcp://127.0.0.1:9"))
    assert result.exit_code == 1 and "No Dask scheduler answers at tcp://127.0.0.1:9" in result.output


def test_torchrun_is_refused_with_the_way_out(survey, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = CliRunner().invoke(cli, arguments(survey, "x"))
    assert result.exit_code == 1 and "start mtl run once, with --workers N" in result.output
    assert not (survey / "x").exists()


def test_a_large_input_is_known_by_its_size_and_by_blocks_of_it(tmp_path, monkeypatch):
    from mtlcore.io import files

    monkeypatch.setattr(files, "LARGE", 1000)
    monkeypatch.setattr(files, "BLOCK", 10)
    path, other = tmp_path / "a", tmp_path / "b"
    content = bytearray(os.urandom(100_000))
    path.write_bytes(content)
    other.write_bytes(content)
    assert files.content_hash(path) == files.content_hash(other)
    for at in (0, 99_999):
        changed = bytearray(content)
        changed[at] ^= 1
        other.write_bytes(changed)
        assert files.content_hash(path) != files.content_hash(other)
    other.write_bytes(content + b"x")
    assert files.content_hash(path) != files.content_hash(other)


def test_workers_end_when_the_run_is_killed(survey):
    command = [sys.executable, "-m", "mtl_cli.main", *arguments(survey, "killed", "--workers", "2")]
    process = subprocess.Popen(command)
    children = []
    while process.poll() is None and len(children) < 2:
        listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
        children = listed.stdout.split()
        time.sleep(0.05)
    time.sleep(1)
    process.kill()
    process.wait()
    for _ in range(300):
        if not any(_alive(int(child)) for child in children):
            break
        time.sleep(0.2)
    assert not any(_alive(int(child)) for child in children)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_result_never_replaces_its_own_input(survey):
    mtl(*arguments(survey, "one"))
    before = (survey / "one" / "dhr.npy").read_bytes()
    result = CliRunner().invoke(cli, arguments(survey, "one", "-i", survey / "one" / "dhr.npy", "--force"))
    assert result.exit_code == 1 and "would replace its own input" in result.output
    assert (survey / "one" / "dhr.npy").read_bytes() == before


def test_what_was_computed_from_a_replaced_result_goes_with_it(survey):
    mtl(*arguments(survey, "one"))
    (survey / "one" / "horizons").mkdir()
    (survey / "one" / "horizons" / "top.xyz").write_text("1 2 3")
    mtl(*arguments(survey, "one", "--force"))
    assert not (survey / "one" / "horizons").exists()


def test_a_run_in_memory_that_is_interrupted_leaves_nothing(survey):
    process = subprocess.Popen(
        [sys.executable, "-m", "mtl_cli.main", *arguments(survey, "stopped")], stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not (survey / "stopped" / "unfinished.json").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    if process.returncode:  # it may have been faster
        assert process.returncode == 130 and "Nothing is kept of a run in memory" in errors
        assert not (survey / "stopped").exists()
