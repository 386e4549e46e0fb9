from dataclasses import replace

import numpy as np
from deblend.scenes import sep_photometry
from deblend.scenes.figures import draw_injections, draw_scenes
from deblend.scenes.inject import inject
from deblend.scenes.masks import Mask
from deblend.scenes.steps import read_peaks


def test_scenes_and_errors_are_drawn(tmp_path, placed):
    ramp = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (32, 1))
    masks = [Mask(0, 0, "unet", (10.0, 10.0), 1.0, ramp)]
    outputs = [tmp_path / "scenes.pdf", tmp_path / "scenes.png"]
    images = placed.images.copy()
    images[5] = np.nan  # one without data in the detection band
    shown = replace(placed, images=images)
    draw_scenes(shown, sep_photometry.measure(placed), masks, read_peaks([]), outputs, "mine")
    injected = inject(placed, 3, seed=1)
    again = [tmp_path / "injections.pdf"]
    draw_injections(injected, sep_photometry.measure(injected), again, "mine")
    nothing = [tmp_path / "none.pdf"]
    draw_injections(inject(placed, 0, seed=1), sep_photometry.measure(injected), nothing, "mine")
    picture = replace(
        placed,
        images=np.repeat(placed.images, 3, axis=1),
        bands=("red", "green", "blue"),
        zero_points=np.full(3, 25.0),
        noise_sigma=np.repeat(placed.noise_sigma, 3, axis=1),
        psf=None,
        stretched=True,
    )
    drawn = [tmp_path / "pictures.pdf"]
    draw_scenes(picture, sep_photometry.measure(picture), [], read_peaks([]), drawn, "mine")
    for path in (*outputs, *again, *nothing, *drawn):
        assert path.stat().st_size > 5000
