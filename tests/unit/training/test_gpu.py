"""What a job says about the GPU that it was given."""

import logging
import os
import subprocess
import sys

import pytest
from deblend.errors import DeblendError
from deblend.training.gpu import ALLOCATED, allocated_gpus, report_gpu

from tests.conftest import ROOT

#: A job that says what it was given and then works.
JOB = """
import logging, sys
from types import SimpleNamespace
from deblend.run import logs
from deblend.training.gpu import report_gpu
with logs.script(SimpleNamespace(log=sys.argv[1:2], input=[], output=[])):
    report_gpu("Keras on x 1.0", used=sys.argv[2] == "used", wanted=False)
    report_gpu("Keras on x 1.0", used=sys.argv[2] == "used", wanted=False)
    logging.getLogger("job").info("working")
    if sys.argv[2] == "fails":
        raise ValueError("it failed")
"""


@pytest.fixture(autouse=True)
def nothing_allocated(monkeypatch):
    for name in (*ALLOCATED, "DEBLEND_REQUIRE_GPU"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("value", ["", "-1", "NoDevFiles"])
def test_values_that_name_no_gpu(monkeypatch, value):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert allocated_gpus() == ""
    monkeypatch.setenv("SLURM_JOB_GPUS", "3")
    assert allocated_gpus() == "3"


@pytest.mark.parametrize("how", ["not used", "fails"])
def test_an_unused_gpu_is_in_the_first_and_the_last_line_of_the_log(tmp_path, how):
    lines = run_job(tmp_path, how, CUDA_VISIBLE_DEVICES="0")
    told = [i for i, line in enumerate(lines) if "a GPU is allocated (0), but Keras on x" in line]
    assert told == [0, len(lines) - 1]
    assert any("working" in line for line in lines)


@pytest.mark.parametrize(("how", "gpus"), [("used", "0"), ("not used", "")])
def test_nothing_is_said_without_a_gpu_or_with_one_that_is_used(tmp_path, how, gpus):
    text = "".join(run_job(tmp_path, how, CUDA_VISIBLE_DEVICES=gpus))
    assert "WARNING" not in text
    assert f"(CUDA_VISIBLE_DEVICES): {gpus or 'none'}" in text


def run_job(folder, how, **environment):
    """Lines of the log of a job."""
    log = folder / "job.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    subprocess.run([sys.executable, "-c", JOB, log, how], env=environment, capture_output=True)
    return [line for line in log.read_text().splitlines() if line.startswith("20")]


def test_only_a_job_that_wants_a_gpu_stops_where_one_is_required(monkeypatch, caplog):
    monkeypatch.setenv("DEBLEND_REQUIRE_GPU", "1")
    with caplog.at_level(logging.INFO):
        report_gpu("x", used=False, wanted=False)
        report_gpu("x", used=True, wanted=True)
    with pytest.raises(DeblendError, match="no GPU is allocated to this job, and x sees none"):
        report_gpu("x", used=False, wanted=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(DeblendError, match="GPU 1 is allocated, but x sees none.*require_gpu"):
        report_gpu("x", used=False, wanted=True)
