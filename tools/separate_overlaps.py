"""Separate true overlaps of galaxies in Galaxy Zoo images by a trained generator, and draw them.

    python tools/separate_overlaps.py results/galaxyzoo resources/galaxyzoo overlaps.png

The first folder has the results of a finished run (config/examples/galaxyzoo.yaml), the second one
its JPEGs. The figure shows each image, both galaxies that the generator makes of it, and what these
lack of it. The default list, config/examples/overlaps.csv, has a dozen of 1,500 images whose two
brightest sources near the centre, by SEP, have a flux ratio from 0.15 to 6 and overlap, and which
show two galaxies by eye. No truth is known for them. Beside the id stands the split of the image:
those of the training were shown to the network as if they were of one galaxy.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.errors import DeblendError
from deblend.files import read_json
from deblend.plots.style import label_line
from deblend.reiman2019.figures.own_images import draw_separated
from deblend.reiman2019.images import read_index
from deblend.reiman2019.own_images import GALAXY_ZOO_RADIUS_PX, separate_images

#: Images of Galaxy Zoo that show two galaxies.
OVERLAPS = Path(__file__).parents[1] / "config/examples/overlaps.csv"


def separate_overlaps(
    results: Path, folder: Path, figure: Path, ids: list[str], network: str = "deblender_gan"
) -> None:
    """Separate images of a folder, and draw them.

    Parameters
    ----------
    results : path
        Folder with `networks` and `datasets` of a run.
    folder : path
        JPEGs of Galaxy Zoo as they are published, such as 100023.jpg.
    figure : path
    ids : list of str
        Of the images.
    network : str, optional
        Name of the network.

    Raises
    ------
    DeblendError
        An image or a file of the run is missing.
    """
    paths = {image_id: folder / f"{image_id}.jpg" for image_id in ids}
    weights = results / "networks" / network / "network.h5"
    description = weights.with_suffix(".json")
    for path in (weights, description, *paths.values()):
        if not path.is_file():
            raise DeblendError(f"there is no {path}: correct the folder, or train the network")
    record = read_json(description)
    index = read_index(results / "datasets" / record["dataset"] / "index.csv")
    splits = index.set_index("id")["split"].to_dict()
    images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths.values()])
    separated = separate_images(
        images,
        weights=weights,
        description=description,
        petrosian_radius_px=GALAXY_ZOO_RADIUS_PX,
    )
    names = [f"{i} ({splits[i]})" if i in splits else i for i in ids]
    label = label_line(f"{record['scale']} scale", record["dataset"], network, len(ids))
    draw_separated(separated, names, [figure], label)


def main() -> None:
    """Separate and draw as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="folder of the results of a finished run")
    parser.add_argument("folder", type=Path, help="folder of the JPEGs")
    parser.add_argument("figure", type=Path, help="PDF or PNG file to write")
    parser.add_argument("--network", default="deblender_gan", help="default: deblender_gan")
    parser.add_argument("--ids", type=Path, default=OVERLAPS, help="CSV file with a column id")
    options = parser.parse_args()
    ids = pd.read_csv(options.ids, dtype=str)["id"].tolist()
    try:
        separate_overlaps(options.results, options.folder, options.figure, ids, options.network)
    except DeblendError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
