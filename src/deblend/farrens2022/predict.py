"""Label stamps with trained heads."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from deblend.farrens2022.features import extract_features
from deblend.farrens2022.networks import head
from deblend.training.vgg import read_vgg
from deblend.training.vgg_keras import feature_extractor


def label_with_heads(
    sample: str | Path,
    vgg: str | Path,
    heads: dict[str, str | Path],
    *,
    dropout: float,
    noise_sigma: float,
    item: tuple,
    padding: int,
    seed: int,
) -> pd.DataFrame:
    """Probability that each stamp is a blend, by every trained head.

    The features of the stamps are computed once for all heads.

    Parameters
    ----------
    sample : path
        Stamps without noise.
    vgg : path
        From `deblend.training.vgg.write_vgg`.
    heads : dict
        Name to file of weights.
    dropout : float
        Dropout of the heads.
    noise_sigma, item, padding, seed
        See `deblend.farrens2022.stamps.noisy_batches`.

    Returns
    -------
    DataFrame
        A column for each head.
    """
    with h5py.File(sample, "r") as file:
        side = file["images"].shape[-1] + 2 * padding
    extractor = feature_extractor(side, read_vgg(vgg))
    n_features = int(np.prod(extractor.output.shape[1:]))
    models = {}
    for name, path in heads.items():
        models[name] = head(n_features, dropout=dropout)
        models[name].load_weights(path)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in heads}
    for batch in extract_features(
        extractor,
        sample,
        noise_sigma=noise_sigma,
        padding=padding,
        seed=seed,
        item=item,
        augmented=False,
    ):
        for name, model in models.items():
            columns[name].append(np.asarray(model.predict(batch, batch_size=1000, verbose=0))[:, 0])
    return pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})
