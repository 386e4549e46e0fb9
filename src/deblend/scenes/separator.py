"""Images of both galaxies of colour pictures, by the branched generator (Reiman & Goehre 2019)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from deblend.files import atomic
from deblend.plots.style import Outputs, label_line, paper_figure
from deblend.reiman2019.config import PerturbConfig
from deblend.reiman2019.figures.own_images import draw_separated
from deblend.reiman2019.own_images import GALAXY_ZOO_RADIUS_PX, Separated, separate_images
from deblend.reiman2019.science import measure as measure_galaxy
from deblend.scenes.flags import flagged
from deblend.scenes.scenes import Scenes, concatenated, measured_table
from deblend.scenes.sources import find_sources, pair_sources
from deblend.scenes.stamps import cut_stamps
from deblend.scenes.weights import Network, UnsuitedNetworkError, check_description

log = logging.getLogger(__name__)

#: Radius of the aperture in which the light of a galaxy's image is summed, in half-light radii by
#: SEP: it has 94 % of the light of an exponential disk.
APERTURE_RADII = 2.5

#: Smallest aperture, px of the network.
MIN_APERTURE_PX = 3.0

#: Scenes of which a pair is drawn.
N_SHOWN = 12


@dataclass(frozen=True)
class Separation:
    """Images of the two galaxies of pairs.

    Attributes
    ----------
    method : str
    scene : ndarray of int, shape (n,)
    sources : ndarray of int, shape (n, 2)
        Numbers of the central galaxy and of its companion in the scene; -1 without a companion.
    corner : ndarray, shape (n, 2)
        y and x of the outer corner of the first pixel, px of the scene.
    step_px : float
        Side of a pixel in pixels of the scene.
    separated : Separated
        What the network has seen, and its images.
    """

    method: str
    scene: np.ndarray
    sources: np.ndarray
    corner: np.ndarray
    step_px: float
    separated: Separated


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    network: Network,
) -> pd.DataFrame:
    """Light of the galaxies of pictures in their images by a branched generator.

    Parameters
    ----------
    scenes : Scenes
        Pictures in red, green and blue, at the scale of Galaxy Zoo's as they are published: there
        the network has learnt what sizes galaxies have.
    positions : tuple of ndarray, optional
        See `deblend.scenes.sources.find_sources`.
    seed : int
        Of noise where there are no data.
    network : Network

    Returns
    -------
    DataFrame
        `deblend.scenes.scenes.MEASURED`. The flux is the sum of the pixels of the galaxy's image
        within `APERTURE_RADII`, above the median of a ring, in the pictures' values.

    Raises
    ------
    UnsuitedNetworkError
        The scenes are no colour pictures.
    """
    return measure_with_images(scenes, positions, seed, network=network)[0]


def measure_with_images(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    network: Network,
) -> tuple[pd.DataFrame, Separation | None, str]:
    """As `measure`, with the images (None without sources), and a note."""
    if not (scenes.stretched and len(scenes.bands) == 3):
        what = "pictures" if scenes.stretched else "images that are no pictures"
        raise UnsuitedNetworkError(
            f"{network.name} separates colour pictures (JPEG or PNG with the bands red, green and "
            f"blue), and the scenes are {what} in {', '.join(scenes.bands)}: leave it out"
        )
    check_description(network)
    config = PerturbConfig(**network.record["perturbation"])
    step = float(config.reduce_by)
    note = f"pictures were reduced by {step:g} along each side, as Galaxy Zoo's in the training"
    sources = find_sources(scenes, positions)
    pairs = pair_sources(sources, config.side * step / 2)
    if not len(pairs):
        return concatenated([]), None, note
    scene, central = pairs["scene"].to_numpy(), pairs["central"].to_numpy()
    yx = sources[["y_px", "x_px"]].to_numpy(float)[central]
    cut = [
        cut_stamps(
            *(scenes, band, scene, yx, config.side, step),
            centre=(config.side - 1) / 2,
            seed=seed,
        )
        for band in range(3)
    ]
    # Means of pixels, with the sky that the pictures had.
    colours = np.stack([part.images for part in cut], axis=-1) / step**2
    if scenes.sky is not None:
        colours = colours + scenes.sky[scene][:, None, None, :]
    result = separate_images(
        colours.clip(0, 1).astype(np.float32),
        weights=network.weights,
        description=network.description,
        petrosian_radius_px=GALAXY_ZOO_RADIUS_PX / step,
    )
    rows = pairs[["central", "companion"]].to_numpy()
    separation = Separation(
        network.name,
        scene,
        np.where(rows >= 0, sources["source"].to_numpy()[rows], -1),
        cut[0].corners,
        step,
        result,
    )
    missing = np.max([part.missing for part in cut], axis=0)
    common = (
        flagged("no_data", missing > 0)
        | flagged("single", rows[:, 1] < 0)
        | flagged("crowded", pairs["n_others"].to_numpy() > 0)
    )
    return _table(scenes, sources, rows, separation, common), separation, note


def _table(
    scenes: Scenes,
    sources: pd.DataFrame,
    rows: np.ndarray,
    separation: Separation,
    common: np.ndarray,
) -> pd.DataFrame:
    """Light of each galaxy in each colour, from its image."""
    step, found = separation.step_px, []
    for pair, of_pair in enumerate(rows):
        for number, k in enumerate(of_pair):
            if k < 0:
                continue
            source = sources.iloc[k]
            place = (
                np.array([source["y_px"], source["x_px"]]) + 0.5 - separation.corner[pair]
            ) / step
            radius = max(
                MIN_APERTURE_PX, APERTURE_RADII * np.nan_to_num(source["radius_px"]) / step
            )
            image = separation.separated.galaxies[pair, number]
            for band, name in enumerate(scenes.bands):
                colour = np.repeat(image[None, ..., band, None], 3, axis=-1)
                light = measure_galaxy(colour, tuple(place - 0.5), float(radius))["flux"][0]
                flags = int(common[pair]) | int(flagged("not_positive", not light > 0))
                found.append(
                    {
                        **{c: source[c] for c in ("scene", "source", "x_px", "y_px")},
                        **{"band": name, "role": ("central", "companion")[number]},
                        **{"flux": light * step**2, "flags": flags},
                    }
                )
    table = measured_table(pd.DataFrame(found), separation.method)
    table = table.astype({"scene": int, "source": int})
    return table.sort_values(["band", "scene", "source"], kind="stable", ignore_index=True)


def write_separations(path: str | Path, separations: Sequence[Separation | None]) -> None:
    """Write images of galaxies as HDF5: a group for each network, with a row for each pair.

    `blends` (n, y, x, 3) and `galaxies` (n, 2, y, x, 3) in [0, 1], `scene`, `sources` (n, 2) and
    `corner_px` (see `Separation`); `step_px` and `blending` are attributes.
    """
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for separation in separations:
            if separation is None:
                continue
            group, separated = file.create_group(separation.method), separation.separated
            for name, data in (("blends", separated.blends), ("galaxies", separated.galaxies)):
                group.create_dataset(name, data=data, compression="gzip", compression_opts=1)
            group["scene"], group["sources"] = separation.scene, separation.sources
            group["corner_px"] = separation.corner
            group.attrs.update(step_px=separation.step_px, blending=separated.blending)


def draw_separations(
    scenes: Scenes, separations: Sequence[Separation | None], outputs: Outputs, label: str
) -> None:
    """Draw the brightest pair of each of the first scenes, by the first network.

    Parameters
    ----------
    scenes : Scenes
    separations : sequence of Separation or None
    outputs : list of path
    label : str
        See `deblend.plots.style.label_line`.
    """
    made = [separation for separation in separations if separation is not None]
    if not made:
        with paper_figure(outputs, label_line(label, "nothing was separated"), 3.3, 1.0):
            return
    first = made[0]
    # Pairs of a scene are in the order of their brightness.
    shown = np.unique(first.scene, return_index=True)[1][:N_SHOWN]
    separated = replace(
        first.separated,
        galaxies=first.separated.galaxies[shown],
        blends=first.separated.blends[shown],
    )
    names = [scenes.names[number] for number in first.scene[shown]]
    text = label_line(label, f"{first.method}, the brightest pair of {len(names)} scenes")
    draw_separated(separated, names, outputs, text)
