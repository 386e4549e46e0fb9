"""Stages of Hemmati et al. 2022."""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.stages.common import KEPT, RECORDED, Stage, data_set, files_of, write_chunks

BANDS = 2


def _assemble_cutouts(n: int, folder: Path) -> None:
    from deblend.data.stamps import read_stamps, write_parts

    write_parts(folder / "stamps.hdf5", map(read_stamps, sorted(folder.glob("*.h5"))))


def _maker(folder: Path, bands: int):
    from deblend.data.stamps import open_stamps
    from deblend.hemmati2022.config import LowConfig
    from deblend.hemmati2022.pairs import PairMaker

    low = {"psf_fwhm_arcsec": 0.6, "psf_beta": 3.0, "depth_mag": 26.2, "sky_mag_arcsec2": None}
    stamps = open_stamps(folder / "all.hdf5", segmaps=False, kept_bytes=KEPT)
    names = [f"b{k}" for k in range(bands)]
    options = {"seed": 1, "train_rows": np.arange(len(stamps)), "name": "benchmark"}
    return PairMaker(stamps, names, LowConfig(**low, softening_sigma=10.0), **options)


def _blending():
    from deblend.hemmati2022.config import HemmatiBlendConfig

    return HemmatiBlendConfig(separation_sigma_px=6.5, max_shift_px=15, any_angle=False)


def _pairs(n: int, folder: Path) -> None:
    maker = _maker(folder, BANDS)
    for start in range(0, n, 32):
        stop = min(start + 32, n)
        blends = maker.draw(np.arange(len(maker.images)), start, stop, "train", _blending())
        maker.scaled(blends, "train")


def _networks(folder: Path):
    """A small network of one band, and how peaks are found."""
    import torch
    from deblend.hemmati2022.config import Detection, SrConfig
    from deblend.hemmati2022.networks import build_generator
    from deblend.hemmati2022.predict import Network

    torch.set_num_threads(1)
    config = SrConfig(kind="super_resolution", filters=4, blocks=1, discriminator_filters=2)
    networks = {"gan": Network(build_generator(config, 1).eval(), _maker(folder, 1), 0)}
    return networks, Detection(richardson_lucy_iterations=0, sep_contrasts=())


def _detect(n: int, folder: Path) -> None:
    import torch
    from deblend.hemmati2022.detection import all_peaks
    from deblend.hemmati2022.resolutions import make_resolutions

    networks, detection = _networks(folder)
    maker = networks["gan"].maker
    resolutions = {"low": make_resolutions(networks, detection)["low"]}
    blends = maker.draw(np.arange(100), 0, n, "test", _blending())
    all_peaks(networks, resolutions, blends, "test", torch.device("cpu"))


def _choose_filter(n: int, folder: Path) -> None:
    import torch
    from deblend.hemmati2022.blends import all_sources
    from deblend.hemmati2022.predict import all_images
    from deblend.hemmati2022.resolutions import make_resolutions

    networks, detection = _networks(folder)
    maker = networks["gan"].maker
    blends = maker.draw(np.arange(100), 0, n, "test", _blending())
    images = all_images(networks, blends, "test", torch.device("cpu"), KEPT)["low"]
    sources = all_sources(blends, maker.galaxies)
    given = (images, sources)
    make_resolutions(networks, detection)["low"].choose_filter(
        *given, *given, images, sources[:, :2], sources, detection
    )


def _ladder(n: int, folder: Path) -> None:
    from deblend import scratch
    from deblend.hemmati2022.ladder import (
        Sample,
        Scores,
        resampled_equal_fractions,
        resampled_fractions,
    )

    scratch.KEPT_BYTES = KEPT
    rng = np.random.default_rng(1)
    single, calibration = rng.integers(0, n // 4, (2, n))
    sample = Sample(rng.integers(0, n // 4, (n, 2)), single, calibration, 200, 1)
    scores = Scores(*rng.gamma(2, 3, (4, n)), peaks=pd.DataFrame())
    for shares in (resampled_fractions, resampled_equal_fractions):
        shares(scores, sample, 0.01)


def _write_cutouts(n: int, folder: Path) -> None:
    """Write a set of cut-outs and its splits."""
    from deblend.data.stamps import read_galaxies

    write_chunks(folder, n, 152, BANDS)
    ids = read_galaxies(folder / "all.hdf5")["id"]
    split = np.array(["train", "train", "validation", "test"])[np.arange(len(ids)) % 4]
    pd.DataFrame({"id": ids, "split": split}).to_csv(folder / "split.csv", index=False)


def _train_generator(n_validation: int, folder: Path) -> None:
    import torch
    from deblend.hemmati2022 import pairs, training

    torch.set_num_threads(1)
    torch.manual_seed(1)
    pairs.KEPT_BYTES, training.PART = KEPT, 64
    network = {
        **{"kind": "super_resolution", "filters": 2, "blocks": 1, "n_latent": 8},
        **{"discriminator_filters": 2, "conditional": True, "batch_norm": True},
        **{"loss": "minimax", "content_weight": 1.0, "blend_fraction": 0.5, "epochs": 1},
        **{"steps_per_epoch": 16, "batch_size": 8, "precision": "float32"},
        **{"learning_rate": 1e-3, "discriminator_learning_rate": 1e-3},
    }
    low = {"psf_fwhm_arcsec": 0.6, "psf_beta": 3.0, "depth_mag": 26.2, "softening_sigma": 10.0}
    bands = [f"b{k}" for k in range(BANDS)]
    maker = {"bands": bands, "detection_band": "b0", "seed": 1, "name": "benchmark", "low": low}
    training.train_and_write(
        files_of(folder),
        folder / "all.hdf5",
        folder / "split.csv",
        network,
        {"separation_sigma_px": 6.5, "max_shift_px": 11},
        {
            **{"radius_px": 5.0, "false_positive_rate": 0.5},
            **{"fwhm_arcsec": (0.2,), "low_fwhm_arcsec": (0.5,)},
        },
        maker,
        n_validation_blends=n_validation,
        layers=(folder / "generator.csv", folder / "discriminator.csv"),
        device=torch.device("cpu"),
        checkpoint=folder / "checkpoint.pt",
        code="benchmark",
        recorded=RECORDED,
    )


def _no_fits(images: np.ndarray, psf: object, positions: np.ndarray, **options) -> pd.DataFrame:
    stamp, galaxy = (axis.ravel() for axis in np.indices(positions.shape[:2]))
    table = pd.DataFrame({"stamp": stamp, "galaxy": galaxy})
    return table.assign(flux=1.0, flags=0, engine="none")


def _photometry(n: int, folder: Path) -> None:
    from deblend.hemmati2022 import photometry
    from deblend.hemmati2022.blends import main_pair, true_positions

    # Fits take long, and get chunks of fixed size.
    photometry.fit_photometry = _no_fits
    maker = _maker(folder, 1)
    blends = maker.draw(np.arange(100), 0, n, "test", _blending())
    # The network reveals all of them.
    numbers = np.arange(n)
    found = {"blend": numbers, "detected_high": True, "n_peaks_low": 1, "detected_gan": True}
    pair = true_positions(blends)[numbers[:, None], main_pair(blends)]
    parts = [
        pd.DataFrame({"blend": numbers, "galaxy": k, "resolution": resolution}).assign(
            x_px=pair[:, k, 0], y_px=pair[:, k, 1], significance=9.0 - k, neighbour=False
        )
        for resolution, count in (("high", 2), ("low", 1), ("gan", 2))
        for k in range(count)
    ]
    peaks = pd.concat(parts, ignore_index=True)
    options = {"engine": "builtin", "profile": "exp", "n_workers": 1, "part_size": 256}
    photometry.measure_photometry(maker, 0, blends, pd.DataFrame(found), peaks, **options)


def _map(n: int, folder: Path) -> None:
    from deblend.hemmati2022.som import map_of_blends

    columns = ["separation_arcsec", "flux_ratio", "size_sum", "delta_z"]
    values = np.random.default_rng(1).gamma(2.0, size=(n, len(columns)))
    table = pd.DataFrame(values, columns=columns).assign(delta_mag=1.0, detected_gan=True)
    map_of_blends(table.assign(n_peaks_gan=2), columns, (10, 10), 1)


def _one_chunk(n: int, folder: Path) -> None:
    """Write 100 galaxies, of which as many blends as one likes are made."""
    write_chunks(folder, 100, 152, 1)


STAGES = {
    "assemble_cutouts": Stage(
        "Hemmati: chunks joined to a set of cut-outs",
        "galaxies",
        (100, 1_000),
        _assemble_cutouts,
        data_set(152, BANDS),
    ),
    "pairs": Stage(
        "Hemmati: pairs of a training",
        "galaxies, and blends",
        (512, 1_000),
        _pairs,
        data_set(152, BANDS),
    ),
    "hemmati_train": Stage(
        "Hemmati: training of a generator",
        "galaxies",
        (512, 1_000),
        lambda n, folder: _train_generator(16, folder),
        _write_cutouts,
    ),
    "hemmati_validation": Stage(
        "Hemmati: validation of a training",
        "validation blends",
        (64, 384),
        _train_generator,
        lambda n, folder: _write_cutouts(100, folder),
        first=16,
    ),
    "filters": Stage(
        "Hemmati: choice of a filter",
        "calibration blends",
        (512, 2_560),
        _choose_filter,
        _one_chunk,
        first=512,
    ),
    "detect": Stage(
        "Hemmati: peaks of test blends",
        "test blends",
        (512, 2_560),
        _detect,
        _one_chunk,
        first=512,
    ),
    "ladder": Stage(
        "Hemmati: errors of detected shares", "test blends", (4_000, 16_000), _ladder, first=1_000
    ),
    "photometry": Stage(
        "Hemmati: photometry, without the fits",
        "blends that a network reveals",
        (512, 1_280),
        _photometry,
        _one_chunk,
    ),
    "map": Stage("Hemmati: self-organising map", "test blends", (2_000, 20_000), _map, first=500),
}
