"""Train a network on blends that are rendered on demand; resume after an interruption."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from deblend.boucaud2020 import networks
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.masks import THRESHOLD, intersection_over_union, true_masks
from deblend.boucaud2020.predict import load_network, save_network
from deblend.boucaud2020.render import render
from deblend.boucaud2020.training_stamps import KEPT_BYTES, TrainingStamps, open_for_training
from deblend.data.profiles import psf_fwhm_px
from deblend.data.ranges import galaxy_ranges
from deblend.data.stamps import Stamps
from deblend.errors import DeblendError
from deblend.tables import read_ecsv, write_csv
from deblend.training.fingerprints import fingerprint
from deblend.training.keras_checkpoint import Checkpoint, Trainee
from deblend.training.keras_progress import progress_callback
from deblend.training.loop import Loop
from deblend.training.outputs import Outputs, training_outputs
from deblend.training.schedule import Steering, SteeringConfig
from deblend.units import flux_from_mag


@dataclass(frozen=True)
class TrainingConfig:
    """Batches and targets of a training.

    Attributes
    ----------
    seed : int
    batch_size : int
    n_train_blends : int or None
        Size of the training set; None: every epoch draws new blends.
    steps_per_epoch : int or None
        Batches in an epoch; None: the whole training set, whose size has to be given.
    companion_edge : {"zero", "noise"}
        See `deblend.boucaud2020.render.render`.
    adam_epsilon : float
        Adam's constant for numerical stability.
    targets : tuple of str
        What the network is trained to predict: "fluxes", "masks" or both.
    overlap_channel : bool
        Add a third mask, of the pixels that belong to both galaxies.
    flip_blends : bool
        Flip each blend as a whole at random, along x, y or both; each epoch has other flips.
        Without effect if each galaxy is flipped and rotated.
    """

    seed: int
    batch_size: int
    n_train_blends: int | None
    steps_per_epoch: int | None
    companion_edge: str
    adam_epsilon: float = 1e-7
    targets: tuple[str, ...] = ("fluxes",)
    overlap_channel: bool = False
    flip_blends: bool = False


#: Flips of a blend: orientation of both galaxies (`deblend.boucaud2020.render.orient`), and the
#: signs by which the shift along x and y is multiplied.
FLIPS = np.array([[0, 1, 1], [7, -1, 1], [5, 1, -1], [2, -1, -1]])


def flipped(blends: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Flip each blend as a whole at random, as the authors' code does for the U-Net.

    Parameters
    ----------
    blends : DataFrame
        Rows of `deblend.boucaud2020.blends.COLUMNS` whose galaxies are not flipped or rotated.
    rng : Generator

    Returns
    -------
    DataFrame
    """
    orientation, x_sign, y_sign = FLIPS[rng.integers(0, len(FLIPS), len(blends))].T
    return blends.assign(
        dx=blends["dx"] * x_sign,
        dy=blends["dy"] * y_sign,
        central_orientation=orientation,
        companion_orientation=orientation,
    )


class BlendBatches(keras.utils.PyDataset):
    """Batches of one epoch, rendered when they are requested.

    Parameters
    ----------
    source : BlendSource
    epoch : int
        Number of the epoch, from 0. It alone decides which blends are drawn, and their order.
    """

    def __init__(self, source: "BlendSource", epoch: int) -> None:
        super().__init__(workers=2, max_queue_size=8)
        self.source = source
        self.rows = source.epoch_rows(epoch)

    def __len__(self) -> int:
        return self.source.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any]:
        size = self.source.config.batch_size
        images, targets = self.source.arrays(self.rows.iloc[index * size : (index + 1) * size])
        return images, targets if len(targets) > 1 else next(iter(targets.values()))


class BlendSource:
    """Training blends of a data set.

    Parameters
    ----------
    stamps : Stamps
        The data set.
    rows : ndarray of int
        Galaxies of the training split.
    blending : BlendConfig
    config : TrainingConfig
    seed : int
        The blends' seed (not the training's).
    kept_bytes : int
        See `deblend.boucaud2020.training_stamps.TrainingStamps`.

    Raises
    ------
    DeblendError
        Neither a training set's size nor a number of steps is given.
    """

    def __init__(
        self,
        stamps: Stamps,
        rows: np.ndarray,
        blending: BlendConfig,
        config: TrainingConfig,
        seed: int,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        if config.n_train_blends is None and config.steps_per_epoch is None:
            raise DeblendError("n_train_blends and steps_per_epoch are both null: give one of them")
        masks = "masks" in config.targets
        self._stamps = TrainingStamps(stamps, masks=masks, kept_bytes=kept_bytes)
        self.stamp_size = int(stamps.images.shape[-1])
        self.galaxies = stamps.galaxies
        self.noise_sigma, self.noise_correlation = stamps.noise()
        self.flux = flux_from_mag(stamps.galaxies.mag, float(stamps.bands.zero_point[0]))
        self.rows, self.blending, self.config, self.seed = rows, blending, config, seed
        self.steps = config.steps_per_epoch or max(
            1, (config.n_train_blends or 0) // config.batch_size
        )
        if config.n_train_blends is not None and config.n_train_blends < config.batch_size:
            raise DeblendError(
                f"n_train_blends is {config.n_train_blends}, less than a batch of "
                f"{config.batch_size}: give more blends or a smaller batch_size"
            )

    def draw(self, start: int, stop: int, split: str = "train") -> pd.DataFrame:
        """Draw the blends start to stop - 1 of a split, by default of the training split."""
        return draw_blends(
            self.galaxies,
            self.rows,
            start,
            stop,
            stamp_size=self.stamp_size,
            seed=self.seed,
            split=split,
            config=self.blending,
        )

    def epoch_rows(self, epoch: int) -> pd.DataFrame:
        """The blends of one epoch, in order."""
        rows = self._chosen_rows(epoch)
        if self.config.flip_blends and not self.blending.orientations:
            rows = flipped(rows, np.random.default_rng([self.config.seed, epoch]))
        return rows

    def _chosen_rows(self, epoch: int) -> pd.DataFrame:
        n = self.steps * self.config.batch_size
        total = self.config.n_train_blends
        if total is None:
            return self.draw(epoch * n, (epoch + 1) * n)
        # Each pass through a finite training set has a random order of its own. An epoch can be a
        # part of a pass, or several passes.
        first, last = epoch * n, (epoch + 1) * n
        passes = range(first // total, -(-last // total))
        orders = [np.random.default_rng([self.config.seed, p]).permutation(total) for p in passes]
        offset = first - passes[0] * total
        chosen = np.concatenate(orders)[offset : offset + n]
        return self.draw(0, total).iloc[chosen]

    def arrays(self, blends: pd.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Images and targets of blends.

        Returns
        -------
        images : ndarray, shape (n, y, x, 1), float32
            Counts/s.
        targets : dict
            Those that the configuration has: "masks" (n, y, x, 2 or 3), 0 or 1, and "fluxes"
            (n, 2), counts/s.
        """
        stamps, masks, numbered = self._stamps.of(blends)
        images = render(
            stamps,
            numbered,
            companion_edge=self.config.companion_edge,
            noise_sigma=self.noise_sigma,
            noise_correlation=self.noise_correlation,
        )
        targets: dict[str, np.ndarray] = {}
        if "masks" in self.config.targets:
            overlap = self.config.overlap_channel
            targets["masks"] = true_masks(masks, numbered, overlap=overlap)
        if "fluxes" in self.config.targets:
            pair = [self.flux[blends[c].to_numpy()] for c in ("central", "companion")]
            targets["fluxes"] = np.stack(pair, axis=1).astype(np.float32)
        return images[..., None], targets


def mape(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean absolute percentage error (Boucaud et al. 2020, eq. 1)."""
    return float(100 * np.mean(np.abs((true - predicted) / true)))


def cross_entropy(predicted: np.ndarray, true: np.ndarray) -> float:
    """Mean binary cross-entropy per pixel (Boucaud et al. 2020, Sect. 3.2)."""
    probability = np.clip(predicted.astype(float), 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(true > 0, np.log(probability), np.log1p(-probability))))


#: Keras' name of the loss of each target; `mape` and `cross_entropy` are the same for validation.
LOSSES = {"fluxes": "mean_absolute_percentage_error", "masks": "binary_crossentropy"}


VALIDATION_BATCH = 256


def validate(
    model: keras.Model,
    source: "BlendSource",
    blends: pd.DataFrame,
    loss_weights: dict[str, float],
) -> dict[str, float]:
    """Losses on validation blends, rendered in batches.

    Returns
    -------
    dict
        `val_loss`, the weighted sum of the losses; `val_mape_flux_percent` if the targets include
        fluxes; `val_mask_crossentropy` and the mean `val_iou` if they include masks.
    """
    sums: dict[str, float] = {}
    for start in range(0, len(blends), VALIDATION_BATCH):
        rows = blends.iloc[start : start + VALIDATION_BATCH]
        images, targets = source.arrays(rows)
        predicted = model.predict(images, batch_size=VALIDATION_BATCH, verbose=0)
        if not isinstance(predicted, dict):
            predicted = {next(iter(targets)): predicted}
        batch_metrics = {}
        if "fluxes" in targets:
            batch_metrics["val_mape_flux_percent"] = mape(predicted["fluxes"], targets["fluxes"])
        if "masks" in targets:
            masks, true = np.asarray(predicted["masks"]), targets["masks"]
            batch_metrics["val_mask_crossentropy"] = cross_entropy(masks, true)
            iou = intersection_over_union(masks[..., :2] >= THRESHOLD, true[..., :2] > 0)
            batch_metrics["val_iou"] = float(np.nanmean(iou))
        for name, value in batch_metrics.items():
            sums[name] = sums.get(name, 0.0) + value * len(rows) / len(blends)
    parts = {"fluxes": "val_mape_flux_percent", "masks": "val_mask_crossentropy"}
    loss = sum(loss_weights[t] * sums[parts[t]] for t in source.config.targets)
    return {"val_loss": loss, **sums}


#: Training blends from which the mean of the masks is measured before the training.
N_FOR_MEAN = 256


#: A mean intersection over union below this is that of (nearly) empty masks.
EMPTY_IOU = 0.05


def start_at_mean_masks(unet: keras.Model, source: BlendSource) -> None:
    """Set the bias of a U-Net's last layer such that its masks start at their mean values.

    Most pixels belong to no galaxy. With a bias of zero, a U-Net first learns to make empty masks,
    and small ones take long to leave them again.

    Parameters
    ----------
    unet : keras.Model
        With the layer "masks".
    source : BlendSource
        Whose targets are masks alone.
    """
    _, targets = source.arrays(source.draw(0, N_FOR_MEAN))
    share = np.clip(targets["masks"].mean(axis=(0, 1, 2)), 1e-4, 1 - 1e-4)
    kernel, _ = unet.get_layer("masks").get_weights()
    unet.get_layer("masks").set_weights([kernel, np.log(share / (1 - share))])


def not_learnt(best: dict[str, float], start: dict[str, float]) -> str | None:
    """Why a training has taught a network nothing; None if it has learnt.

    Parameters
    ----------
    best, start : dict
        Results of `validate` for the best epoch and for the initial weights.
    """
    if not best["val_loss"] < start["val_loss"]:
        return (
            f"no epoch is better than the initial weights (loss {best['val_loss']:.4g} against "
            f"{start['val_loss']:.4g})"
        )
    if best.get("val_iou", 1.0) < EMPTY_IOU:
        return f"its masks are empty (mean IoU {best['val_iou']:.2g})"
    return None


def train(
    source: BlendSource,
    validation: pd.DataFrame,
    *,
    architecture: str,
    options: dict[str, Any],
    steering_config: SteeringConfig,
    checkpoint: Checkpoint,
    loss_weights: dict[str, float] | None = None,
    unet_weights: list[np.ndarray] | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any]]:
    """Train a network; resume where an earlier call was interrupted.

    The loss is the mean absolute percentage error of the fluxes, the binary cross-entropy of the
    masks, or their weighted sum.

    Parameters
    ----------
    source : BlendSource
    validation : DataFrame
        Validation blends.
    architecture, options
        See `deblend.boucaud2020.networks.build`.
    steering_config : SteeringConfig
    checkpoint : Checkpoint
    loss_weights : dict, optional
        Weight of each target's loss; 1 when absent.
    unet_weights : list of ndarray, optional
        Weights of a trained U-Net, which the layer "unet" starts with.
    on_epoch : callable, optional
        Called with the number of completed epochs.

    Returns
    -------
    model : keras.Model
        With the weights of the epoch with the lowest validation loss.
    history : DataFrame
        `epoch`, `blends_seen`, `learning_rate`, `loss`, and what `validate` returns.
    summary : dict
        Summary of the training, to be recorded with the network; `seconds` is its duration,
        including validation and interrupted attempts.

    Raises
    ------
    DeblendError
        The training has diverged.

    References
    ----------
    Boucaud et al. 2020, Sects 3.1 and 3.2.
    """
    targets = source.config.targets
    weights = loss_weights or dict.fromkeys(targets, 1.0)
    keras.utils.set_random_seed(source.config.seed)
    model = networks.build(architecture, source.stamp_size, options)
    if architecture == "unet":
        start_at_mean_masks(model, source)
    if unet_weights is not None:
        model.get_layer("unet").set_weights(unet_weights)
    has_both_targets = len(targets) > 1
    model.compile(
        optimizer=keras.optimizers.Adam(
            steering_config.learning_rate, epsilon=source.config.adam_epsilon
        ),
        loss={t: LOSSES[t] for t in targets} if has_both_targets else LOSSES[targets[0]],
        loss_weights={t: weights[t] for t in targets} if has_both_targets else None,
    )
    model.optimizer.build(model.trainable_variables)
    start = validate(model, source, validation, weights)
    steering = Steering(steering_config)
    trainee = Trainee(model, steering)
    images_per_epoch = source.steps * source.config.batch_size
    loop = Loop(
        checkpoint,
        trainee,
        total=steering_config.epochs,
        images=images_per_epoch,
        steps=source.steps,
        on_done=on_epoch,
    )
    for epoch in loop:
        if steering.stopped:
            break
        rate = steering.rate(epoch)
        model.optimizer.learning_rate = rate
        fitted = model.fit(
            BlendBatches(source, epoch),
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            verbose=0,
            callbacks=[progress_callback(loop)],
        )
        metrics = validate(model, source, validation, weights)
        loss = float(fitted.history["loss"][0])
        loop.check({"loss": loss, "val_loss": metrics["val_loss"]}, rate)
        is_best = trainee.judge(epoch, metrics["val_loss"])
        row = {
            "epoch": epoch + 1,
            "blends_seen": (epoch + 1) * images_per_epoch,
            "learning_rate": rate,
        }
        loop.record({**row, "loss": loss, **metrics}, note="best" if is_best else "")
    table, seconds = loop.finish()
    history = loop.history
    model.set_weights(trainee.best)
    best_row = history[steering.best_epoch]
    summary = {
        "n_parameters": model.count_params(),
        "n_train_blends": source.config.n_train_blends,
        "n_blends_seen": history[-1]["blends_seen"],
        "n_train_galaxies": len(source.rows),
        "n_epochs": len(history),
        "best_epoch": steering.best_epoch + 1,
        **{name: value for name, value in best_row.items() if name.startswith("val_")},
        "start_val_loss": start["val_loss"],
        "problem": not_learnt(best_row, start),
        "loss_weights": weights,
        "converged": steering.converged,
        "steering": steering.describe(),
        "training": asdict(source.config),
        "seconds": seconds,
    }
    return model, table, summary


#: Keys of a network's configuration that its builder takes.
OPTIONS = {
    "blend2flux": ("filters", "dense_units", "asinh_softening", "flux_scale", "output"),
    "unet": (
        "filters",
        "depth",
        "dropout",
        "dropout_after",
        "asinh_softening",
        "overlap_channel",
    ),
}


OPTIONS["blend2mask2flux"] = OPTIONS["blend2flux"]


def network_options(
    network: dict[str, Any], unet_record: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The builder's options from an entry of the configuration.

    Parameters
    ----------
    network : dict
        Entry under `networks`.
    unet_record : dict, optional
        Description of the trained U-Net that blend2mask2flux starts from.
    """
    options = {k: network[k] for k in OPTIONS[network["architecture"]]}
    if network["architecture"] == "blend2mask2flux":
        assert unet_record is not None
        options["unet_options"] = unet_record["options"]
    return options


def training_sample(stamps: Stamps) -> dict[str, Any]:
    """What images of one's own have to be like for a network that was trained on these galaxies.

    Parameters
    ----------
    stamps : Stamps
        Of the training split.

    Returns
    -------
    dict
        `band`; `mag_range` of the galaxies, and `radius_range_arcsec` of their half-light radii,
        None where they are unknown; `noise_sigma` of a stamp (counts/s; it is up to
        sqrt(2) times as high in a blend), `noise` ("correlated" or "white", which stands for
        unknown too), and `psf_fwhm_arcsec`, which is None where the data set has no PSF.
    """
    band = stamps.bands.iloc[0]
    sigma, correlation = stamps.noise()
    psf = stamps.psf
    return {
        "band": str(band["name"]),
        **galaxy_ranges(stamps.galaxies, float(band["pixel_scale_arcsec"])),
        "noise_sigma": sigma,
        "noise": "white" if correlation is None else "correlated",
        "psf_fwhm_arcsec": (
            None if psf is None else psf_fwhm_px(psf[0]) * float(band["pixel_scale_arcsec"])
        ),
    }


def train_from_config(
    stamps: Stamps,
    split: np.ndarray,
    validation_blends: pd.DataFrame,
    network: dict[str, Any],
    blending: dict[str, Any],
    *,
    seed: int,
    checkpoint: str | Path,
    fingerprinted: dict[str, Any],
    files: list[str | Path],
    unet: tuple[keras.Model, dict[str, Any]] | None = None,
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any]]:
    """Train a network as an entry of the configuration says.

    Parameters
    ----------
    stamps : Stamps
    split : ndarray of str
        Split of each galaxy.
    validation_blends : DataFrame
    network : dict
        Entry under `networks`.
    blending : dict
        `delta_mag_max`, `shift_rule`, `companion_edge`.
    seed : int
    checkpoint : path
        File of the training state. The caller removes it after writing the results.
    fingerprinted : dict
        Other values that the result depends on: threads, versions, and "code", a digest of the
        code.
    files : list of path
        Data files that the result depends on.
    unet : (keras.Model, dict), optional
        The trained U-Net that blend2mask2flux starts from, and its description.

    Returns
    -------
    model, history
        See `train`.
    record : dict
        Description of the network, from which `deblend.boucaud2020.predict.load_network`
        rebuilds it.
    """
    rows = np.flatnonzero(split == "train")
    if len(rows) < 2:
        raise DeblendError(
            f"the train split has {len(rows)} galaxies: give the data set {network['dataset']} a "
            "larger share for training"
        )
    architecture = network["architecture"]
    targets = networks.TARGETS[architecture]
    options = network_options(network, unet[1] if unet else None)
    blend_rules = {k: blending[k] for k in ("delta_mag_max", "shift_rule")}
    training_keys = (
        *("batch_size", "n_train_blends", "steps_per_epoch", "adam_epsilon", "flip_blends"),
    )
    source = BlendSource(
        stamps,
        rows,
        BlendConfig(**blend_rules, orientations=network["augment"]),
        TrainingConfig(
            seed=seed,
            companion_edge=blending["companion_edge"],
            targets=targets,
            overlap_channel=bool(
                options.get("unet_options", options).get("overlap_channel", False)
            ),
            **{k: network[k] for k in training_keys},
        ),
        seed,
        KEPT_BYTES,
    )
    steering = SteeringConfig(
        **{name: network[name] for name in SteeringConfig.model_fields},
    )
    configuration = {
        "network": network,
        "blending": blending,
        "seed": seed,
        **fingerprinted,
    }
    state = Checkpoint(checkpoint, fingerprint(configuration, files))
    model, history, summary = train(
        source,
        validation_blends,
        architecture=architecture,
        options=options,
        steering_config=steering,
        checkpoint=state,
        loss_weights={
            t: network[key] if len(targets) > 1 else 1.0
            for t, key in (("fluxes", "flux_loss_weight"), ("masks", "mask_loss_weight"))
            if t in targets
        },
        unet_weights=unet[0].get_weights() if unet else None,
    )
    band = stamps.bands.iloc[0]
    record = {
        "architecture": architecture,
        "stamp_size": int(stamps.images.shape[-1]),
        "pixel_scale_arcsec": float(band.pixel_scale_arcsec),
        "zero_point": float(band.zero_point),
        **training_sample(stamps.take(rows)),
        "options": options,
        "dataset": network["dataset"],
        "blending": blending,
        **summary,
    }
    return model, history, record


def train_and_write(
    outputs: Outputs,
    stamps: str | Path,
    galaxies: str | Path,
    validation_blends: str | Path,
    network: dict[str, Any],
    blending: dict[str, Any],
    *,
    unet: Sequence[str | Path],
    seed: int,
    checkpoint: str | Path,
    code: str,
    recorded: dict[str, Any],
) -> None:
    """Train a network as an entry of the configuration says, and write all that is kept of it.

    The checkpoint is deleted when everything is written: until then, another call resumes from it.

    Parameters
    ----------
    outputs : dict of path
        `weights`, `description`, `history`, `timing`.
    stamps : path
        HDF5 file of the data set.
    galaxies : path
        ECSV table of its galaxies, with `split`.
    validation_blends : path
        ECSV table.
    network, blending : dict
        See `train_from_config`.
    unet : sequence of path
        Weights and description of the trained U-Net that blend2mask2flux starts from; empty for
        other networks.
    seed : int
    checkpoint : path
        File of the training state.
    code : str
        Digest of the code.
    recorded : dict
        `scale`, `threads` and versions, which the description contains. A checkpoint is only used
        if `threads` and the versions are still the same.
    """
    masks = "masks" in networks.TARGETS[network["architecture"]]
    opened = open_for_training(stamps, masks=masks, kept_bytes=KEPT_BYTES)
    model, history, record = train_from_config(
        opened,
        np.asarray(read_ecsv(galaxies, ["split"])["split"]),
        read_ecsv(validation_blends),
        network,
        blending,
        seed=seed,
        checkpoint=checkpoint,
        fingerprinted={"code": code, **{k: v for k, v in recorded.items() if k != "scale"}},
        files=[stamps, galaxies, validation_blends, *unet],
        unet=load_network(*unet) if unet else None,
    )
    with training_outputs(outputs["timing"], record, recorded, [checkpoint]) as description:
        save_network(outputs["weights"], outputs["description"], model, description)
        write_csv(outputs["history"], history)
