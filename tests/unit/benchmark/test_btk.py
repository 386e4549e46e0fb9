"""A stand-in follows the interface of BTK 1.0.9; the same is tested with BTK where it is there."""

import importlib.util
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table
from deblend.benchmark.btk import as_deblender, as_method, batch_of, example_of, scenes_of
from deblend.benchmark.catalogue import Catalogue, as_catalogue
from deblend.benchmark.matching import match
from deblend.errors import DeblendError

from tests.unit.benchmark.conftest import SIDE, perfect

#: 24 pixels of 0.2 arcsec, and a little more.
STAMP_ARCSEC = 4.81

INSTALLED = importlib.util.find_spec("btk") is not None


class Deblender:
    def __init__(self, max_n_sources):
        self.max_n_sources = max_n_sources


@dataclass
class DeblendExample:
    max_n_sources: int
    catalog: Table
    n_bands: int | None = None
    image_size: int | None = None
    segmentation: np.ndarray | None = None
    deblended_images: np.ndarray | None = None

    def __post_init__(self):
        assert {"ra", "dec"} <= set(self.catalog.colnames)
        assert len(self.catalog) <= self.max_n_sources
        shape = (self.max_n_sources, self.image_size, self.image_size)
        if self.segmentation is not None:
            assert self.segmentation.shape == shape
        if self.deblended_images is not None:
            assert self.deblended_images.shape == (shape[0], self.n_bands, *shape[1:])


class Peaks(Deblender):
    """The brightest pixel, without images, as BTK's deblenders write it."""

    def deblend(self, ii, batch):
        image = batch.blend_images[ii][0]
        y, x = np.unravel_index(image.argmax(), image.shape)
        ra, dec = batch.wcs.pixel_to_world_values([float(x)], [float(y)])
        catalog = Table({"ra": np.asarray(ra) * 3600, "dec": np.asarray(dec) * 3600})
        return DeblendExample(self.max_n_sources, catalog)


@pytest.fixture
def standin(monkeypatch):
    modules = {"btk": {}, "btk.deblend": {"Deblender": Deblender}}
    modules["btk.blend_batch"] = {"DeblendExample": DeblendExample}
    for name, content in modules.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def batch(scenes):
    """A batch that stands for BTK's."""
    found = batch_of(scenes, 3)
    found.psf = [SimpleNamespace(drawImage=draw_point)]
    return found


def draw_point(nx, ny, scale, dtype):
    array = np.zeros((ny, nx), dtype)
    array[ny // 2, nx // 2] = 2.0
    return SimpleNamespace(array=array)


def test_a_batch_becomes_scenes(batch, scenes):
    found = scenes_of(batch)
    np.testing.assert_array_equal(found.images, scenes.images)
    assert found.bands == ("f160w",)
    np.testing.assert_allclose(found.pixel_scale_arcsec, 0.06)
    np.testing.assert_allclose(found.psf.sum(), 1)
    # One of them alone.
    one = scenes_of(batch, scene=1)
    np.testing.assert_array_equal(one.images, found.images[1:2])
    np.testing.assert_array_equal(one.noise_sigma, found.noise_sigma[1:2])


def test_a_method_becomes_a_deblender(standin, batch):
    deblender = as_deblender(perfect, 3)
    assert isinstance(deblender, Deblender)
    example = deblender.deblend(0, batch)
    assert isinstance(example, DeblendExample)
    # The two galaxies and the neighbour, each at its place.
    np.testing.assert_allclose(example.catalog["flux"], [100, 40, 1])
    x, y = batch.wcs.world_to_pixel_values(
        example.catalog["ra"] / 3600, example.catalog["dec"] / 3600
    )
    np.testing.assert_allclose(x, [12, 17, 2], atol=1e-6)
    np.testing.assert_allclose(y, [12, 12, 2], atol=1e-6)
    np.testing.assert_allclose(
        example.deblended_images.sum(axis=(1, 2, 3)), [100, 40, 0], rtol=1e-5
    )


def test_the_faintest_sources_beyond_the_largest_number_are_left_out(batch, scenes):
    found = as_catalogue(perfect(scenes), scenes, "m")
    first = (found.table["scene"] == 0).to_numpy()
    one = Catalogue(found.table[first], found.masks[first], found.images[first])
    assert example_of(one, batch, 1, "m")["catalog"]["flux"].tolist() == [100.0]
    nowhere = Catalogue(one.table.assign(x_px=np.nan))
    with pytest.raises(DeblendError, match="m has no positions"):
        example_of(nowhere, batch, 3, "m")


def test_there_and_back_again_nothing_is_lost(standin, scenes, truth):
    def one(scenes, positions=None, seed=0):
        """The truth of scene 0 or 1: the seed is its number."""
        part = truth.of_scenes(seed, seed + 1)
        return Catalogue(part.galaxies[["scene", "x_px", "y_px", "flux"]], part.masks, part.images)

    measure = as_method(as_deblender(one, 2))
    found = as_catalogue(measure(scenes), scenes, "m")
    assert match(truth, found, 2.5).tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found.table["flux"], truth.galaxies["flux"], rtol=1e-5)
    np.testing.assert_array_equal(found.masks > 0, truth.masks > 0)


def test_a_deblender_without_images_has_positions(scenes):
    found = as_catalogue(as_method(Peaks(3))(scenes), scenes, "m")
    assert found.table["flux"].isna().all()
    assert found.images is None
    for k in range(2):
        y, x = np.unravel_index(scenes.images[k, 0].argmax(), (SIDE, SIDE))
        np.testing.assert_allclose(found.table[["x_px", "y_px"]].to_numpy()[k], [x, y], atol=1e-6)


@pytest.mark.skipif(INSTALLED, reason="BTK is installed")
def test_without_btk_the_error_says_what_to_do():
    with pytest.raises(DeblendError, match="pip install blending-toolkit"):
        as_deblender(perfect, 3)


@pytest.mark.skipif(not INSTALLED, reason="BTK is not installed: an optional package")
def test_btk_takes_the_deblender_and_its_own_becomes_a_method(scenes):
    from btk import deblend
    from btk.blend_batch import BlendBatch
    from btk.survey import get_surveys

    survey = get_surveys("LSST")
    side = int(STAMP_ARCSEC / survey.pixel_scale.to_value("arcsec"))
    assert side == SIDE
    n = len(survey.available_filters)
    images = np.repeat(scenes.images, n, axis=1)
    batch = BlendBatch(
        2, 3, STAMP_ARCSEC, survey, images, np.zeros((2, 3, n, side, side)), [Table(), Table()],
        [survey.get_filter(name).psf for name in survey.available_filters],
    )  # fmt: skip
    found = as_deblender(perfect, 3)(batch)
    np.testing.assert_allclose(found.catalog_list[0]["flux"], [100, 40, 1])
    table = as_method(deblend.SepSingleBand(5, use_band=0))(scenes).table
    assert len(table) >= 2
