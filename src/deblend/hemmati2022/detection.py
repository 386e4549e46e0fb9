"""Detection of blends in each resolution (Hemmati et al. 2022, Sect. 4)."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from deblend.hemmati2022.blends import (
    HemmatiBlendConfig,
    all_sources,
    main_pair,
    neighbour_positions,
    pair_quantities,
    true_positions,
)
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.figure_images import real_and_generated, write_examples, write_galleries
from deblend.hemmati2022.ladder import (
    Sample,
    Scores,
    interval_of_share,
    ladder_curves,
    ladder_table,
)
from deblend.hemmati2022.pairs import draw_singles, single_galaxies
from deblend.hemmati2022.peaks import SINGLES_PER_BLEND, calibration_halves, highest
from deblend.hemmati2022.predict import Network, all_images, image_batches
from deblend.hemmati2022.quality import N_IMAGES, image_quality
from deblend.hemmati2022.resolutions import (
    FILTER_COLUMNS,
    Resolution,
    filter_values,
    make_resolutions,
    to_frame_pixels,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What `detect` finds.

    Attributes
    ----------
    detections : DataFrame
        One row per blend: `deblend.hemmati2022.blends.pair_quantities`, galaxy_0 and galaxy_1 (rows
        of the galaxies, the brighter first), and for each resolution detected_... and n_peaks_...,
        the number of peaks that are not those of neighbours.
    false_positives : DataFrame
        `resolution`; `sample` (of `deblend.hemmati2022.metrics.SAMPLES`); `n`; `n_false`; `low` and
        `high`, the 68 % interval of the share by a bootstrap of the galaxies; `chance`, the share
        of random places in the blends' frames that match a source; `threshold`, in units
        of the `noise` (NaN: the noise of each stamp); and `fwhm_arcsec` (NaN: the images' own PSF),
        `filter`, `image_scale` and `contrast` of the chosen filter (see
        `deblend.hemmati2022.resolutions.Filter`).
    peaks : DataFrame
        `resolution`, `blend`, `x_px`, `y_px` (66 px frame), `significance`; `galaxy`: 0 for the
        brighter galaxy of the pair, 1 for the fainter one, -1 for peaks that match neither;
        `neighbour`, whether it matches neither and is near a neighbour; and `false`, whether it
        matches no catalogued galaxy at all.
    ladder, curves : DataFrame
        See `deblend.hemmati2022.ladder`.
    """

    detections: pd.DataFrame
    false_positives: pd.DataFrame
    peaks: pd.DataFrame
    ladder: pd.DataFrame
    curves: pd.DataFrame


def detect(
    networks: dict[str, Network],
    rows: dict[str, np.ndarray],
    n_blends: dict[str, int],
    blending: HemmatiBlendConfig,
    detection: Detection,
    device: torch.device,
) -> Found:
    """Detections of test blends in every resolution, and false positives.

    Parameters
    ----------
    networks : dict
        Networks by resolution: "gan" and, if trained, "gan_content", "gan_multi", ...
    rows : dict
        Rows of the galaxies of each split, "calibration" too (see
        `deblend.hemmati2022.pairs.read_cutouts`): of these the half by which no epoch was chosen
        sets the thresholds.
    n_blends : dict
        Number of blends for "validation" and "test"; there are as many single galaxies of both, and
        twice as many as for validation for the thresholds.
    blending : HemmatiBlendConfig
    detection : Detection
    device : torch.device
    """
    maker = networks["gan"].maker
    resolutions = make_resolutions(networks, detection)
    calibration, calibrated = _calibrate(
        networks, resolutions, rows, n_blends["validation"], blending, detection, device
    )
    n = n_blends["test"]
    blends = maker.draw(rows["test"], 0, n, "test", blending)
    single = draw_singles(maker, rows["test"], n, n, "test", blending)
    pair, sources = _pair_positions(blends), all_sources(blends, maker.galaxies)
    single_sources = all_sources(single, maker.galaxies)
    neighbours = neighbour_positions(blends, maker.galaxies)
    table = pair_quantities(blends, maker.pixel_scale_arcsec)
    main = main_pair(blends)
    numbers = blends[[c for c in blends if str(c).startswith("galaxy_")]].to_numpy()
    for k in (0, 1):
        table[f"galaxy_{k}"] = numbers[np.arange(n), main[:, k]]
    found, found_single = (
        all_peaks(networks, resolutions, x, "test", device) for x in (blends, single)
    )
    scores, false, peak_tables = {}, {}, []
    for name, resolution in resolutions.items():
        peaks_found, single_peaks = found[name], found_single[name]
        is_false = resolution.false_peaks(peaks_found, sources, detection)
        single_false = resolution.false_peaks(single_peaks, single_sources, detection)
        scores[name] = Scores(
            limits=resolution.limits(peaks_found, pair, detection),
            false_blends=highest(peaks_found, is_false, n),
            false_single=highest(single_peaks, single_false, n),
            false_calibration=calibrated[name][0],
            lowest_threshold=calibrated[name][1],
            validated=resolution.validated,
            peaks=peaks_found.assign(false=is_false),
        )
        strong = (peaks_found["significance"] > resolution.threshold).to_numpy()
        peaks = peaks_found[strong].reset_index(drop=True)
        matched_blends = resolution.detect(peaks, pair, detection)
        table[f"detected_{name}"] = matched_blends["detected"]
        false[name] = scores[name].false_blends > resolution.threshold
        galaxy = np.full(len(peaks), -1)
        for k in (0, 1):
            matched = matched_blends[f"peak_{k}"].to_numpy()
            galaxy[matched[matched >= 0]] = k
        is_neighbour = (galaxy < 0) & resolution.near(peaks, neighbours, detection)
        table[f"n_peaks_{name}"] = np.bincount(peaks["stamp"][~is_neighbour], minlength=n)
        xy = to_frame_pixels(name, peaks[["x_px", "y_px"]].to_numpy())
        peak_tables.append(
            pd.DataFrame(
                {
                    "resolution": name,
                    "blend": peaks["stamp"],
                    "x_px": xy[:, 0],
                    "y_px": xy[:, 1],
                    "significance": peaks["significance"],
                    "galaxy": galaxy,
                    "neighbour": is_neighbour,
                    "false": is_false[strong],
                }
            )
        )
    sample = Sample(
        table[["galaxy_0", "galaxy_1"]].to_numpy(),
        single["galaxy_0"].to_numpy(),
        calibration["galaxy_0"].to_numpy(),
        detection.bootstrap_resamples,
        maker.seed,
    )
    one_peak = (table["n_peaks_high"] == 1) & (table["n_peaks_low"] == 1)
    false_rows = []
    for name, resolution in resolutions.items():
        single_is_false = scores[name].false_single > resolution.threshold
        samples = [("unblended", single_is_false, None), ("blends", false[name], None)]
        if name.startswith("gan"):
            revealed = false[name] & one_peak.to_numpy()
            samples += [
                ("one_peak", revealed, one_peak.to_numpy()),
                ("one_peak_of_all", revealed, None),
            ]
        for kind, values, among in samples:
            counts = sample.single_counts if kind == "unblended" else sample.blend_counts
            interval = interval_of_share(values, counts, among)
            n_among = len(values) if among is None else int(among.sum())
            false_rows.append((name, kind, n_among, int(values.sum()), *interval))
    columns = ["resolution", "sample", "n", "n_false", "low", "high"]
    false_positives = pd.DataFrame(false_rows, columns=columns)
    chance = {name: own.chance(sources, detection) for name, own in resolutions.items()}
    false_positives["chance"] = false_positives["resolution"].map(chance)
    row_resolutions = [resolutions[name] for name in false_positives["resolution"]]
    for column in ("threshold", "noise"):
        false_positives[column] = [getattr(resolution, column) for resolution in row_resolutions]
    false_positives[list(FILTER_COLUMNS)] = [
        list(filter_values(resolution.filter)) for resolution in row_resolutions
    ]
    return Found(
        table,
        false_positives,
        pd.concat(peak_tables, ignore_index=True),
        ladder_table(scores, sample, false_positives, detection.false_positive_rate),
        ladder_curves(scores),
    )


def _calibrate(
    networks: dict[str, Network],
    resolutions: dict[str, Resolution],
    rows: dict[str, np.ndarray],
    n: int,
    blending: HemmatiBlendConfig,
    detection: Detection,
    device: torch.device,
) -> tuple[pd.DataFrame, dict[str, tuple[np.ndarray, float]]]:
    """Choose the filter of each resolution, and set its threshold.

    Parameters
    ----------
    networks, rows, blending, detection, device
        See `detect`.
    resolutions : dict
    n : int
        Number of blends for validation.

    Returns
    -------
    calibration : DataFrame
        Single galaxies that set the thresholds.
    calibrated : dict
        What `deblend.hemmati2022.resolutions.Resolution.choose_filter` returns, by resolution.
    """
    maker = networks["gan"].maker
    _, single_rows = calibration_halves(maker, rows["calibration"])
    calibration = draw_singles(
        maker, single_rows, 0, SINGLES_PER_BLEND * n, "calibration", blending
    )
    images = all_images(networks, calibration, "calibration", device)
    # Other blends than those by which epochs were chosen.
    validation = maker.draw(rows["validation"], n, 2 * n, "validation", blending)
    images_blends = all_images(networks, validation, "validation", device)
    check = draw_singles(maker, rows["validation"], 2 * n, n, "validation", blending)
    images_check = all_images(networks, check, "validation", device)
    return calibration, {
        name: resolution.choose_filter(
            images[resolution.source],
            all_sources(calibration, maker.galaxies),
            images_check[resolution.source],
            all_sources(check, maker.galaxies),
            images_blends[resolution.source],
            _pair_positions(validation),
            all_sources(validation, maker.galaxies),
            detection,
        )
        for name, resolution in resolutions.items()
    }


def all_peaks(
    networks: dict[str, Network],
    resolutions: dict[str, Resolution],
    blends: pd.DataFrame,
    split: str,
    device: torch.device,
) -> dict[str, pd.DataFrame]:
    """All peaks of blends in every resolution; only a batch of their images is in memory.

    Parameters
    ----------
    networks, blends, split, device
        See `deblend.hemmati2022.predict.image_batches`.
    resolutions : dict
        Calibrated.

    Returns
    -------
    dict of DataFrame
        `deblend.hemmati2022.peaks.PEAK_COLUMNS` by resolution.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in resolutions}
    for rows, images in image_batches(networks, blends, split, device):
        for name, resolution in resolutions.items():
            peaks = resolution.find(resolution.prepared(images[resolution.source]))
            parts[name].append(peaks.assign(stamp=peaks["stamp"] + rows.start))
    return {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}


def _pair_positions(blends: pd.DataFrame) -> np.ndarray:
    """Positions of the main two galaxies of each blend in the 66 px frame, (n, 2, 2)."""
    return true_positions(blends)[np.arange(len(blends))[:, None], main_pair(blends)]


def run_detection(
    networks: dict[str, Network],
    rows: dict[str, np.ndarray],
    *,
    blending: HemmatiBlendConfig,
    detection: Detection,
    n_blends: dict[str, int],
    n_shown: int,
    seed: int,
    device: torch.device,
    examples: str | Path,
    galleries: str | Path,
) -> dict[str, pd.DataFrame]:
    """Detect peaks in every resolution, and write the images that figures show.

    Parameters
    ----------
    networks : dict
        Networks of `detect`, and "vanilla".
    rows, blending, detection, n_blends, device
        See `detect`.
    n_shown : int
        Number of real galaxies in Figure 2.
    seed : int
        Seed of the vanilla GAN's noise.
    examples, galleries : path
        See `deblend.hemmati2022.figure_images`.

    Returns
    -------
    dict of DataFrame
        `detections`, `false_positives`, `peaks`, `ladder` and `curves`: see `Found`; `quality`: see
        `deblend.hemmati2022.quality.image_quality`.
    """
    others = {name: network for name, network in networks.items() if name != "vanilla"}
    found = detect(others, rows, n_blends, blending, detection, device)
    table, peaks = found.detections, found.peaks
    log.info("ladder:\n%s", found.ladder.to_string(index=False))
    log.info("false positives:\n%s", found.false_positives.to_string())
    gan = networks["gan"]
    blends = gan.maker.draw(rows["test"], 0, n_blends["test"], "test", blending)
    write_examples(examples, others, blends, table, peaks, device)
    made, real = real_and_generated(
        networks["vanilla"], gan, blends, rows["train"], n_shown, seed, device
    )
    write_galleries(galleries, others, made, real, blends, table, peaks, device)
    training_blends = gan.maker.draw(rows["train"], 0, N_IMAGES, "train", blending)
    quality = image_quality(networks, blends, single_galaxies(training_blends), seed, device)
    log.info("images:\n%s", quality.to_string(index=False))
    return {
        "detections": table,
        "false_positives": found.false_positives,
        "peaks": peaks,
        "quality": quality,
        "ladder": found.ladder,
        "curves": found.curves,
    }
