"""Galaxies of BlendHunter's stamps: simulated, or of a catalogue (Farrens et al. 2022).

Simulated ones follow distributions of COSMOS galaxies; catalogues are in GalSim's RealGalaxy
format. Each galaxy has a light profile, in counts/s of HST, a name and a magnitude.
"""

import logging
from itertools import zip_longest
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd
from deblend.data.image_files import READ_ERRORS
from deblend.data.priors import MORPHOLOGIES
from deblend.data.profiles import galaxy_profile
from deblend.data.table_files import MAGNITUDE, read_columns
from deblend.errors import DeblendError
from deblend.farrens2022.config import SampleConfig
from deblend.seeds import uniform

log = logging.getLogger(__name__)

#: Zero point (AB) of COSMOS F814W images in GalSim's catalogues, counts/s of HST.
COSMOS_ZERO_POINT = 25.94

# Distributions of simulated galaxies, fitted to 100 COSMOS galaxies of GalSim's example catalogue,
# F814W < 22.5.
#: log10 of the half-light semi-major axis (arcsec): value at magnitude 22.5, slope and scatter.
SIZE = {"intercept": -0.355, "slope": -0.129, "scatter": 0.195}

#: Mean and scatter of log10 of the Sersic index.
LOG_SERSIC_N = (0.217, 0.337)

#: Mean and scatter of the axis ratio.
AXIS_RATIO = (0.586, 0.213)

#: Rise of galaxy counts in F814W per magnitude, dex.
COUNTS_SLOPE_DEX = 0.3

#: Share of each of `MORPHOLOGIES` among simulated galaxies of kind real, as in the sample of
#: Boucaud et al. 2020. The exact shares do not matter: some galaxies need bulges and clumps.
REALISTIC_SHARES = (0.2, 0.2, 0.32, 0.28)

#: Smallest and largest number of clumps of a simulated galaxy.
N_CLUMPS = (3, 8)

#: Smallest and largest half-light radius of a clump, in units of the galaxy's.
CLUMP_SIZES = (0.05, 0.2)

#: Distances of clumps from the nucleus, in units of those of the disk's light. With 1, SEP labels
#: more isolated galaxies rightly than in the paper, however much of their light is in clumps.
CLUMP_REACH = 1.25

#: Separations (arcsec) of the two galaxies of a pair that is one entry of a catalogue: closer ones
#: are rarely resolved from the ground, and wider ones are two entries.
PAIR_SEPARATIONS_ARCSEC = (1.0, 2.0)

#: Difference in magnitude of the two galaxies of a pair: up to a ratio of their light of 6.
PAIR_DELTA_MAG = (0.0, 2.0)


def clump_share(rng: np.random.Generator, clumpiness: float) -> float:
    """Share of a galaxy's light that is in clumps: most galaxies are smooth, and few are clumpy.

    Its distribution falls exponentially from 0 to 1, by a factor of e per `clumpiness`, which is
    above zero. The mean share is nearly `clumpiness` where that is small, and below 0.5 always.
    """
    return float(-clumpiness * np.log1p(rng.uniform() * np.expm1(-1 / clumpiness)))


def clumpy_profile(
    rng: np.random.Generator, galaxy: dict[str, Any], clumpiness: float
) -> galsim.GSObject:
    """Light profile of a simulated galaxy whose disk has clumps, as star-forming galaxies have.

    Seen from the ground, a strong clump is a peak of its own, which SEP takes for a second galaxy.
    Spheroids have none.

    Parameters
    ----------
    rng : Generator
    galaxy : dict
        As for `deblend.data.profiles.galaxy_profile`, with `half_light_radius_px` in arcsec.
    clumpiness : float
        See `clump_share`; 0: no clumps.

    Returns
    -------
    galsim.GSObject
        Flux in HST counts/s. The nucleus is at the origin, not the centroid of the light.
    """
    # The galaxy is drawn face-on, and inclined together with its clumps.
    q = galaxy["axis_ratio"]
    radius = galaxy["half_light_radius_px"] * np.sqrt(q)
    face_on = galaxy | {"half_light_radius_px": radius, "axis_ratio": 1.0}
    profile = galaxy_profile(rng, face_on, 1.0, COSMOS_ZERO_POINT)
    flux = profile.flux
    if clumpiness > 0 and galaxy["morphology"] != "sph":
        share = clump_share(rng, clumpiness)
        n_clumps = int(rng.integers(N_CLUMPS[0], N_CLUMPS[1], endpoint=True))
        weights = rng.dirichlet(np.ones(n_clumps)) * share
        # In an exponential disk the radius of the light, in scale lengths, has a gamma
        # distribution; the half-light radius is 1.678 scale lengths.
        distances = CLUMP_REACH * rng.gamma(2, radius / 1.678, n_clumps)
        angles = rng.uniform(0, 2 * np.pi, n_clumps)
        positions = distances[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        sizes = rng.uniform(*CLUMP_SIZES, n_clumps) * radius
        profile = (1 - share) * profile
        for weight, (x, y), size in zip(weights, positions, sizes, strict=True):
            profile += galsim.Gaussian(flux=weight * flux, half_light_radius=size).shift(x, y)
    return profile.shear(q=q, beta=rng.uniform(0, np.pi) * galsim.radians)


def pair_profile(
    rng: np.random.Generator, first: galsim.GSObject, second: galsim.GSObject
) -> galsim.GSObject:
    """Light profile of two galaxies that a catalogue has as one.

    Catalogues of real galaxies have some, which SEP takes for two on stamps of isolated galaxies.

    Parameters
    ----------
    rng : Generator
    first, second : GSObject
        Flux in counts/s, alone. The first one is at the origin.

    Returns
    -------
    GSObject
        With the flux that `first` has alone: the two share it.
    """
    share = second.flux / (first.flux + second.flux)
    distance = rng.uniform(*PAIR_SEPARATIONS_ARCSEC)
    angle = rng.uniform(0, 2 * np.pi)
    companion = second.withFlux(share * first.flux)
    return (1 - share) * first + companion.shift(distance * np.cos(angle), distance * np.sin(angle))


class SimulatedGalaxies:
    """Galaxies drawn from the distributions above, a new one for each position of each stamp."""

    def __init__(self, config: SampleConfig, sample: str, seed: int) -> None:
        self.config, self.sample, self.seed = config, sample, seed

    def __call__(
        self, rng: np.random.Generator, stamp: int, position: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of one of a stamp's two galaxies."""
        config = self.config
        slope = COUNTS_SLOPE_DEX * np.log(10)
        span = config.mag_max - config.mag_min
        mag = float(config.mag_min + np.log1p(rng.uniform() * np.expm1(slope * span)) / slope)
        profile = self.profile(rng, mag)
        if config.kind == "real" and rng.uniform() < config.pair_share:
            second = self.profile(rng, mag + rng.uniform(*PAIR_DELTA_MAG))
            profile = pair_profile(rng, profile, second)
        return profile, f"{self.sample}-{stamp:06d}-{position}", mag

    def profile(self, rng: np.random.Generator, mag: float) -> galsim.GSObject:
        """Light profile (HST counts/s) of a galaxy of a magnitude."""
        log_r = rng.normal(SIZE["intercept"] + SIZE["slope"] * (mag - 22.5), SIZE["scatter"])
        galaxy = {
            "mag": mag,
            "half_light_radius_px": 10**log_r,  # in arcsec, since the scale given below is 1
            "sersic_n": round(float(np.clip(10 ** rng.normal(*LOG_SERSIC_N), 0.5, 6)), 1),
            "axis_ratio": float(np.clip(rng.normal(*AXIS_RATIO), 0.15, 1)),
            "morphology": "disk",
        }
        if self.config.kind != "real":
            return galaxy_profile(rng, galaxy, 1.0, COSMOS_ZERO_POINT)
        galaxy["morphology"] = MORPHOLOGIES[rng.choice(4, p=REALISTIC_SHARES)]
        return clumpy_profile(rng, galaxy, self.config.clumpiness)


class CatalogGalaxies:
    """Galaxies of a catalogue in GalSim's RealGalaxy format, each in one split only.

    Galaxies have the magnitudes of the catalogue's column MAG, or those of their images or fits if
    it has no such column.

    Parameters
    ----------
    config : SampleConfig
        Has `catalog`, and `kind`: parametric fits or real images. Galaxies beyond `catalog_mag_min`
        and `catalog_mag_max` are left out.
    split : str
    fractions : dict
        Share of the galaxies in each split.
    seed : int

    Raises
    ------
    DeblendError
        The catalogue cannot be read, has no fits for parametric galaxies, names images that do not
        exist, has no magnitudes though there is a limit, or has too few galaxies; or see
        `read_galaxies` and `check_companions`.
    """

    def __init__(
        self, config: SampleConfig, split: str, fractions: dict[str, float], seed: int
    ) -> None:
        path = self.path = Path(str(config.catalog))
        self.kind = config.kind
        real = config.kind == "real"
        try:
            self.catalog = galsim.COSMOSCatalog(
                path.name,
                dir=str(path.parent),
                use_real=real,
                exclusion_level=config.exclusion_level,
            )
        except (OSError, KeyError, ValueError) as error:
            raise DeblendError(
                f"cannot read {path} as a RealGalaxy catalogue for {config.kind} galaxies "
                f"({error}): parametric ones need its companion with fits, "
                f"{path.stem}_fits.fits, in the same folder, and an exclusion_level other than "
                f"none needs {path.stem}_selection.fits there"
            ) from error
        if real:
            catalog = self.catalog.real_cat
            named = {*catalog.gal_file_name, *catalog.psf_file_name, *catalog.noise_file_name}
            missing = sorted(name for name in named if not Path(name).exists())
            if missing:
                raise DeblendError(
                    f"{path} names files that do not exist: {', '.join(missing)}; put them into "
                    "its folder, or set kind to parametric"
                )
        # The identity decides the split, not the row: a galaxy is in the same split of every
        # catalogue that has it.
        listed = read_galaxies(path)
        check_companions(path, listed["id"].to_numpy(), config.exclusion_level)
        listed = listed.iloc[self.catalog.orig_index]
        self.names = listed["id"].to_numpy(str)
        self.mags = listed["mag"].to_numpy(float)
        kept = within_limits(self.mags, config.catalog_mag_min, config.catalog_mag_max, path)
        hashes = np.array([uniform(seed, "split", name) for name in self.names])
        upper = np.cumsum(list(fractions.values()))[list(fractions).index(split)]
        of_split = (hashes >= upper - fractions[split]) & (hashes < upper)
        self.rows = np.flatnonzero(of_split & kept)
        if len(self.rows) < 2:
            left_out = int((of_split & ~kept).sum())
            limits = f" ({left_out} are beyond mag_min or mag_max)" if left_out else ""
            raise DeblendError(
                f"{path} leaves {len(self.rows)} galaxies for the {split} split{limits}: pairs "
                "need two"
            )

    def __call__(
        self, rng: np.random.Generator, stamp: int, position: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of one of a stamp's two galaxies."""
        row = int(rng.choice(self.rows))
        deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
        try:
            profile = self.catalog.makeGalaxy(row, gal_type=self.kind, rng=deviate)
        except (*READ_ERRORS, galsim.GalSimError) as error:
            raise DeblendError(
                f"cannot read the image of galaxy {self.names[row]} of {self.path} ({error}): a "
                "file that the catalogue names is broken; fetch it again"
            ) from error
        mag = self.mags[row]
        if not np.isfinite(mag):
            mag = COSMOS_ZERO_POINT - 2.5 * np.log10(max(profile.flux, 1e-9))
        turned = profile.rotate(rng.uniform(0, 2 * np.pi) * galsim.radians)
        return turned, str(self.names[row]), float(mag)


def read_galaxies(path: Path) -> pd.DataFrame:
    """Ids and magnitudes of a RealGalaxy catalogue.

    Returns
    -------
    DataFrame
        `id`: its column IDENT. `mag`: its column MAG, NaN where it has none.

    Raises
    ------
    DeblendError
        An id is missing or not unique.
    """
    columns, quantities = {"id": "IDENT", "mag": "MAG"}, {"id": None, "mag": MAGNITUDE}
    listed = read_columns(path, columns, quantities, optional=("mag",))
    return listed if "mag" in listed else listed.assign(mag=np.nan)


def check_companions(path: Path, ids: np.ndarray, exclusion_level: str) -> None:
    """Check that the companions of a RealGalaxy catalogue have its galaxies in its order.

    GalSim takes their rows by position.

    Parameters
    ----------
    path : path
        The catalogue. Companions with fits and with what galaxies are selected by are in its
        folder; one that GalSim does not need can be absent.
    ids : ndarray of str
    exclusion_level : str
        See `deblend.farrens2022.config.SampleConfig`: some levels need the selection.

    Raises
    ------
    DeblendError
        A row of a companion is of another galaxy.
    """
    kinds = ["_fits"] + ["_selection"] * (exclusion_level in ("marginal", "bad_stamp"))
    for companion in (path.with_name(f"{path.stem}{kind}.fits") for kind in kinds):
        if not companion.exists():
            continue
        theirs = read_columns(companion, {"companion_id": "IDENT"}, {"companion_id": None})
        there = theirs["companion_id"].tolist()
        pairs = enumerate(zip_longest(ids.tolist(), there, fillvalue="none"), 1)
        differing = [(row, own, other) for row, (own, other) in pairs if own != other]
        if differing:
            row, own, other = differing[0]
            raise DeblendError(
                f"{len(differing)} rows of {companion} are not of the galaxies in the same rows of "
                f"{path} (the first, row {row}: IDENT {other}, not {own}): GalSim takes them by "
                "position, so give both in the same order, by IDENT"
            )


def within_limits(
    mags: np.ndarray, mag_min: float | None, mag_max: float | None, source: str | Path
) -> np.ndarray:
    """Which galaxies are within limits of magnitude; the log has the numbers of the others.

    Parameters
    ----------
    mags : ndarray, shape (n,)
        NaN where unknown; such galaxies are left out if there is a limit.
    mag_min, mag_max : float or None
        Brightest and faintest magnitude; None: no limit.
    source : path
        The catalogue, for messages.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    DeblendError
        There is a limit, and no galaxy has a magnitude.
    """
    if mag_min is None and mag_max is None:
        return np.ones(len(mags), bool)
    known = np.isfinite(mags)
    if not known.any():
        raise DeblendError(
            f"{source} has no magnitudes (column MAG), which mag_min and mag_max need: add them, "
            "or set both to null"
        )
    bright = known & (mags < (-np.inf if mag_min is None else mag_min))
    faint = known & (mags > (np.inf if mag_max is None else mag_max))
    for left_out, reason in (
        (faint, f"fainter than {mag_max} mag"),
        (bright, f"brighter than {mag_min} mag"),
        (~known, "without a magnitude"),
    ):
        if left_out.any():
            log.info(
                "%s: left out %d of %d galaxies, %s", source, left_out.sum(), len(mags), reason
            )
    return known & ~bright & ~faint
