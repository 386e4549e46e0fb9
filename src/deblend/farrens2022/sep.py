"""Label stamps as isolated or blended with SEP: Farrens et al. 2022, Sect. 4.1, and other rules.

A stamp gets a label by each of `deblend.farrens2022.config.SEP_LABELS`:

- authors: those of the authors' code (`sep_script.py`), from which the paper's numbers are;
- section_4_1: those of the text, which excludes stamps with more detections than galaxies;
- no_oracle: those that a survey can have, since they do not use true positions.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.farrens2022.config import SEP_LABELS
from deblend.farrens2022.metrics import FAILED
from deblend.farrens2022.stamps import noisy_batches, read_sample_table
from deblend.photometry.sep import SepError, background_rms
from deblend.photometry.sep import extract as run_sep

log = logging.getLogger(__name__)


#: Flag of SEP for an object that was merged with or deblended from another.
FLAG_BLENDED = 1


#: Kernel with which images are convolved before the detection: SExtractor's default.conv.
KERNEL = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)


def options(settings: Mapping[str, Any], rms: float) -> dict[str, Any]:
    """Arguments of `deblend.photometry.sep.extract`: all that `extract` and Table 2 use.

    Parameters
    ----------
    settings : dict
        Table 2: `threshold`, `min_area`, `n_thresholds`, `contrast`.
    rms : float
        Noise of the stamp.
    """
    return {
        "threshold": settings["threshold"],
        "err": rms,
        "minarea": settings["min_area"],
        "deblend_nthresh": settings["n_thresholds"],
        "deblend_cont": settings["contrast"],
        "filter_kernel": KERNEL,
    }


def used_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings of SEP as they run, by SExtractor's names (Table 2).

    Parameters
    ----------
    settings : dict
        See `extract`.

    Returns
    -------
    dict
        The rows of Table 2 in its order, then `BACK_SIZE`, the side of the boxes (px) in which the
        noise is measured, which the table does not have.
    """
    used = options(settings, rms=1.0)
    kernel = used["filter_kernel"]
    name = "none"
    if kernel is not None:
        is_default = kernel.tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
        name = f"kernel_{kernel.shape[0]}x{kernel.shape[1]}.conv"
        name += " (default)" if is_default else ""
    return {
        # With `err`, the threshold is in units of the noise.
        "THRESH_TYPE": "ABSOLUTE" if used["err"] is None else "RELATIVE",
        "FILTER": "N" if kernel is None else "Y",
        "FILTER_NAME": name,
        "DETECT_THRESH": f"{used['threshold']:g}",
        "DETECT_MINAREA": f"{used['minarea']:g}",
        "DEBLEND_NTHRESH": f"{used['deblend_nthresh']:g}",
        "DEBLEND_MINCONT": f"{used['deblend_cont']:g}",
        "BACK_SIZE": f"{settings['background_box_px']:g}",
    }


def extract(image: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Detect objects on a stamp.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    settings : dict
        Table 2: `threshold`, `min_area`, `n_thresholds`, `contrast`; and `background_box_px`.

    Returns
    -------
    structured ndarray
        SEP's catalogue.

    Raises
    ------
    deblend.photometry.sep.SepError
        SEP failed.
    """
    rms = background_rms(image, int(settings["background_box_px"]))
    return np.asarray(run_sep(image, **options(settings, rms)))


def section_4_1(
    x: np.ndarray, y: np.ndarray, flag: np.ndarray, expected: np.ndarray, tolerance_px: float
) -> int:
    """Label a stamp by the rules of Sect. 4.1.

    One source is a blend if it is flagged as one and is at an expected position. Two sources are a
    blend if they are at the two expected positions. More sources are a blend if both true
    galaxies have detections, otherwise a failure, since there are never more than two galaxies. A
    stamp without sources is isolated; the paper does not mention that case.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pixels.
    flag : ndarray of int, shape (n,)
        SEP's flags.
    expected : ndarray, shape (1 or 2, 2)
        True positions (x, y).
    tolerance_px : float
        Sect. 4.1: two pixels.

    Returns
    -------
    int
        1 blend, 0 isolated, -1 failed.
    """
    n = len(x)
    if n == 0:
        return 0
    close = np.hypot(x[:, None] - expected[:, 0], y[:, None] - expected[:, 1]) <= tolerance_px
    if n == 1:
        return int(bool(flag[0] & FLAG_BLENDED) and bool(close.any()))
    # Each true galaxy needs a detection of its own, since one detection can be near both.
    both = len(expected) == 2 and close.any(axis=0).all() and close.any(axis=1).sum() > 1
    if n == 2 or both:
        return int(both)
    return FAILED


def authors(
    x: np.ndarray, y: np.ndarray, flag: np.ndarray, expected: np.ndarray, tolerance_px: float
) -> int:
    """Label a stamp as the authors' code does, with the arguments of `section_4_1`.

    A stamp without sources is a failure. One source is a blend if it is flagged as one and each
    true galaxy has a detection of its own, which is not so for two galaxies. More sources are a
    blend if each true galaxy has one, or one with the flag is at an expected position: so an
    isolated galaxy that is detected beside anything else is labelled as a blend, wrongly.

    The code (`notebooks/sep_script.py` of CosmoStat/BlendHunter, commit 3e8057c) has four slips
    that are not repeated:

    - a detection counts as used by a galaxy only if it is the last one of the catalogue, so that
      both galaxies can have the same one;
    - the flag of detection i is tested with the distance of galaxy i, not with that of the galaxy
      that the detection belongs to;
    - of two sources on a blend of which only one is where it should be, with the flag, the label is
      that of the stamp before;
    - true positions are half a pixel too far to the right and the top.

    On 1,000 realistic stamps (30 % of the blends close, noise 14.5) the first two together change
    3 labels, the third 11 and the fourth 15; all together the share of right labels falls from 87.7
    to 86.3 %. On as many parametric stamps they change 10 labels (noise 5) and 7 (noise 35), all by
    the last two.
    """
    n = len(x)
    if n == 0:
        return FAILED
    distance = np.hypot(x[:, None] - expected[:, 0], y[:, None] - expected[:, 1])
    matches = []  # the nearest detection of each galaxy that has one, each used once
    for column in distance.T:
        order = [k for k in np.argsort(column, kind="stable") if k not in matches]
        if order and column[order[0]] < tolerance_px:
            matches.append(order[0])
    has_all = len(matches) == len(expected)
    has_flag = any(flag[k] & FLAG_BLENDED for k in matches)
    return int(has_all and has_flag) if n == 1 else int(has_all or has_flag)


def no_oracle(
    x: np.ndarray, y: np.ndarray, flag: np.ndarray, expected: np.ndarray, tolerance_px: float
) -> int:
    """Label a stamp as a survey can, which does not know the galaxies' positions and number.

    It is a blend if there are two or more sources, or one that is flagged as a blend. The
    arguments are those of `section_4_1`; only the flags are used.
    """
    return int(len(flag) > 1 or bool(np.any(flag & FLAG_BLENDED)))


Rules = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float], int]

RULES: dict[str, Rules] = dict(zip(SEP_LABELS, (authors, section_4_1, no_oracle), strict=True))


def label_stamps(
    images: np.ndarray,
    table: pd.DataFrame,
    settings: Mapping[str, Any],
    tolerance_px: float,
) -> pd.DataFrame:
    """Run SEP on stamps and label each.

    Parameters
    ----------
    images : ndarray, shape (n, y, x), float32
        Padded and noisy.
    table : DataFrame
        Table of the same stamps: `is_blend`, `dx_px`, `dy_px`.
    settings : dict
        See `extract`.
    tolerance_px : float

    Returns
    -------
    DataFrame
        A column for each of `SEP_LABELS`: 1 blend, 0 isolated, -1 failed. Where SEP itself fails,
        as with too many pixels or objects, all are -1.
    """
    centre = (images.shape[-1] - 1) / 2
    labels = np.full((len(images), len(RULES)), FAILED)
    errors = []
    offsets = table[["dx_px", "dy_px"]].to_numpy(float)
    for i, (image, is_blend) in enumerate(zip(images, table["is_blend"], strict=True)):
        expected = [[centre, centre]]
        if is_blend:
            expected.append([centre + offsets[i, 0], centre + offsets[i, 1]])
        try:
            objects = extract(image, settings)
        except SepError as error:
            errors.append(error)
            continue
        found = (objects["x"], objects["y"], objects["flag"], np.array(expected), tolerance_px)
        labels[i] = [rules(*found) for rules in RULES.values()]
    if errors:
        log.warning("%d of %d stamps: %s", len(errors), len(images), errors[0])
    return pd.DataFrame(labels, columns=list(RULES))


def label_sample(
    sample: str | Path,
    *,
    noise_sigma: float,
    item: tuple,
    seed: int,
    settings: Mapping[str, Any],
    padding: int,
    tolerance_px: float,
) -> pd.DataFrame:
    """Label a sample's stamps with SEP, with the same noise as for BlendHunter.

    Parameters
    ----------
    sample : path
    noise_sigma, item, seed, padding
        See `deblend.farrens2022.stamps.noisy_batches`.
    settings, tolerance_px
        See `label_stamps`.

    Returns
    -------
    DataFrame
        From `label_stamps`.
    """
    table = read_sample_table(sample)
    labels, start = [], 0
    for images in noisy_batches(sample, noise_sigma, padding, seed, item):
        rows = table.iloc[start : start + len(images)]
        labels.append(label_stamps(images, rows, settings, tolerance_px))
        start += len(images)
    found = pd.concat(labels, ignore_index=True)
    for name, failed in (found == FAILED).sum().items():
        log.info("SEP failed on %d of %d stamps by the rules %s", failed, len(found), name)
    return found
