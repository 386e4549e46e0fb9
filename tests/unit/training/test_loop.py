"""The training loop, with a trainee that is a single number and a clock that the tests set."""

import json
import logging
import os
import pty
import subprocess
import sys
import termios

import pytest
from deblend.errors import DeblendError
from deblend.training.loop import Loop

from tests.conftest import ROOT
from tests.unit.training.conftest import Checkpoint, Sum


class Clock:
    """A clock that the tests set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def train(path, *, total=5, kill_after=None, step_s=1.0, **options):
    """Train for epochs of two steps, which take `step_s` each, and a validation of one second."""
    trainee, clock = Sum(), Clock()

    def on_done(done):
        if done == kill_after:
            raise KeyboardInterrupt

    state = Checkpoint(path, {})
    options = {"total": total, "images": 10, "steps": 2, "on_done": on_done, **options}
    loop = Loop(state, trainee, clock=clock, **options)
    for epoch in loop:
        for step in range(2):
            clock.now += step_s
            loop.step(step + 1, loss=0.5)
        trainee.value += epoch
        clock.now += 1
        loop.record({loop.unit: epoch + 1, "loss": 1 / (epoch + 1)})
    return (*loop.finish(), trainee.value)


def test_rows_show_the_rate_and_the_time_left(path, logged):
    history, seconds, value = train(path)
    assert history["loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    assert (seconds, value) == (15, 10)
    # Ten images in the two seconds of the steps; three epochs of three seconds remain.
    assert "net epoch 2/5: loss 0.5, 5 blends/s, 0:00:09 left" in logged.messages
    assert logged.messages[-1] == "net: 5 epochs in 15 s"
    assert not any("step" in text for text in logged.messages)


def test_a_long_epoch_reports_within_it(path, logged):
    train(path, total=2, step_s=100.0, image_kind="stamps")
    # An epoch takes 201 s; half of the second epoch remains.
    assert "net epoch 2/2, step 1/2, loss 0.5, 0.05 stamps/s, 0:01:40 left" in logged.messages


def test_iterations_are_counted_as_such(path, logged):
    train(path, unit="iteration", steps=2, total=3)
    assert any(text.startswith("net iteration 3/3: loss 0.3333, ") for text in logged.messages)


def test_an_interrupted_training_ends_like_an_uninterrupted_one(path, logged):
    whole, seconds, value = train(path.with_name("whole.npz"))
    with pytest.raises(KeyboardInterrupt):
        train(path, kill_after=3)
    logged.clear()
    history, again, resumed = train(path)
    assert f"resuming after epoch 3 of {path}" in logged.messages
    assert history.equals(whole)
    assert (again, resumed) == (seconds, value)
    # Killed after training, before its results were written.
    history, again, resumed = train(path)
    assert history.equals(whole) and (again, resumed) == (seconds, value)


def test_the_checkpoint_is_saved_before_its_row_is_reported(path, logged):
    saved = []

    class Watch(logging.Handler):
        def emit(self, record):
            if "epoch 1/5:" in record.getMessage():
                saved.append(json.loads(path.read_text())["record"]["done"])

    handler = Watch()
    logging.getLogger("deblend.training.loop").addHandler(handler)
    train(path)
    logging.getLogger("deblend.training.loop").removeHandler(handler)
    assert saved == [1]


def test_checkpoints_can_be_saved_less_often(path):
    """Every two epochs, together with a row, since losses since the last row are not saved."""
    for kill_after, done in ((1, None), (2, 2), (3, 2), (5, 5)):
        path.unlink(missing_ok=True)
        with pytest.raises(KeyboardInterrupt):
            train(path, kill_after=kill_after, save_every=2)
        if done is None:
            assert not path.exists()
        else:
            record = json.loads(path.read_text())["record"]
            assert record["done"] == done == len(record["history"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_divergence_is_an_error_of_one_line_with_a_remedy(path, value):
    loop = Loop(Checkpoint(path, {}), Sum(), total=5, images=10)
    for _ in loop:
        loop.check({"loss": 0.5}, 0.001)
        with pytest.raises(DeblendError) as error:
            loop.check({"loss": 0.5, "content": value}, 0.001)
        break
    assert str(error.value) == (
        f"the training of net has diverged: content is {value} in epoch 1/5, at a learning rate "
        "of 0.001: lower the learning rate"
    )


def test_an_early_stop_is_a_break(path):
    loop = Loop(Checkpoint(path, {}), Sum(), total=5, images=10)
    for epoch in loop:
        if epoch == 2:
            break
        loop.record({"epoch": epoch + 1})
    assert loop.finish()[0]["epoch"].tolist() == [1, 2]


ON_A_TERMINAL = """
from itertools import count
from types import SimpleNamespace
from deblend.run import logs
from deblend.training.loop import Loop
from tests.unit.training.conftest import Checkpoint, Sum

with logs.script(SimpleNamespace(log=[{log!r}], input=[], output=[])):
    # Each look at this clock is a second later than the last one, so that the bar is drawn often.
    options = {{"total": 3, "images": 10, "steps": 2, "clock": count().__next__}}
    training = Loop(Checkpoint({path!r}, {{}}), Sum(), **options)
    for epoch in training:
        for step in range(2):
            training.step(step + 1, loss=0.25)
        training.check({{"loss": 0.25 if epoch < 2 else float("nan")}}, 0.1)
        training.record({{"epoch": epoch + 1, "loss": 0.25}})
"""


def terminal(code):
    """Output of a script on a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the terminal is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(), shown.decode()


def test_log_lines_do_not_disturb_the_progress_bar(path, tmp_path):
    log = tmp_path / "train.log"
    code, shown = terminal(ON_A_TERMINAL.format(log=str(log), path=str(path)))
    assert code == 1
    # The text after the last carriage return is what remains of a line.
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1].strip() for line in shown.split("\n")]
    rows = [line for line in lines if "/3: " in line]
    assert [row.split(",")[0] for row in rows] == [f"net epoch {n}/3: loss 0.25" for n in (1, 2)]
    assert "net epoch 2/3, loss 0.25, " in shown and "%" in shown
    assert not any("%" in row for row in rows)
    assert "Error: the training of net has diverged: loss is nan in epoch 3/3" in "".join(lines)
    assert not any("Error" in line and "%" in line for line in lines)
    # The file does not contain the bar.
    text = log.read_text()
    assert text.count("net epoch 1/3: loss 0.25, ") == 1
    assert "%" not in text and "\r" not in text
