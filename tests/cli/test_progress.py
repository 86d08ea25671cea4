"""What a run shows on stderr."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from mtl_cli.progress import Pace, PlainProgress, RichProgress, choose_progress, describe, duration
from mtlcore.plugin.plugins import Plugins


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def play(listener: Any, clock: Clock, total: int, seconds: float, first: int = 1, last: int | None = None) -> None:
    """A stage heard through the real hooks."""
    plugins = Plugins(installed=[], environ={})
    with plugins.listening(listener):
        plugins.hook.stage_started(stage="mti", total=total, folder=None)
        for step in range(first, (last or total) + 1):
            clock.now += seconds
            plugins.hook.step_finished(stage="mti", step=step, total=total, values={"loss": 1 / step})
        plugins.hook.stage_finished(stage="mti", values={"loss": 0.5})


def plain(total: int, seconds: float, **span: int) -> list[str]:
    clock, file = Clock(), io.StringIO()
    play(PlainProgress(file, clock=clock), clock, total, seconds, **span)
    return file.getvalue().splitlines()


def test_a_fast_stage_prints_its_first_and_last_step() -> None:
    assert plain(1000, 0.001) == [
        "mti: 1000 steps",
        "mti: 1/1000  1e+03 steps/s, 1 s left  loss 1",
        "mti: 1000/1000  1e+03 steps/s  loss 0.001",
        "mti: done in 1 s  loss 0.5",
    ]


def test_a_slow_stage_prints_each_ten_seconds_at_most() -> None:
    lines = plain(60, 2.0)
    steps = [int(match[1]) for line in lines if (match := re.match(r"mti: (\d+)/", line))]
    assert steps == [1, *range(6, 60, 5), 60]
    assert "0.5" not in lines[2] and "2 s/step, 1:48 left" in lines[2]


def test_a_very_long_stage_prints_each_percent_at_most() -> None:
    assert len(plain(2000, 60.0)) <= 104


def test_a_stage_that_stops_early_prints_the_last_step_it_did() -> None:
    assert [line.split("  ")[0] for line in plain(1000, 0.001, last=500)][1:3] == ["mti: 1/1000", "mti: 500/1000"]


def test_a_resumed_stage_tells_the_rate_of_what_it_does_itself() -> None:
    lines = plain(1000, 1.0, first=991)
    assert lines[1] == "mti: 991/1000  1 steps/s, 9 s left  loss 0.001009"
    assert lines[2].startswith("mti: 1000/1000  1 steps/s")


def test_a_stage_without_steps() -> None:
    assert plain(0, 1.0) == ["mti: 0 steps", "mti: done in 0 s  loss 0.5"]


def test_pace_without_time_passing() -> None:
    pace = Pace(3, lambda: 5.0)
    assert str(pace) == ""
    pace.report(1)
    assert str(pace) == ""


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (3725, "1:02:05")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_figures_are_one_line() -> None:
    assert describe({"loss": 0.123456, "step": 3, "note": "a\nb"}) == "loss 0.1235, step 3, note a b"


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    clock, file = Clock(), Terminal()
    listener = RichProgress(file, clock)
    play(listener, clock, 5, 1.0)
    # What a terminal shows in the end: each carriage return and erased line begins the line anew.
    lines = [line.rstrip("\r").split("\x1b[2K")[-1] for line in file.getvalue().split("\n")]
    shown = [text for line in lines if (text := re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", line).strip())]
    assert shown == ["mti: done in 5 s  loss 0.5"]
    assert listener._progress is None


def test_nested_stages_share_one_bar_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    listener = RichProgress(Terminal(), Clock())
    listener.stage_started(stage="train", total=10, folder=None)
    listener.step_finished(stage="train", step=1, total=10, values={"x": "[red]"})
    listener.stage_started(stage="validate", total=2, folder=None)
    listener.step_finished(stage="validate", step=1, total=2, values={})
    display = listener._progress
    assert display is not None
    assert [task.completed for task in display.tasks] == [1, 1]
    assert display.tasks[0].fields["values"] == "x [red]"
    listener.stage_finished(stage="validate", values={})
    assert [task.description for task in display.tasks] == ["train"]
    assert listener._progress is display
    listener.close()
    assert listener._progress is None


def test_long_figures_leave_room_for_bars_rates_and_times_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    clock, file = Clock(), Terminal()
    listener = RichProgress(file, clock)
    listener.stage_started(stage="train", total=10, folder=None)
    clock.now += 2
    figures = {f"valid_figure_{number}": float(number) for number in range(8)}
    listener.step_finished(stage="train", step=1, total=10, values=figures)
    listener._progress.refresh()  # type: ignore[union-attr]
    listener.close()
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue()).splitlines()[-1]
    assert re.fullmatch(r"train .{20} +1/10 2 s/step, 18 s left valid_.*…", last.strip())


def test_the_terminal_is_given_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    file = Terminal()
    listener, plugins = RichProgress(file, Clock()), Plugins(installed=[], environ={})
    with pytest.raises(KeyboardInterrupt), plugins.listening(listener):
        plugins.hook.stage_started(stage="mti", total=3, folder=None)
        raise KeyboardInterrupt
    assert listener._progress is None
    assert file.getvalue().endswith("\n\x1b[?25h")  # the cursor is shown again, below the bar
    assert "0/3" in file.getvalue().splitlines()[-2]


def test_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert [type(listener) for listener in choose_progress()] == [PlainProgress]
    monkeypatch.setattr("sys.stderr", Terminal())
    assert [type(listener) for listener in choose_progress()] == [RichProgress]
    assert choose_progress(quiet=True) == choose_progress(as_json=True) == ()
    monkeypatch.setenv("TERM", "dumb")
    assert [type(listener) for listener in choose_progress()] == [PlainProgress]


def test_plain_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    play(PlainProgress(), Clock(), 1, 1.0)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("mti: 1 step\n")
