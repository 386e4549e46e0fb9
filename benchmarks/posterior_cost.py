"""Processor time of the training of blend2posterior over that of blend2flux and U-Net.

    python benchmarks/posterior_cost.py evidence/benchmark/cost.json

Each is trained for some steps, in turn, on one thread, with its scenes rendered on demand, at the
sizes of config/small.yaml; the cost of its whole training is that of a step times its steps.
"""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from deblend.benchmark.config import Blend2Posterior  # noqa: E402
from deblend.benchmark.posterior_scenes import TrainingScenes, rules_of  # noqa: E402
from deblend.benchmark.posterior_training import Trainer  # noqa: E402
from deblend.boucaud2020.config import BlendConfig  # noqa: E402
from deblend.boucaud2020.simulate import simulate_chunk  # noqa: E402
from deblend.data.priors import read_priors  # noqa: E402
from deblend.files import write_json  # noqa: E402
from deblend.training import keras_backend  # noqa: E402

from tests.conftest import simulator_config  # noqa: E402

ROUNDS, STEPS = 5, 4
BLENDING = {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "noise"}


def keras_step(architecture, options, targets, batch_size, stamps):
    """Function that trains for some steps, on blends of their own."""
    import keras
    from deblend.boucaud2020.networks import build
    from deblend.boucaud2020.training import LOSSES, BlendSource, TrainingConfig

    config = TrainingConfig(1, batch_size, None, STEPS, "noise", targets=targets)
    rules = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True)
    source = BlendSource(stamps, np.arange(len(stamps.images)), rules, config, 1)
    model = build(architecture, stamps.images.shape[-1], options)
    model.compile(keras.optimizers.Adam(1e-4), LOSSES[targets[0]])

    def run(number):
        first = number * STEPS * batch_size
        for k in range(STEPS):
            rows = source.draw(first + k * batch_size, first + (k + 1) * batch_size)
            images, true = source.arrays(rows)
            model.train_on_batch(images, true[targets[0]])

    return run


def posterior_step(entry, stamps):
    """The same for blend2posterior."""
    scenes = TrainingScenes(stamps, rules_of(entry, BLENDING), split="train", seed=1)
    trainer = Trainer(entry, scenes.fluxes, torch.device("cpu"), 1)

    def run(number):
        for k in range(STEPS):
            iteration = number * STEPS + k
            trainer.step(iteration, *scenes.batch(iteration, entry["batch_size"]))

    return run


def main(path):
    """Measure all three and write the table."""
    small = yaml.safe_load((ROOT / "config/small.yaml").read_text())["networks"]
    keras_backend.configure("tensorflow", 1, 0)
    torch.set_num_threads(1)
    priors = read_priors(ROOT / "config/priors.yaml")
    stamps = simulate_chunk(2, "sim", 0, 200, priors, simulator_config())
    stamps.segmaps = (stamps.images[:, 0] > 0.03).astype(np.int16)
    stamps.galaxies["split"] = "train"
    runs, steps, images = {}, {}, {}
    known = {
        "blend2flux": (
            ("filters", "dense_units", "asinh_softening", "flux_scale", "output"),
            ("fluxes",),
        ),
        "unet": (("filters", "depth", "dropout", "asinh_softening"), ("masks",)),
    }
    for name, (keys, targets) in known.items():
        network = small[name]
        options = {key: network[key] for key in keys}
        runs[name] = keras_step(name, options, targets, network["batch_size"], stamps)
        steps[name] = network["epochs"] * network["steps_per_epoch"]
        images[name] = network["batch_size"]
    entry = Blend2Posterior(kind="blend2posterior").model_dump(mode="json")
    runs["blend2posterior"] = posterior_step(entry, stamps)
    steps["blend2posterior"], images["blend2posterior"] = entry["iterations"], entry["batch_size"]
    spent = {name: [] for name in runs}
    for round_ in range(ROUNDS + 1):
        for name, run in runs.items():
            start = time.process_time()
            run(round_)
            # The first round compiles.
            if round_:
                spent[name].append((time.process_time() - start) / STEPS)
    table = {
        name: {
            "seconds_per_step": float(np.median(values)),
            "steps": steps[name],
            "batch_size": images[name],
            "hours": float(np.median(values)) * steps[name] / 3600,
        }
        for name, values in spent.items()
    }
    both = table["blend2flux"]["hours"] + table["unet"]["hours"]
    write_json(path, {"networks": table, "ratio": table["blend2posterior"]["hours"] / both})
    print(Path(path).read_text())


if __name__ == "__main__":
    main(sys.argv[1])
