"""More than two galaxies: the iterative scheme with a perfect generator."""

import numpy as np
import torch
from deblend.reiman2019.blends import PerturbConfig
from deblend.reiman2019.predict import to_unit
from deblend.reiman2019.several_galaxies import (
    brightest_pixel,
    deblend_iteratively,
    draw_groups,
    group_scores,
    render_groups,
    shift_image,
)

CPU = torch.device("cpu")
CONFIG = PerturbConfig(
    order="authors",
    shift_px=(10, 50),
    log_scale=(-1.0, 0.5),
    blending="max",
    crop_px=240,
    reduce_by=3,
)


def blob(row, column, light, width=3.0):
    y, x = np.mgrid[:80, :80]
    image = light * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
    return torch.from_numpy(np.repeat(image[None], 3, axis=0).astype(np.float32))


class Scissors(torch.nn.Module):
    """Assigns the pixels within 10 px of the centre to one branch, the others to the other."""

    def forward(self, blends):
        y, x = torch.meshgrid(torch.arange(80) - 40, torch.arange(80) - 40, indexing="ij")
        near = (torch.hypot(y.float(), x.float()) < 10).float()
        return 2 * torch.stack([blends * near, blends * (1 - near)], dim=1) - 1


def test_three_galaxies_come_out_one_after_the_other():
    galaxies = [blob(40, 40, 0.8), blob(18, 60, 0.5), blob(60, 22, 0.6)]
    truth = 2 * torch.stack(galaxies)[None] - 1
    blends = torch.stack(galaxies).amax(dim=0)[None]
    found = deblend_iteratively(Scissors(), blends, 3, CPU)
    scores, matched = group_scores(to_unit(found), to_unit(truth), to_unit(2 * blends - 1))
    # The brightest of the others comes second.
    assert scores["taken"].tolist() == [0, 2, 1]
    assert (scores["psnr_db"] > 38).all()
    assert (scores["psnr_db"] > scores["psnr_blend_db"] + 10).all()
    assert np.abs(matched[0] - to_unit(truth)[0]).max() < 0.05


def test_images_move_by_whole_pixels_and_back():
    image = blob(20, 50, 1.0)
    moved = shift_image(image, 20, -10)
    assert brightest_pixel(moved) == (40, 40)
    assert torch.equal(shift_image(moved, -20, 10)[:, 5:35, 35:65], image[:, 5:35, 35:65])
    assert float(shift_image(image, 90, 0).abs().max()) == 0


def test_groups_are_of_different_galaxies_and_blend_as_pairs_do():
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 256, (6, 141, 141, 3), dtype=np.uint8)
    tables = draw_groups(1, "galaxyzoo", np.arange(6), 8, 3, CONFIG)
    ids = np.stack([tables[0]["central"], *(t["companion"] for t in tables)], axis=1)
    assert all(len(set(row)) == 3 for row in ids)
    blends, truth = render_groups(frames, tables, CONFIG)
    assert truth.shape == (8, 3, 3, 80, 80)
    assert torch.allclose(blends, ((truth + 1) / 2).amax(dim=1))
