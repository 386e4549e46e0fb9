"""Whether a generator has learnt, from made-up images."""

import pytest
import torch
from deblend.reiman2019.checks import check_images, collapse_reason, not_learnt

from tests.unit.reiman2019.conftest import validation_of

pytestmark = pytest.mark.usefixtures("one_thread")


def test_collapses_are_recognised(frames):
    truth = validation_of(frames)[1]
    black, same = torch.full_like(truth, -1.0), truth.mean(dim=0, keepdim=True).expand_as(truth)
    assert collapse_reason(check_images(truth, truth)) is None
    assert "black" in str(collapse_reason(check_images(black, truth)))
    one_branch = torch.stack([truth[:, 0], black[:, 1]], dim=1)
    assert "black" in str(collapse_reason(check_images(one_branch, truth)))
    assert "alike" in str(collapse_reason(check_images(same, truth)))


def test_psnr_of_the_history_follows_its_definition():
    truth = torch.zeros(1, 2, 3, 16, 16)
    found = check_images(truth + 0.2, truth)  # in [-1, 1], so 0.1 of the range
    assert found["val_psnr_db"] == pytest.approx(20.0, abs=1e-3)


def test_images_that_are_no_better_than_the_blend_are_a_problem(frames):
    blends, truth = validation_of(frames)
    copies = 2 * blends[:, None].expand_as(truth) - 1
    blend_db = check_images(copies, truth)["val_psnr_db"]
    better = check_images((copies + truth) / 2, truth)
    assert not_learnt(better, start_db=0.0, blend_db=blend_db) is None
    assert "the blend itself" in str(not_learnt(check_images(copies, truth), 0.0, blend_db))
    start_db = better["val_psnr_db"]
    assert "its initial weights" in str(not_learnt(better, start_db, blend_db))
    black = check_images(torch.full_like(truth, -1.0), truth)
    assert "black" in str(not_learnt(black, 0.0, blend_db))
