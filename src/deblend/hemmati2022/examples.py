"""Read the stored images of blends and galaxies that the figures show."""

from pathlib import Path

import numpy as np
from deblend.hdf5 import open_file


def read_examples(path: str | Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Read the blends of Figure 4, and their kinds, from `figure_images.write_examples`."""
    with open_file(path) as file:
        blends = {name: file[name][:] for name in file if name != "kind"}
        return blends, list(file["kind"].asstr()[:])


def read_galleries(path: str | Path) -> tuple[dict[str, np.ndarray], list[str], str]:
    """Read the images of Figures 2, 3 and 8, from `figure_images.write_galleries`.

    Returns
    -------
    images : dict of ndarray
    bands : list of str
        Bands of the multi-band network; empty if there is none.
    band : str
        Detection band.
    """
    with open_file(path) as file:
        images = {name: file[name][:] for name in file if name not in ("band", "bands")}
        bands = list(file["bands"].asstr()[:]) if "bands" in file else []
        return images, bands, file["band"].asstr()[()]
