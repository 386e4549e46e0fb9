"""Two scenes of two galaxies whose pixels, fluxes and places are known."""

import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.truth import Truth
from deblend.scenes.scenes import Scenes

SIDE, SIGMA = 24, 0.01
#: y and x of both galaxies of each scene, and their fluxes.
PLACES = [[(12, 12), (12, 17)], [(12, 12), (6, 12)]]
FLUXES = [[100.0, 40.0], [50.0, 80.0]]


def disc(y, x, flux, radius=2.0):
    """A uniform disc, and its pixels."""
    mask = np.hypot(*(np.indices((SIDE, SIDE)) - np.array([y, x])[:, None, None])) <= radius
    return mask * flux / mask.sum(), mask


def known():
    """Truth of the scenes."""
    rows, images, masks = [], [], []
    for scene, (places, fluxes) in enumerate(zip(PLACES, FLUXES, strict=True)):
        for galaxy, ((y, x), flux) in enumerate(zip(places, fluxes, strict=True)):
            image, mask = disc(y, x, flux)
            images.append(image)
            masks.append(mask)
            rows.append(
                {
                    **{"scene": scene, "galaxy": galaxy, "id": f"g{scene}{galaxy}"},
                    **{"x_px": float(x), "y_px": float(y), "flux": flux},
                    **{"mag": 25 - 2.5 * np.log10(flux), "half_light_radius_px": 1.5},
                    **{"n_further": 0, "delta_mag": 0.5, "separation_over_size": 3.0, "snr": 50.0},
                }
            )
    return Truth(pd.DataFrame(rows), np.array(images, np.float32), np.array(masks).astype(np.uint8))


def scenes_of(truth):
    images = truth.images.reshape(2, 2, SIDE, SIDE).sum(axis=1)
    return Scenes(
        images[:, None],
        ("f160w",),
        pixel_scale_arcsec=0.06,
        zero_points=np.array([25.0]),
        noise_sigma=np.full((2, 1), SIGMA),
    )


@pytest.fixture
def truth():
    return known()


@pytest.fixture
def scenes(truth):
    return scenes_of(truth)


def perfect(scenes, positions=None, seed=0):
    """A method that knows the truth; a neighbour far away is found too."""
    from deblend.benchmark.catalogue import Catalogue

    truth = known()
    table = truth.galaxies[["scene", "x_px", "y_px", "flux"]]
    table = table[table["scene"] < len(scenes)]
    n = len(table)
    far = pd.DataFrame({"scene": [0], "x_px": [2.0], "y_px": [2.0], "flux": [1.0]})
    nothing = np.zeros((1, SIDE, SIDE))
    return Catalogue(
        pd.concat([table.assign(flux_error=0.1 * table["flux"]), far], ignore_index=True),
        np.concatenate([truth.masks[:n], nothing]),
        np.concatenate([truth.images[:n], nothing]),
    )
