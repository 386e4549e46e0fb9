"""What the parts of the generator copy_gate are worth: scores without each of them; ours."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.files import read_json
from deblend.reiman2019.blends import PerturbConfig, draw_blends, render_batches, rows_of_split
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.metrics import summary
from deblend.reiman2019.predict import load_generator, predict, to_uint8
from deblend.reiman2019.scores import score_methods
from deblend.scratch import new_array
from deblend.training.torch_backend import move_to_device

log = logging.getLogger(__name__)

#: Scores in the table; of each, the mean and its error.
QUANTITIES = ("psnr_db", "ssim_authors_code", "ssim")


def ablation_scores(
    frames: str | Path,
    index: str | Path,
    networks: dict[str, tuple[str | Path, str | Path]],
    perturbation: dict[str, Any],
    *,
    images: str,
    n_blends: int,
    seed: int,
    device: torch.device,
    orientations: int = 1,
) -> pd.DataFrame:
    """Scores of ablations on the test blends of the other networks.

    Parameters
    ----------
    frames, index : path
        See `deblend.reiman2019.images.build_frames`.
    networks : dict
        Weights and description of each ablation, by name.
    perturbation : dict
        Options of `PerturbConfig`.
    images : str
        Name of the set of images: part of the seed of the blends.
    n_blends, seed : int
    device : torch.device
    orientations : int
        See `deblend.reiman2019.predict.predict`. If there are several, the network `complete`
        stands in the table with one too, as `one_orientation`.

    Returns
    -------
    DataFrame
        For each ablation, and for the blend itself, and each of its galaxies (both, central,
        companion): `ablation`, `galaxy`; the mean of each of `QUANTITIES` and its error (`_error`);
        `n_parameters` of the generator, `val_psnr_db` of both galaxies of the validation blends at
        the end of its training (one orientation), its `seconds`, and `problem` if it has learnt
        nothing.
    """
    config, opened = PerturbConfig(**perturbation), open_frames(frames)
    rows = rows_of_split(pd.read_csv(index), "test")
    pairs = draw_blends(seed, images, "test", rows, n_blends, config)
    made_with = {name: (*files, orientations) for name, files in networks.items()}
    if orientations > 1 and "complete" in networks:
        made_with["one_orientation"] = (*networks["complete"], 1)
    predictions, records = {}, {}
    for name, (weights, description, number) in made_with.items():
        generator, precision = load_generator(weights, description)
        move_to_device(generator, device)
        predictions[name] = new_array((n_blends, 2, config.side, config.side, 3), np.uint8)
        for batch, blends, _ in render_batches(opened, pairs, config):
            made = predict(generator, blends, device, precision, orientations=number)
            predictions[name][batch] = to_uint8(made)
        records[name] = read_json(description)
    statistics = summary(score_methods(opened, pairs, config, predictions))
    statistics = statistics.set_index(["method", "galaxy", "quantity"])
    table = []
    for name in (*made_with, "blend"):
        record = records.get(name, {})
        given = {"n_parameters": record.get("n_parameters_generator")}
        given |= {key: record.get(key) for key in ("val_psnr_db", "seconds", "problem")}
        for galaxy in ("both", "central", "companion"):
            row: dict[str, Any] = {"ablation": name, "galaxy": galaxy}
            for quantity in QUANTITIES:
                found = statistics.loc[(name, galaxy, quantity)]
                row |= {quantity: found["mean"], f"{quantity}_error": found["error of mean"]}
            table.append(row | given)
    result = pd.DataFrame(table).astype({"n_parameters": "Int64"})
    log.info("\n%s", result[result["galaxy"] == "both"].to_string(index=False))
    return result
