import galsim
import numpy as np
import pytest
from deblend.data.profiles import moffat_psf
from deblend.errors import DeblendError
from deblend.photometry.mixtures import profile_mixture, render
from deblend.photometry.psf_series import fit_series

SIDE = 101


def drawn(profile):
    image = profile.drawImage(nx=SIDE, ny=SIDE, scale=1.0, method="no_pixel").array
    return image / image.sum()


def model(mixture):
    middle = (SIDE - 1) / 2
    point = np.array([[[middle, middle, 0, 0, 0, 1.0]]])
    return render(point, [profile_mixture("gauss")], mixture, (SIDE, SIDE))[0]


@pytest.mark.parametrize("beta", [2.5, 3.5])
def test_the_light_within_any_radius_is_that_of_the_image(beta):
    image = drawn(moffat_psf(3.0, beta).shear(g1=0.05))
    y, x = np.indices(image.shape) - (SIDE - 1) / 2
    fitted = model(fit_series(image))
    for radius in (3, 6, 12, 25, 45):
        inside = np.hypot(y, x) <= radius
        assert abs(fitted[inside].sum() - image[inside].sum()) < 0.01


def test_an_elongated_psf_keeps_its_shape():
    mixture = fit_series(drawn(galsim.Gaussian(sigma=2.5).shear(g1=0.2)))
    # g1 > 0 is along x.
    ratio = mixture.covariance[..., 2] / mixture.covariance[..., 0]
    np.testing.assert_allclose(ratio, (1.2 / 0.8) ** 2, rtol=0.02)
    assert mixture.share.sum() == pytest.approx(1)


def test_an_image_without_light_is_refused():
    with pytest.raises(DeblendError, match="no light"), np.errstate(invalid="ignore"):
        fit_series(np.zeros((11, 11)))
