"""Write the images of blends and galaxies that the figures of Hemmati et al. 2022 show.

`deblend.hemmati2022.examples` reads them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from deblend.hdf5 import new_file, write_array
from deblend.hemmati2022.blends import true_positions
from deblend.hemmati2022.pairs import Scale, single_galaxies
from deblend.hemmati2022.predict import Network, all_images, generate_images, latent_vectors
from deblend.hemmati2022.resolutions import CROP_PX, to_image_pixels


def write_examples(
    path: str | Path,
    networks: dict[str, Network],
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    device: torch.device,
) -> None:
    """Write the blends of Figure 4: the first of each kind.

    The kinds are those of the paper: detected in all resolutions ("easy"), only in high resolution
    and by the GAN ("gained"), or only in high resolution ("missed").

    Parameters
    ----------
    path : path
        HDF5 file.
    networks : dict
        See `deblend.hemmati2022.detection.detect`.
    blends : DataFrame
        The test blends.
    detections, peaks : DataFrame
        From `deblend.hemmati2022.detection.detect`.
    device : torch.device
    """
    high, low, gan = (detections[f"detected_{x}"].astype(bool) for x in ("high", "low", "gan"))
    kinds = {"easy": high & low & gan, "gained": high & ~low & gan, "missed": high & ~low & ~gan}
    chosen = [(kind, int(np.argmax(mask))) for kind, mask in kinds.items() if mask.any()]
    numbers = [number for _, number in chosen] or [0]
    chosen = chosen or [("first", 0)]
    shown = blends.iloc[numbers]
    maker, band = networks["gan"].maker, networks["gan"].band
    images = all_images(networks, shown, "test", device)
    second_only = shown.copy()
    for column in second_only:
        if str(column).startswith("galaxy_") and column != "galaxy_1":
            second_only[column] = -1
    single_images = [
        maker.pairs(x, "test")[0][:, band, 1:-1, 1:-1]
        for x in (single_galaxies(shown), second_only)
    ]
    scale = maker.scale_high
    display = Scale(scale.softening[band], scale.limit[band]).unclipped
    with new_file(path) as file:
        for number, single in enumerate(single_images, 1):
            write_array(file, f"galaxy{number}", display(single))
        write_array(file, "high", display(images["high"][:, 1:-1, 1:-1]))
        write_array(file, "gan", display(scale.unscaled(images["gan"][:, None])[:, band]))
        write_array(file, "low", display(images["low"] / 3))
        write_array(file, "positions", true_positions(shown)[:, :2] - CROP_PX)
        write_array(file, "kind", [kind for kind, _ in chosen])
        for name in ("high", "low", "gan"):
            own_peaks = peaks[(peaks["resolution"] == name) & peaks["blend"].isin(numbers)]
            xy = own_peaks[["x_px", "y_px"]].to_numpy()
            xy = to_image_pixels(name, xy) if name == "low" else xy - CROP_PX
            example_numbers = [numbers.index(b) for b in own_peaks["blend"]]
            found = np.column_stack([np.asarray(example_numbers, float), xy])
            write_array(file, f"peaks_{name}", found)


def write_galleries(
    path: str | Path,
    networks: dict[str, Network],
    made: np.ndarray,
    real: np.ndarray,
    blends: pd.DataFrame,
    detections: pd.DataFrame,
    peaks: pd.DataFrame,
    device: torch.device,
    n_shown: int = 5,
) -> None:
    """Write the images of Figures 2, 3 and 8.

    Parameters
    ----------
    path : path
        HDF5 file.
    networks : dict
        See `deblend.hemmati2022.detection.detect`.
    made, real : ndarray, shapes (2 k, 64, 64) and (k, 64, 64)
        Images of a vanilla GAN, and real ones, in [-1, 1].
    blends, detections, peaks : DataFrame
        See `deblend.hemmati2022.detection.detect`. Figure 8 shows the first blend that is detected
        in high resolution and by the multi-band network, but not in low resolution; else the first
        blend.
    device : torch.device
    n_shown : int
        Number of galaxies in Figure 3.
    """
    first = networks["gan"]
    single = single_galaxies(blends.iloc[:n_shown], centred=True)
    high, low = first.maker.scaled(single, "test")
    with new_file(path) as file:
        write_array(file, "real", real)
        write_array(file, "generated", made)
        write_array(file, "high", high[:, first.band])
        write_array(file, "low", low[:, first.band])
        write_array(file, "gan", generate_images(first.generator, low, device)[:, first.band])
        write_array(file, "band", first.maker.bands[first.band])
        multi = networks.get("gan_multi")
        if multi is None:
            return
        gained = detections["detected_high"] & detections["detected_gan_multi"]
        gained &= ~detections["detected_low"].astype(bool)
        number = int(np.argmax(gained)) if gained.any() else 0
        high, low = multi.maker.scaled(blends.iloc[[number]], "test")
        write_array(file, "multi_high", high[0])
        write_array(file, "multi_low", low[0])
        write_array(file, "multi_gan", generate_images(multi.generator, low, device)[0])
        write_array(file, "bands", list(multi.maker.bands))
        for name, resolution in (("high", "high"), ("low", "low"), ("gan", "gan_multi")):
            own_peaks = peaks[(peaks["resolution"] == resolution) & (peaks["blend"] == number)]
            xy = own_peaks[["x_px", "y_px"]].to_numpy()
            xy = to_image_pixels(name, xy) if name == "low" else xy - CROP_PX
            write_array(file, f"multi_peaks_{name}", xy)


def real_and_generated(
    vanilla: Network,
    network: Network,
    blends: pd.DataFrame,
    train_rows: np.ndarray,
    n_shown: int,
    seed: int,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Images of the vanilla GAN, and real ones of training galaxies, for Figure 2.

    Parameters
    ----------
    vanilla, network : Network
        The vanilla GAN, and a network that renders the real images.
    blends : DataFrame
        Test blends, at least `n_shown`, whose rows the real galaxies are put into.
    train_rows : ndarray of int
        Training galaxies, of which the first `n_shown` are shown.
    n_shown, seed : int
    device : torch.device

    Returns
    -------
    made, real : ndarray, shapes (2 n_shown, 64, 64) and (n_shown, 64, 64)
        In [-1, 1], in the detection band.
    """
    noise = latent_vectors(seed, 2 * n_shown, vanilla.n_latent, "gallery")
    made = generate_images(vanilla.generator, noise, device)[:, vanilla.band]
    numbers = np.arange(min(n_shown, len(train_rows)))
    galaxies = blends.iloc[numbers].assign(
        galaxy_0=train_rows[numbers], galaxy_1=-1, dx_0=0, dy_0=0
    )
    return made, network.maker.scaled(galaxies, "train")[0][:, network.band]
