"""scarlet2 as a method of the benchmark: non-parametric models of all galaxies, fitted together.

The package, with JAX, is an optional one in an environment of its own (`envs/scarlet2.yaml`). Where
it is not installed the method is left out.
"""

import importlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue
from deblend.errors import UnsuitedError
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import find_sources, image_of

#: Standard deviation of the PSF of the models, px: narrower than that of the images.
MODEL_SIGMA_PX = 0.7

#: Smallest side of the box of a source, px, and steps in which it grows, since each side is
#: compiled anew; half-light radii by SEP on both sides of the centre that it has at least.
BOX_PX, BOX_STEP_PX, BOX_RADII = 41, 20, 6.0

#: The Gaussian that the shape of a source begins as.
FIRST_SIGMA_PX = 2.5

#: Steps of Adam in the logarithm of the flux and in the logit of the shape.
FLUX_STEP, SHAPE_STEP = 0.05, 0.1

#: Change of all parameters below which a fit has converged.
CONVERGED = 1e-4

#: Sources of a scene that are fitted, the brightest first.
MAX_SOURCES = 6


def require() -> None:
    """Raise an error if scarlet2 is not there.

    Raises
    ------
    UnsuitedError
    """
    try:
        importlib.import_module("scarlet2")
    except ImportError as error:
        raise UnsuitedError(
            f"scarlet2 cannot be imported ({error}): pip install -r requirements-scarlet2.txt in "
            "an environment with the library, or use --sdm conda (envs/scarlet2.yaml)"
        ) from error


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    max_steps: int = 100,
) -> Catalogue:
    """Fluxes and images of all sources of each scene.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, shape (k, 2), optional
        y and x of the sources; by default those that SEP detects.
    seed : int
        Not used.
    max_steps : int
        Largest number of steps of a fit.

    Returns
    -------
    Catalogue
        Images are the models with the PSF of the scenes. There are no errors: the fit gives none.

    Raises
    ------
    UnsuitedError
        scarlet2 is not installed, or the scenes have no PSF.

    References
    ----------
    https://github.com/pmelchior/scarlet2; its first version: Melchior et al. 2018, Astron. Comput.
    24, 129.
    """
    require()
    if scenes.psf is None:
        raise UnsuitedError("scarlet2 needs the PSF of the scenes")
    sources = find_sources(scenes, positions)
    band, shape = scenes.detection_band, scenes.images.shape[2:]
    tables, images = [], [np.zeros((0, *shape), np.float32)]
    for scene, rows in sources.groupby("scene", sort=False):
        chosen = rows.sort_values("brightness", ascending=False, kind="stable").head(MAX_SOURCES)
        yx = chosen[["y_px", "x_px"]].to_numpy(float)
        models = fit_scene(
            image_of(scenes, scene, band),
            yx,
            scenes.psf[band],
            float(scenes.noise_sigma[scene, band]),
            max_steps,
            [box_px(radius, min(shape)) for radius in chosen["radius_px"]],
        )
        tables.append(
            chosen[["scene", "source", "x_px", "y_px"]].assign(
                flux=models.sum(axis=(1, 2)), band=scenes.bands[band]
            )
        )
        images.append(models.astype(np.float32))
    empty = pd.DataFrame({"scene": np.zeros(0, int), "flux": np.zeros(0)})
    table = pd.concat(tables, ignore_index=True) if tables else empty
    return Catalogue(table, images=np.concatenate(images))


def box_px(radius_px: float, side: int) -> int:
    """Odd side of the box of a source with a half-light radius, px; NaN: SEP has not measured it.

    Up to the side of the stamp, so that a large galaxy loses no light at the edge of its box.
    """
    needed = 0.0 if np.isnan(radius_px) else 2 * BOX_RADII * radius_px
    steps = int(np.ceil(max(needed - BOX_PX, 0) / BOX_STEP_PX))
    return max(BOX_PX, min(BOX_PX + BOX_STEP_PX * steps, side - 1 + side % 2))


def fit_scene(
    image: np.ndarray,
    yx: np.ndarray,
    psf: np.ndarray,
    noise_sigma: float,
    max_steps: int,
    boxes: Sequence[int],
) -> np.ndarray:
    """Fit all sources of an image.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    yx : ndarray, shape (k, 2)
        Centres, px.
    psf : ndarray, shape (m, m)
    noise_sigma : float
    max_steps : int
    boxes : sequence of int
        Side of the box of each source, px: see `box_px`.

    Returns
    -------
    ndarray, shape (k, y, x)
        Model of each source in the image, with its PSF.
    """
    jnp = importlib.import_module("jax.numpy")
    scarlet2 = importlib.import_module("scarlet2")
    constraints = importlib.import_module("numpyro.distributions").constraints
    scarlet2.set_validation(False)
    channels = ["band"]
    frame = scarlet2.Frame(
        scarlet2.Box((1, *image.shape)), psf=scarlet2.GaussianPSF(MODEL_SIGMA_PX), channels=channels
    )
    observation = scarlet2.Observation(
        jnp.asarray(image[None]),
        jnp.full((1, *image.shape), noise_sigma**-2),
        psf=scarlet2.ArrayPSF(jnp.asarray(psf[None])),
        channels=channels,
    )
    observation.match(frame)
    with scarlet2.Scene(frame) as scene:
        for (y, x), box in zip(yx, boxes, strict=True):
            places = np.indices((box, box)) - box // 2
            shape = np.exp(-0.5 * (places**2).sum(axis=0) / FIRST_SIGMA_PX**2)
            peak = image[round(y), round(x)]
            scarlet2.Source(
                jnp.array([y, x]),
                jnp.array([max(float(peak), noise_sigma)]),
                jnp.asarray(shape.clip(1e-6, 1 - 1e-6)),
            )
    with scarlet2.Parameters(scene):
        for k, source in enumerate(scene.sources):
            scarlet2.Parameter(
                source.spectrum,
                name=f"flux:{k}",
                constraint=constraints.positive,
                stepsize=FLUX_STEP,
            )
            scarlet2.Parameter(
                source.morphology,
                name=f"shape:{k}",
                constraint=constraints.unit_interval,
                stepsize=SHAPE_STEP,
            )
    fitted = scene.fit(observation, max_iter=max_steps, e_rel=CONVERGED, progress_bar=False)
    models = [observation.render(fitted.evaluate_source(source)) for source in fitted.sources]
    return np.stack([np.asarray(model)[0] for model in models])
