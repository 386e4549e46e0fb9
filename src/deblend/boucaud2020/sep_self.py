"""SEP's fluxes in blends against its own fluxes of the same galaxies alone.

Boucaud et al. 2020, Sect. 3, want a method to recover what SExtractor would measure on the isolated
galaxy. An isophote misses light even of an isolated galaxy, by an amount that depends on the
galaxy; this comparison leaves only the effect of blending. A galaxy's flux alone is that of the
mode, cold or hot, in which its blend was measured: hot isophotes are larger. Alone it is measured
without deblending, so that a galaxy that SEP splits counts as an effect of blending where that
happens in the blend.
"""

import numpy as np
import pandas as pd
from deblend.boucaud2020.predictions import pivot, prediction_table, truth
from deblend.boucaud2020.sep import METHODS, MODES, column_in
from deblend.errors import DeblendError

#: Name of each of SEP's methods when it is compared with itself.
SELF_METHODS = {method: f"{method}_self" for method in METHODS}


def isolated_fluxes(galaxies: pd.DataFrame, isolated: pd.DataFrame) -> pd.DataFrame:
    """SEP's fluxes of isolated galaxies, by their rows in the data set.

    Parameters
    ----------
    galaxies : DataFrame
        All galaxies of the data set, with `split`.
    isolated : DataFrame
        From `deblend.boucaud2020.sep.measure_isolated_galaxies` of the same data set: these stamps
        have as much noise as blends.

    Returns
    -------
    DataFrame
        Index: rows of `galaxies`; columns `flux_iso_cold`, `flux_iso_hot`, `flux_auto_cold`,
        `flux_auto_hot`; NaN where SEP found nothing in that mode, and for training galaxies, which
        are not measured.

    Raises
    ------
    DeblendError
        The measurements are not those of the data set's validation and test galaxies.
    """
    rows = np.flatnonzero(galaxies["split"].to_numpy() != "train")
    measured = isolated["galaxy"].to_numpy()
    if not np.array_equal(measured, rows) or not np.allclose(
        isolated["mag"], galaxies["mag"].iloc[rows]
    ):
        raise DeblendError(
            f"there are {len(isolated)} measurements of isolated galaxies, which are not the "
            f"{len(rows)} validation and test galaxies of the data set: measure its own stamps"
        )
    columns = [column_in(mode, column) for column in METHODS.values() for mode in MODES]
    fluxes = isolated[columns].set_axis(rows)
    return fluxes.reindex(range(len(galaxies)))


def self_ratios(
    sep: pd.DataFrame,
    detections: pd.DataFrame,
    isolated: pd.DataFrame,
    galaxies: pd.DataFrame,
    blends: pd.DataFrame,
) -> dict[str, np.ndarray]:
    """Flux in the blend over SEP's flux of the same galaxy alone, of the same kind and mode.

    Parameters
    ----------
    sep : DataFrame
        SEP's predictions in long form; their zero points do not matter.
    detections : DataFrame
        With the `mode` in which each `blend` was measured.
    isolated, galaxies : DataFrame
        See `isolated_fluxes`.
    blends : DataFrame
        With `blend`, and the rows of both galaxies: `central`, `companion`.

    Returns
    -------
    dict
        For each of `SELF_METHODS` an array of shape (n, 2): ratios of central and companion; NaN
        where SEP did not find the galaxy in the blend, or measured no positive flux of it alone in
        the blend's mode.
    """
    alone = isolated_fluxes(galaxies, isolated)
    rows = blends[["central", "companion"]].to_numpy()
    is_hot = (detections.set_index("blend")["mode"].loc[blends["blend"]] == "hot").to_numpy()
    ratios = {}
    for method, column in METHODS.items():
        cold, hot = (alone[column_in(mode, column)].to_numpy(float)[rows] for mode in MODES)
        flux = np.where(is_hot[:, None], hot, cold)
        in_blend = pivot(sep, method).loc[blends["blend"]].to_numpy(float)
        ratios[SELF_METHODS[method]] = in_blend / np.where(flux > 0, flux, np.nan)
    return ratios


def self_predictions(
    sep: pd.DataFrame,
    detections: pd.DataFrame,
    isolated: pd.DataFrame,
    galaxies: pd.DataFrame,
    blends: pd.DataFrame,
    zero_point: float,
) -> pd.DataFrame:
    """The ratios of `self_ratios` as predictions: the true flux times the ratio.

    Like this the tables of all methods take them: recovered over true flux is the ratio.

    Parameters
    ----------
    sep, detections, isolated, galaxies, blends : DataFrame
        See `self_ratios`.
    zero_point : float
        That of the images, mag.

    Returns
    -------
    DataFrame
        Predictions in long form (`deblend.boucaud2020.predictions`), with SEP's flags.
    """
    true = truth(galaxies, blends, zero_point)[["flux_central", "flux_companion"]].to_numpy(float)
    ratios = self_ratios(sep, detections, isolated, galaxies, blends)
    blend = blends["blend"].to_numpy()
    parts = []
    for method, name in SELF_METHODS.items():
        flags = pivot(sep, method, "flags").loc[blend].to_numpy(int)
        zero_points = np.full((1, 2), zero_point)
        parts.append(prediction_table(blend, true * ratios[name], name, zero_points, flags))
    return pd.concat(parts, ignore_index=True)
