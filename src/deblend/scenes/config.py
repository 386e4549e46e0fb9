"""Configuration of scenes: the user's own images of blends."""

from typing import Literal

from deblend.config_base import (
    Boolean,
    NonNegativeInteger,
    Positive,
    Problem,
    Real,
    Section,
    Text,
)
from deblend.data.config import ImageUnit, MoffatBeta, PixelScale, StampImages, ZeroPoint
from deblend.photometry.config import Detection
from pydantic import Field, model_validator


class SceneBand(Section):
    """A band of the images."""

    name: Text = Field(
        description="Name of the band. A network is applied to the band whose name is that of its "
        "training, such as f160w: call the nearest band so."
    )
    zero_point: ZeroPoint
    images: StampImages | None = Field(
        default=None,
        description="Images of this band alone, if each band has its own files; null: those of the "
        "scenes. Files of folders and patterns belong to the same scene if they have the same "
        "name, or the same text stands for * in the patterns; those of lists by their order.",
    )
    noise_sigma: Positive | None = Field(
        default=None,
        description="Standard deviation of the noise in a pixel, counts/s; null: measured in each "
        "image.",
    )
    psf: Text | None = Field(
        default=None,
        description="FITS image of the PSF at the pixel scale of the images, centred; null: see "
        "psf_fwhm_arcsec.",
    )
    psf_fwhm_arcsec: Positive | None = Field(
        default=None,
        description="Full width at half maximum of the PSF, a Moffat profile, instead of its "
        "image, arcsec; null, without an image: unknown, so that no galaxies are fitted and the "
        "PSF is not compared with that of the networks.",
    )
    psf_moffat_beta: MoffatBeta = 2.5

    @model_validator(mode="after")
    def _has_one_psf(self) -> "SceneBand":
        if self.psf is not None and self.psf_fwhm_arcsec is not None:
            raise Problem("psf and psf_fwhm_arcsec are both given: keep one", "psf_fwhm_arcsec")
        return self


class Injection(Section):
    """Galaxies that are added to the user's images, and measured like them."""

    mag_min: Real | None = Field(
        default=None,
        description="Magnitude of the brightest ones; null: as the brightest twentieth of the "
        "sources that SEP finds.",
    )
    mag_max: Real | None = Field(
        default=None,
        description="Magnitude of the faintest ones; null: as the faintest twentieth.",
    )
    keep_sources: Boolean = Field(
        default=False,
        description="Whether the images' own sources stay where galaxies are injected. Without "
        "them, noise like that of the image is in their place, so that there are two galaxies, as "
        "in the trainings.",
    )

    @model_validator(mode="after")
    def _magnitudes_are_ordered(self) -> "Injection":
        low, high = self.mag_min, self.mag_max
        if low is not None and high is not None and not low < high:
            raise Problem(f"mag_min {low} is not below mag_max {high}")
        return self


class SceneSet(Section):
    """Images of blends of the user."""

    images: StampImages | None = Field(
        default=None,
        description="A file (.fits, .h5, .npz, .npy, .jpg, .png) with one image (y, x) or "
        "(band, y, x), or with many, (scene, y, x) or (scene, band, y, x); or files with one image "
        "each: a folder of FITS files (or of pictures, if it has none), a pattern such as "
        "blends/*.fits, or a list. null: each band has its own.",
    )
    images_key: str | None = Field(
        default=None,
        description="Name of the array in an .npz or .h5 file, or FITS extension; null if the file "
        "has only one.",
    )
    unit: ImageUnit = None
    bands: tuple[SceneBand, ...] = Field(
        min_length=1, description="Bands of the images, in their order."
    )
    pixel_scale_arcsec: PixelScale
    positions: Text | None = Field(
        default=None,
        description="Table of the positions of the galaxies; null: SEP detects them.",
    )
    columns: dict[Literal["scene", "x", "y"], str] = Field(
        default={},
        description="Name of the table's column for each of the workflow's: scene (numbers of the "
        "images, from 0, or names of their files, with or without the suffix; not needed for one "
        "image), x and "
        "y (px).",
    )
    first_pixel: Literal[0, 1] = Field(
        default=0,
        description="Coordinates of the centre of the first pixel in the table of positions: 0, "
        "or 1 as in FITS, SExtractor and DS9.",
    )
    subtract_sky: Boolean = Field(
        default=True,
        description="Subtract the median of the pixels without sources from each image.",
    )
    detection_band: Text | None = Field(
        default=None,
        description="Band in which sources are detected; null: the first.",
    )
    detection: Detection = Field(
        default=Detection(threshold=2.5, min_area=6, contrast=0.0001, n_thresholds=64),
        description="SEP's settings; for crowded or deep images lower the contrast.",
    )
    networks: tuple[Text, ...] = Field(
        default=(),
        description="Networks that this workflow trains, by the names of their folders under "
        "results/networks, such as blend2flux, blendhunter/sigma15_0, sr_content or, for pictures, "
        "deblender_gan.",
    )
    weights: Text | None = Field(
        default=None,
        description="Folder of trained networks, see `docs/scenes.md`; those for other bands, PSFs "
        "or pixels are left out.",
    )
    inject: NonNegativeInteger = Field(
        default=0,
        description="Number of blends of two known galaxies that are put into the images, for the "
        "bias and scatter of all methods.",
    )
    injection: Injection = Field(default=Injection(), description="What is injected, and where.")

    @model_validator(mode="after")
    def _bands_fit(self) -> "SceneSet":
        names = [band.name for band in self.bands]
        if len(set(names)) < len(names):
            raise Problem(f"names have to be unique; they are {', '.join(names)}", "bands")
        own = [band.images is not None for band in self.bands]
        if self.images is None and not all(own):
            raise Problem("give images here, or those of each band under bands", "images")
        if self.images is not None and any(own):
            raise Problem("images are given here and under bands: keep one", "images")
        if self.detection_band is not None and self.detection_band not in names:
            raise Problem(
                f"{self.detection_band!r} is none of the bands {', '.join(names)}",
                "detection_band",
            )
        return self
