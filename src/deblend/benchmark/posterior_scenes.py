"""Scenes of training galaxies for blend2posterior: one, two, or three and more, with neighbours.

Central galaxy and companion are cleaned stamps of the data set. Third galaxies and neighbours are
smooth profiles, since the stamps of galaxies hold noise: with more than two of them a scene would
be noisier than the others.

A neighbour that could be the companion by its magnitude and its place counts as a galaxy of the
scene (`deblend.benchmark.sets.counts_as_galaxy`): an image does not tell whether a galaxy was drawn
as a neighbour, so that the number of galaxies must not depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import galsim
import numpy as np
from deblend.benchmark.sets import blend_rules, counts_as_galaxy
from deblend.boucaud2020.blends import REACH_RADII, draw_blends
from deblend.boucaud2020.render import orient, overlap, render
from deblend.boucaud2020.training_stamps import TrainingStamps
from deblend.data.noise import noise_images
from deblend.data.priors import PIXEL_SCALE
from deblend.data.profiles import SERSIC_RANGE, SERSIC_STEP
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.seeds import generator
from deblend.units import flux_from_mag

#: Axis ratios of smooth profiles.
AXIS_RATIO = (0.3, 1.0)

#: Counts of neighbours rise by this, dex a magnitude. The logarithm of their half-light radii, in
#: px of 0.06", is normal: this value at 22.5 mag, less by the second a magnitude; the third is its
#: scatter.
COUNTS_SLOPE, NEIGHBOUR_RADIUS = 0.25, (0.7, 0.1, 0.15)

#: A neighbour is further from its galaxy than this: half-light radii, and pixels of 0.06".
NEIGHBOUR_DISTANCE = (2.5, 10.0)

#: Range of the Sersic indices of third galaxies.
THIRD_SERSIC = (0.24, 3.6)

#: Tries to place a third galaxy.
TRIES = 25

#: Class of the scenes with most galaxies: three or more.
MOST = 2

#: Side of the parent stamp in which the number of neighbours is given.
NEIGHBOURS_SIDE = 128


@dataclass(frozen=True)
class SceneRules:
    """How training scenes are made.

    Attributes
    ----------
    delta_mag_max : float
    shift_rule, companion_edge : str
        As `boucaud2020 > blending`.
    shares : tuple of 3 floats
        Shares of scenes of one, two, and three galaxies.
    n_neighbours_mean : float
        Neighbours of each galaxy in 128 x 128 px.
    neighbour_mag : tuple of 2 floats
        Their range of magnitudes.
    n_profiles : int
        Smooth profiles of each kind that are drawn once.
    """

    delta_mag_max: float
    shift_rule: str
    companion_edge: str
    shares: tuple[float, float, float]
    n_neighbours_mean: float
    neighbour_mag: tuple[float, float]
    n_profiles: int


def rules_of(entry: Mapping[str, Any], blending: Mapping[str, Any]) -> SceneRules:
    """Rules from an entry of blend2posterior and from `boucaud2020 > blending`."""
    return SceneRules(
        **{key: blending[key] for key in ("delta_mag_max", "shift_rule", "companion_edge")},
        shares=tuple(entry["shares"]),
        n_neighbours_mean=entry["n_neighbours_mean"],
        neighbour_mag=tuple(entry["neighbour_mag"]),
        n_profiles=entry["n_profiles"],
    )


class TrainingScenes:
    """Scenes of the galaxies of one split.

    Parameters
    ----------
    stamps : Stamps
        Cleaned stamps with their splits and a PSF.
    rules : SceneRules
    split : {"train", "validation"}
    seed : int

    Raises
    ------
    DeblendError
        The stamps have no PSF, with which smooth galaxies could be drawn.
    """

    def __init__(self, stamps: Stamps, rules: SceneRules, *, split: str, seed: int) -> None:
        if stamps.psf is None:
            raise DeblendError(
                "the data set has no PSF, which blend2posterior needs to draw neighbours: give psf "
                "with the data set, or leave blend2posterior out (null)"
            )
        band = stamps.bands.iloc[0]
        self._stamps, self._galaxies = TrainingStamps(stamps, masks=False), stamps.galaxies
        self._rows = np.flatnonzero((stamps.galaxies["split"] == split).to_numpy())
        self._rules, self._split, self._seed = rules, split, seed
        self._blending = blend_rules(
            {"delta_mag_max": rules.delta_mag_max, "shift_rule": rules.shift_rule}
        )
        self._sigma, self._correlation = stamps.noise()
        self._mag = stamps.galaxies["mag"].to_numpy(float)
        self._mag_range = float(self._mag.min()), float(self._mag.max())
        self._radius = stamps.galaxies["half_light_radius_px"].to_numpy(float)
        self._flux = flux_from_mag(self._mag, float(band.zero_point))
        self.sigma = float(np.sqrt(2) * self._sigma)
        self.side = stamps.images.shape[-1]
        psf = galsim.InterpolatedImage(
            galsim.Image(np.asarray(stamps.psf[0], float) / float(stamps.psf[0].sum())), scale=1.0
        )
        self._prior_px = PIXEL_SCALE / float(band.pixel_scale_arcsec)
        rng = generator(seed, "posterior library", split)
        self._thirds = self._draw_thirds(rng, psf)
        self._neighbours = self._draw_neighbours(rng, psf, float(band.zero_point))

    @property
    def n_galaxies(self) -> int:
        """Number of galaxies of the split."""
        return len(self._rows)

    @property
    def fluxes(self) -> np.ndarray:
        """Fluxes of the galaxies of the split, counts/s."""
        return self._flux[self._rows]

    def _profile(
        self, rng: np.random.Generator, psf: galsim.GSObject, radius: float, index: float
    ) -> np.ndarray:
        """A smooth galaxy of flux 1 in the middle of a stamp."""
        axis_ratio, angle = rng.uniform(*AXIS_RATIO), rng.uniform(0, np.pi) * galsim.radians
        profile = galsim.Sersic(index, half_light_radius=radius * np.sqrt(axis_ratio))
        profile = galsim.Convolve(profile.shear(q=axis_ratio, beta=angle), psf)
        image = galsim.ImageF(self.side, self.side, scale=1.0)
        centre = galsim.PositionD(self.side // 2 + 1, self.side // 2 + 1)
        profile.drawImage(image, center=centre, method="no_pixel")
        return image.array

    def _draw_thirds(self, rng: np.random.Generator, psf: galsim.GSObject) -> np.ndarray:
        """Smooth galaxies with the magnitudes and radii of galaxies of the split."""
        self._third_rows = rng.choice(
            self._rows, min(self._rules.n_profiles, len(self._rows)), replace=False
        )
        index = rng.uniform(*THIRD_SERSIC, len(self._third_rows)) / SERSIC_STEP
        index = np.clip(np.round(index) * SERSIC_STEP, *SERSIC_RANGE)
        drawn = [
            self._flux[i] * self._profile(rng, psf, self._radius[i], n)
            for i, n in zip(self._third_rows, index, strict=True)
        ]
        return np.array(drawn, np.float32).reshape(-1, self.side, self.side)

    def _draw_neighbours(
        self, rng: np.random.Generator, psf: galsim.GSObject, zero_point: float
    ) -> np.ndarray:
        """Exponential neighbours with counts that rise with magnitude."""
        bright, faint = self._rules.neighbour_mag
        n = self._rules.n_profiles if self._rules.n_neighbours_mean > 0 else 0
        slope = COUNTS_SLOPE * np.log(10)
        mag = bright + np.log1p(rng.uniform(size=n) * np.expm1(slope * (faint - bright))) / slope
        level, tilt, scatter = NEIGHBOUR_RADIUS
        radius = 10 ** rng.normal(level - tilt * (mag - 22.5), scatter) * self._prior_px
        flux = flux_from_mag(mag, zero_point)
        self._of_neighbours = {"mag": mag, "radius": radius, "flux": flux}
        drawn = [f * self._profile(rng, psf, r, 1.0) for f, r in zip(flux, radius, strict=True)]
        return np.array(drawn, np.float32).reshape(-1, self.side, self.side)

    def batch(self, number: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scenes of a batch, whatever came before it.

        Parameters
        ----------
        number : int
            Number of the batch.
        size : int

        Returns
        -------
        images : ndarray, shape (size, y, x), float32
            In units of the noise; the central galaxy is at pixel (y // 2, x // 2).
        fluxes : ndarray, shape (size, 2), float32
            Central galaxy and companion, counts/s. Where there is one galaxy, the second number
            means nothing. A neighbour that counts is the companion of a galaxy without another one.
        number : ndarray of int, shape (size,)
            0: one galaxy, 1: two, 2: three.
        """
        blends = draw_blends(
            self._galaxies,
            self._rows,
            number * size,
            (number + 1) * size,
            stamp_size=self.side,
            seed=self._seed,
            split=self._split,
            config=self._blending,
        )
        rng = generator(self._seed, "posterior scenes", self._split, number)
        counts = rng.choice(3, size, p=self._rules.shares)
        stamps, _, numbered = self._stamps.of(blends)
        images = render(
            stamps,
            numbered,
            companion_edge=self._rules.companion_edge,
            noise_sigma=self._sigma,
            noise_correlation=self._correlation,
        )
        places = numbered["central"].to_numpy()
        fluxes = self._flux[blends[["central", "companion"]].to_numpy()]
        for i, blend in enumerate(blends.itertuples(index=False)):
            if counts[i] == 0:
                images[i] = self._alone(stamps[places[i]], blend)
            if counts[i] == 2 and not self._add_third(rng, images[i], blend.central):
                counts[i] = 1
            further = self._add_neighbours(rng, images[i], blend, with_companion=counts[i] > 0)
            if counts[i] == 0 and further:
                fluxes[i, 1] = further[0]
            counts[i] = min(counts[i] + len(further), MOST)
        return images / np.float32(self.sigma), fluxes.astype(np.float32), counts

    def _alone(self, stamp: np.ndarray, blend: Any) -> np.ndarray:
        """The central galaxy with the noise of two stamps."""
        image = orient(stamp, blend.central_orientation)
        rng = np.random.default_rng(blend.seed)
        return image + noise_images(rng, image.shape, self._sigma, self._correlation)

    def _add_third(self, rng: np.random.Generator, image: np.ndarray, central: int) -> bool:
        """Add a third galaxy by the rule of companions; whether one fits."""
        for _ in range(TRIES):
            k = rng.integers(len(self._third_rows))
            other = self._third_rows[k]
            radii = sorted((self._radius[central], self._radius[other]))
            reach = min(REACH_RADII * radii[0], self.side // 2)
            x, y = rng.uniform(-reach, reach, 2).astype(int)
            near = abs(self._mag[central] - self._mag[other]) < self._rules.delta_mag_max
            if near and min(radii[1], 0.8 * reach) <= np.hypot(x, y) <= reach:
                self._add(image, orient(self._thirds[k], int(rng.integers(8))), x, y)
                return True
        return False

    def _add_neighbours(
        self, rng: np.random.Generator, image: np.ndarray, blend: Any, *, with_companion: bool
    ) -> list[float]:
        """Add the neighbours of each galaxy, none of them near its own one.

        Returns
        -------
        list of float
            Fluxes of those that count as galaxies of the scene, counts/s.
        """
        further = []
        half = self.side // 2
        mean = self._rules.n_neighbours_mean * (self.side / NEIGHBOURS_SIDE) ** 2
        places = [(blend.central, 0, 0)]
        if with_companion:
            places.append((blend.companion, blend.dx, blend.dy))
        for row, dx, dy in places:
            radii, least = NEIGHBOUR_DISTANCE
            nearest = max(radii * self._radius[row], least * self._prior_px)
            for _ in range(rng.poisson(mean)):
                x, y = rng.integers(-half, half, 2)
                k = rng.integers(len(self._neighbours))
                if np.hypot(x, y) >= nearest:
                    turned = orient(self._neighbours[k], int(rng.integers(8)))
                    self._add(image, turned, x + dx, y + dy)
                    if self._counts(k, x + dx, y + dy, blend.central):
                        further.append(float(self._of_neighbours["flux"][k]))
        return further

    def _counts(self, k: np.integer, dx: int, dy: int, central: int) -> bool:
        """Whether a neighbour counts as a galaxy of the scene."""
        counted = counts_as_galaxy(
            self._of_neighbours["mag"][k],
            self._of_neighbours["radius"][k],
            (dx, dy),
            (self._mag[central], self._radius[central]),
            mag_range=self._mag_range,
            stamp_size=self.side,
            delta_mag_max=self._rules.delta_mag_max,
            shift_rule=self._rules.shift_rule,
        )
        return bool(counted)

    def _add(self, image: np.ndarray, stamp: np.ndarray, dx: int, dy: int) -> None:
        """Add a stamp, shifted."""
        (ty, sy), (tx, sx) = overlap(int(dy), self.side), overlap(int(dx), self.side)
        image[ty, tx] += stamp[sy, sx]
