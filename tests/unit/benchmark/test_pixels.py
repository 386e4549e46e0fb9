import numpy as np
from deblend.benchmark.catalogue import Catalogue, as_catalogue
from deblend.benchmark.pixels import image_scores, mask_scores

from tests.unit.benchmark.conftest import perfect

ROWS = np.array([0, 1, -1, 3])


def test_masks_and_images_of_the_truth_are_perfect(scenes, truth):
    found = as_catalogue(perfect(scenes), scenes, "m")
    np.testing.assert_allclose(mask_scores(truth, found, ROWS), [1, 1, np.nan, 1])
    assert np.isposinf(image_scores(truth, found, ROWS)[[0, 1, 3]]).all()


def test_scores_are_as_by_hand(scenes, truth):
    found = perfect(scenes)
    masks, images = found.masks.astype(float), found.images.copy()
    first = np.flatnonzero(masks[0].ravel())
    # Half of the pixels of the mask, and as many others.
    masks[0].ravel()[first[: len(first) // 2]] = 0.2
    images[1] += 0.1
    changed = as_catalogue(Catalogue(found.table, masks, images), scenes, "m")
    kept = 1 - (len(first) // 2) / len(first)
    np.testing.assert_allclose(mask_scores(truth, changed, ROWS)[0], kept)
    peak = truth.images[1].max()
    np.testing.assert_allclose(
        image_scores(truth, changed, ROWS)[1], 20 * np.log10(peak / 0.1), rtol=1e-5
    )


def test_without_pixels_there_are_no_scores(scenes, truth):
    found = as_catalogue(perfect(scenes).table, scenes, "m")
    assert np.isnan(mask_scores(truth, found, ROWS)).all()
    assert np.isnan(image_scores(truth, found, ROWS)).all()
