"""The table of detections of Hemmati et al. 2022, and the numbers that its rows share."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .errors import DeblendError
from .mixture_fit import FLAG_NO_SHAPE, FLAG_ROUND
from .peaks import wilson

#: Resolution in the tables to what is written.
RESOLUTIONS = {
    "high": "high",
    "high_best": "high, best filter",
    "low": "low",
    "low_best": "low, best filter",
    "gan": "GAN",
    "gan_content": "GAN with a content term",
    "gan_multi": "GAN, multi-band",
}
#: Kinds of stamps that should show one peak.
SAMPLES = {
    "unblended": "Single galaxies with more peaks (%)",
    "one_peak": "One peak in high and low, but more (%)",
}
TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "nan": np.nan}
#: Bins of Figures 5 and 9, and up to which percentile they reach: beyond, there are next to none.
N_BINS, REACH = 10, 99
COLUMNS = ("Quantity", "Resolution", "Value", "Low", "High", "n", "Published")


def with_resolutions(table: pd.DataFrame) -> pd.DataFrame:
    """A table of detections with what was measured only, as true and false.

    Parameters
    ----------
    table : DataFrame
        A row a blend, with `detected_high`, `detected_low` and so on; a column that is absent or
        empty is of a network that was not trained.

    Returns
    -------
    DataFrame
        Without the empty columns; `detected_*` of type bool.

    Raises
    ------
    DeblendError
        A column has values for some blends only, or is neither true nor false.
    """
    table = table.copy()
    for name in [f"detected_{r}" for r in RESOLUTIONS if f"detected_{r}" in table]:
        if table[name].dtype == bool:
            continue
        text = table[name].astype(object).map(lambda value: str(value).lower())
        unknown = sorted(set(text) - set(TRUTHS))
        if unknown:
            raise DeblendError(f"{name} has the value {unknown[0]!r}: give true, false or nothing")
        values = text.map(TRUTHS)
        if values.isna().all():
            table = table.drop(columns=name)
        elif values.isna().any():
            raise DeblendError(
                f"{name} is empty for {values.isna().sum()} of {len(values)} blends: measure all "
                "blends, or none, in a resolution"
            )
        else:
            table[name] = values.astype(bool)
    return table


def measured(table: pd.DataFrame) -> list[str]:
    """Resolutions of a table from `with_resolutions`."""
    return [r for r in RESOLUTIONS if f"detected_{r}" in table]


def edges(values: pd.Series) -> np.ndarray:
    """Edges of the bins of a quantity that begins at 0: equal ones, to where most blends are."""
    finite = values[np.isfinite(values)]
    last = float(np.percentile(finite, REACH)) if len(finite) else 1.0
    return np.linspace(0, last if last > 0 else 1.0, N_BINS + 1)


def false_positive_rate(table: pd.DataFrame, resolution: str, samples: list[str]) -> pd.Series:
    """Share of stamps that show more peaks than they should.

    Parameters
    ----------
    table : DataFrame
        `resolution`, `sample`, `n`, `n_false`.
    resolution : str
    samples : list of str
        Of `SAMPLES`; more than one are pooled.

    Returns
    -------
    Series
        `n`, `n_false`, `rate`, `low`, `high` (Wilson's 68 % interval); NaN where there are none.
    """
    mine = table[(table["resolution"] == resolution) & table["sample"].isin(samples)]
    n, n_false = float(mine["n"].sum()), float(mine["n_false"].sum())
    low, high = wilson(np.array(n_false), np.array(n))
    rate = n_false / n if n else np.nan
    return pd.Series(
        {"n": n, "n_false": n_false, "rate": rate, "low": float(low), "high": float(high)}
    )


def flux_errors(photometry: pd.DataFrame) -> pd.DataFrame:
    """Relative flux errors of the dominant source, on the same blends.

    Parameters
    ----------
    photometry : DataFrame
        A row a blend that the GAN's resolution gives away and the low one does not: `blend`,
        `mag_input`, `mag_low`, `mag_gan`, and `flags_input`, `flags_low`, `flags_gan`.

    Returns
    -------
    DataFrame
        `blend`, `mag_input`, `mag_low`, `mag_gan`, `error_low`, `error_gan`: measured over input
        flux, less one. Blends whose three fits all have a good flux.
    """
    names = ("input", "low", "gan")
    # These two flags are of shapes: the flux holds.
    flags = photometry[[f"flags_{name}" for name in names]].fillna(-1).astype(int)
    good = ((flags & ~(FLAG_NO_SHAPE | FLAG_ROUND)) == 0).all(axis=1)
    mags = [f"mag_{name}" for name in names]
    # A file without rows tells no types.
    photometry = photometry.astype(dict.fromkeys(mags, float))
    kept = photometry.loc[good & np.isfinite(photometry[mags]).all(axis=1), ["blend", *mags]]
    for name in ("low", "gan"):
        ratio = 10 ** (-0.4 * (kept[f"mag_{name}"] - kept["mag_input"]))
        kept = kept.assign(**{f"error_{name}": ratio - 1})
    return kept.reset_index(drop=True)


def improvement(photometry: pd.DataFrame) -> dict[str, float]:
    """How much better the photometry is with the GAN's positions (Sect. 4.1).

    Parameters
    ----------
    photometry : DataFrame
        See `flux_errors`.

    Returns
    -------
    dict
        `low` and `gan`: median |flux error|; `ratio` of the first to the second, which is our
        reading of "ten times improvement"; `n` blends. NaN where there are none.
    """
    errors = flux_errors(photometry)
    if errors.empty:
        return {"low": np.nan, "gan": np.nan, "ratio": np.nan, "n": 0.0}
    low, gan = (float(errors[f"error_{name}"].abs().median()) for name in ("low", "gan"))
    return {"low": low, "gan": gan, "ratio": low / gan if gan else np.inf, "n": float(len(errors))}


def _detected(
    detections: pd.DataFrame, published: Mapping[str, Any]
) -> Iterator[tuple[str, float, float, float, float, float]]:
    stated = {**published["detected_percent"], "gan_multi": published["detected_multi_percent"]}
    table = with_resolutions(detections)
    for resolution in RESOLUTIONS:
        theirs = stated.get(resolution, np.nan)
        if resolution in measured(table):
            hit = table[f"detected_{resolution}"]
            low, high = (100 * float(end) for end in wilson(hit.sum(), np.array(len(hit))))
            yield resolution, 100 * float(hit.mean()), low, high, len(hit), theirs
        else:
            yield resolution, np.nan, np.nan, np.nan, 0, theirs


def detection_table(
    detections: pd.DataFrame,
    false_positives: pd.DataFrame,
    photometry: pd.DataFrame,
    published: Mapping[str, Any],
) -> pd.DataFrame:
    """Detections, false positives and photometry in numbers, beside the published ones.

    Parameters
    ----------
    detections : DataFrame
        See `with_resolutions`.
    false_positives : DataFrame
        See `false_positive_rate`.
    photometry : DataFrame
        See `flux_errors`; and `mag_true`, the catalogue's.
    published : dict
        The paper's part of `config/published.yaml`.

    Returns
    -------
    DataFrame
        `COLUMNS`. `Low` and `High` are the ends of Wilson's 68 % interval of a share; NaN where
        there is nothing.
    """
    rows: list[tuple] = [("Blends detected (%)", *row) for row in _detected(detections, published)]
    for sample, name in SAMPLES.items():
        for resolution in RESOLUTIONS:
            found = false_positive_rate(false_positives, resolution, [sample])
            if found["n"]:
                share = 100 * found[["rate", "low", "high"]]
                theirs = published["false_positive_percent"] if resolution == "gan" else np.nan
                rows.append((name, resolution, *share, found["n"], theirs))
    # An exponential fitted to a galaxy that is none errs more the sharper the image: magnitudes
    # measured in high resolution are no truth, so that errors are given against both.
    truth = photometry.assign(mag_input=photometry["mag_true"])
    theirs = published["flux_improvement"]
    for against, fits, stated in (("", photometry, theirs), (", catalogue's", truth, np.nan)):
        found, nothing = improvement(fits), (np.nan, np.nan)
        for position in ("low", "gan"):
            value = 100 * found[position]
            rows.append(
                (f"Median |flux error{against}| (%)", position, value, *nothing, found["n"], np.nan)
            )
        name = f"Median |flux error{against}|, low over GAN"
        rows.append((name, "gan", found["ratio"], *nothing, found["n"], stated))
    if len(photometry):
        lost = len(photometry) - len(flux_errors(photometry))
        share = [
            100 * lost / len(photometry),
            *(100 * np.array(wilson(np.array(lost), np.array(len(photometry))))),
        ]
        rows.append(("Blends with a failed fit (%)", "gan", *share, len(photometry), np.nan))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["Resolution"] = table["Resolution"].map(RESOLUTIONS)
    return table.astype({"n": int, **dict.fromkeys(("Value", "Low", "High", "Published"), float)})
