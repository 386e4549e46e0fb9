"""Whether a generator has learnt: the quality of its validation images, and their collapse."""

import math

import torch
from deblend.training.torch_gan import COLLAPSE_SHARE

#: Images with less than this share of the true light are called black.
BLACK_RATIO = 0.2


def check_images(images: torch.Tensor, truth: torch.Tensor) -> dict[str, float]:
    """Measures of the quality of a generator's validation images, and of its collapse.

    Parameters
    ----------
    images, truth : Tensor, shape (n, 2, 3, y, x)
        In [-1, 1].

    Returns
    -------
    dict
        `val_mse`; `val_psnr_db`, the mean over the images; `brightness_ratio`, the light of the
        images divided by that of the true ones (0: all black); `diversity_ratio`, the standard
        deviation from image to image divided by that of the true ones (0: all equal). Both ratios
        are those of the worse of the two branches, since one branch can collapse alone.
    """
    error = (images - truth).pow(2).mean(dim=(2, 3, 4)).clamp(min=1e-12)
    # One number for each of the two galaxies.
    spread, true_spread = (x.std(dim=0, correction=0).mean(dim=(1, 2, 3)) for x in (images, truth))
    light, true_light = ((x + 1).mean(dim=(0, 2, 3, 4)) for x in (images, truth))
    return {
        "val_mse": float(error.mean()),
        "val_psnr_db": float((10 * torch.log10(4 / error)).mean()),
        "brightness_ratio": float((light / true_light).min()),
        "diversity_ratio": float((spread / true_spread).min()),
    }


def collapse_reason(row: dict[str, float]) -> str | None:
    """How a generator has collapsed according to `check_images`; None if it has not."""
    if not math.isfinite(row["val_mse"]):
        return "its images are not finite"
    if row["brightness_ratio"] < BLACK_RATIO:
        return f"its images are black ({row['brightness_ratio']:.2g} of the true light)"
    if row["diversity_ratio"] < COLLAPSE_SHARE:
        return f"its images are all alike ({row['diversity_ratio']:.2g} of the true variety)"
    return None


#: A generator has learnt if its mean PSNR exceeds that of the blend itself, and that of its initial
#: weights, by more than this, dB.
LEARNT_DB = 0.1


def not_learnt(row: dict[str, float], start_db: float, blend_db: float) -> str | None:
    """Why a generator has learnt nothing; None if it has learnt.

    Parameters
    ----------
    row : dict
        Last row of its history.
    start_db, blend_db : float
        Mean PSNR of the validation images that the initial weights make, and of the blend itself.
    """
    if problem := collapse_reason(row):
        return problem
    for name, value in (("the blend itself", blend_db), ("its initial weights", start_db)):
        if not row["val_psnr_db"] > value + LEARNT_DB:
            return (
                f"its images are no better than those of {name} (PSNR {row['val_psnr_db']:.4g} dB "
                f"against {value:.4g} dB)"
            )
    return None
