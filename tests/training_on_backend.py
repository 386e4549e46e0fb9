"""Small trainings of each kind of network on the backend of Keras that KERAS_BACKEND names.

python tests/training_on_backend.py START.npz OUT.npz [SEED]: START has the initial weights; it is
written if it does not exist. OUT has the losses of each step and the outputs after the last one.
"""

import sys
from pathlib import Path

import numpy as np
from deblend.training import keras_backend

#: Kinds of networks, and of what they are trained on; all are small and have no dropout, whose
#: random numbers are those of each backend.
FAMILIES = ("blend2flux", "unet", "blend2mask2flux", "head", "small_network")
POLICIES = ("float32", "mixed_bfloat16")
SIDE, N_FEATURES, BATCH, STEPS = 32, 64, 8, 5


def data(family: str, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Inputs and targets of all steps."""
    rng = np.random.default_rng(seed)
    n = BATCH * STEPS
    fluxes = rng.uniform(1, 3, (n, 2)).astype(np.float32)
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    light = [np.exp(-((x - shift) ** 2 + y**2) / 18) for shift in (0, 5)]
    images = np.einsum("nk,kyx->nyx", fluxes, light) + rng.normal(0, 0.05, (n, SIDE, SIDE))
    masks = np.broadcast_to(np.stack(light, axis=-1) > 0.3, (n, SIDE, SIDE, 2))
    labels = (fluxes.sum(axis=1, keepdims=True) > 4).astype(np.float32)
    if family == "head":
        return (labels + rng.normal(0, 0.5, (n, N_FEATURES))).astype(np.float32), {"blend": labels}
    inputs = images[..., None].astype(np.float32)
    if family == "small_network":
        return inputs, {"blend": labels}
    targets = {"masks": masks.astype(np.float32), "fluxes": fluxes}
    wanted = {"blend2flux": ["fluxes"], "unet": ["masks"]}.get(family, list(targets))
    return inputs, {name: targets[name] for name in wanted}


def network(family: str):
    """The network, not compiled."""
    from deblend.boucaud2020 import networks
    from deblend.farrens2022.networks import head, small_network

    if family == "head":
        return head(N_FEATURES, units=(16, 32), dropout=0.0)
    if family == "small_network":
        return small_network(SIDE, filters=(4, 4, 8, 8), units=8, dropout=0.0)
    unet = {"filters": 4, "depth": 2, "dropout": 0.0, "asinh_softening": 0.1}
    unet |= {"dropout_after": "both", "overlap_channel": False}
    fluxes = {"filters": 4, "dense_units": 16, "asinh_softening": 0.1, "flux_scale": 2.0}
    fluxes |= {"output": "exponential"}
    both = fluxes | {"unet_options": unet}
    options = {"unet": unet, "blend2flux": fluxes, "blend2mask2flux": both}
    return networks.build(family, SIDE, options[family])


def train(
    family: str, policy: str, start: dict[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """Train a network for a few steps, from weights in `start`, which gets them if it has none."""
    import keras
    from deblend.boucaud2020.training import LOSSES

    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(seed)
    model = network(family)
    names = [f"{family}/{k}" for k in range(len(model.get_weights()))]
    for name, value in zip(names, model.get_weights(), strict=True):
        start.setdefault(name, value)
    model.set_weights([start[name] for name in names])
    inputs, targets = data(family, seed)
    kinds = {**LOSSES, "blend": "binary_crossentropy"}
    single = len(targets) == 1
    losses = [kinds[name] for name in targets]
    # Step by step: to compile the graphs would take longer than the steps.
    model.compile(
        keras.optimizers.Adam(1e-3, epsilon=1e-7),
        losses[0] if single else dict(zip(targets, losses, strict=True)),
        run_eagerly=True,
    )
    found = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        part = {name: values[rows] for name, values in targets.items()}
        truth = next(iter(part.values())) if single else part
        result = model.train_on_batch(inputs[rows], truth, return_dict=True)
        found.append(float(result["loss"]))
    outputs = model.predict_on_batch(inputs[:BATCH])
    outputs = dict(outputs) if isinstance(outputs, dict) else {"output": outputs}
    key = f"{family}/{policy}"
    arrays = {f"{key}/{name}": np.asarray(value, np.float32) for name, value in outputs.items()}
    return arrays | {f"{key}/loss": np.array(found)}


def main(start_file: str, out: str, seed: str = "1") -> None:
    """Train all kinds of networks with all precisions."""
    keras_backend.configure("tensorflow", 1, 1)
    start: dict[str, np.ndarray] = {}
    if Path(start_file).exists():
        start = dict(np.load(start_file))
    found: dict[str, np.ndarray] = {}
    for family in FAMILIES:
        for policy in POLICIES:
            found |= train(family, policy, start, int(seed))
    np.savez(start_file, **start)
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
