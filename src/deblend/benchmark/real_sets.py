"""Sets of blends of a data set's own galaxies, such as real ones from files, for the benchmark."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from deblend.benchmark.planned_sets import BATCH, Batches, PlannedSet, no_pixels
from deblend.benchmark.truth import signal_to_noise, with_neighbour_quantities
from deblend.boucaud2020.blends import draw_blends
from deblend.boucaud2020.config import BlendConfig
from deblend.boucaud2020.render import render, render_components, with_own_numbers
from deblend.data.rows import row_batches
from deblend.data.stamps import Stamps, open_stamps
from deblend.scenes.scenes import Scenes
from deblend.units import flux_from_mag


def real_set(
    stamps: Stamps,
    n_blends: int,
    blending: BlendConfig,
    *,
    companion_edge: str,
    seed: int,
    split: Literal["test", "validation"] = "test",
    batch: int = BATCH,
) -> PlannedSet:
    """Plan a set, whose blends are rendered while its batches are taken.

    Parameters
    ----------
    stamps : Stamps
        Cleaned stamps; only those of one split are used.
    n_blends : int
        Galaxies can be in several blends.
    blending : BlendConfig
    companion_edge : str
        See `deblend.boucaud2020.render.render`.
    seed : int
    split : {"test", "validation"}
        validation: for a calibration.
    batch : int
        Blends that are rendered at a time. Results do not depend on it.

    Returns
    -------
    PlannedSet
        Images of galaxies are the stamps, with their noise; masks are their segmentation maps.
    """
    size = stamps.images.shape[-1]
    blends = draw_blends(
        stamps.galaxies,
        np.flatnonzero((stamps.galaxies["split"] == split).to_numpy()),
        0,
        n_blends,
        stamp_size=size,
        seed=seed,
        split=split,
        config=blending,
    )
    sigma, correlation = stamps.noise()

    def batches() -> Batches:
        for part in row_batches(len(blends), batch):
            rows, numbered = with_own_numbers(blends.iloc[part], len(stamps))
            images = stamps.images[rows, 0]
            rendered = render(
                images,
                numbered,
                companion_edge=companion_edge,
                noise_sigma=sigma,
                noise_correlation=correlation,
            )
            alone = render_components(images, numbered).reshape(-1, size, size)
            masks = render_components(stamps.segmaps[rows], numbered, np.uint8).reshape(
                -1, size, size
            )
            # Stamps have noise, and remains of what was beside the galaxy: only its own pixels
            # count.
            snr = signal_to_noise(alone, np.sqrt(2) * sigma, masks=masks, image_sigma=sigma)
            yield rendered[:, None], alone, masks, snr

    table = with_neighbour_quantities(_truth_table(stamps, blends))
    return PlannedSet(_scenes(stamps, len(blends)), table, batches())


def _truth_table(stamps: Stamps, blends: pd.DataFrame) -> pd.DataFrame:
    """Both galaxies of all blends, without what is measured in their images."""
    half, zero_point = stamps.images.shape[-1] // 2, float(stamps.bands["zero_point"].iloc[0])
    galaxies = stamps.galaxies.iloc[blends[["central", "companion"]].to_numpy().ravel()]
    shift = np.zeros((len(blends), 2, 2), int)
    shift[:, 1] = blends[["dx", "dy"]].to_numpy()
    return pd.DataFrame(
        {
            "scene": np.repeat(np.arange(len(blends)), 2),
            "galaxy": np.tile([0, 1], len(blends)),
            "id": galaxies["id"].to_numpy(str),
            "x_px": half + shift[..., 0].ravel().astype(float),
            "y_px": half + shift[..., 1].ravel().astype(float),
            "flux": flux_from_mag(galaxies["mag"].to_numpy(float), zero_point),
            "mag": galaxies["mag"].to_numpy(float),
            "half_light_radius_px": galaxies["half_light_radius_px"].to_numpy(float),
            # Stamps are cleaned of neighbours.
            "n_further": 0,
        }
    )


def _scenes(stamps: Stamps, n: int) -> Scenes:
    """N scenes without pixels, with the noise of two stamps."""
    band, psf = stamps.bands.iloc[0], stamps.psf
    return Scenes(
        no_pixels(n, stamps.images.shape[-1])[:, None],
        (str(band["name"]),),
        pixel_scale_arcsec=float(band.pixel_scale_arcsec),
        zero_points=np.array([float(band.zero_point)]),
        noise_sigma=np.full((n, 1), np.sqrt(2) * stamps.noise()[0]),
        psf=None if psf is None else psf[:1] / psf[:1].sum(),
        noise_correlation=stamps.noise_correlation,
        names=tuple(f"real-{i:06d}" for i in range(n)),
    )


def write_real_set(
    stamps: str | Path,
    n_blends: int,
    blending: BlendConfig,
    *,
    companion_edge: str,
    seed: int,
    split: Literal["test", "validation"],
    scenes: str | Path,
    truth: str | Path,
) -> None:
    """Write a set of blends of the galaxies of one split of a file of cleaned stamps."""
    planned = real_set(
        open_stamps(stamps, kept_bytes=0),
        n_blends,
        blending,
        companion_edge=companion_edge,
        seed=seed,
        split=split,
    )
    planned.write(scenes=scenes, truth=truth)
