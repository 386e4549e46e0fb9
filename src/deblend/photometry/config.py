"""Configuration of SEP."""

from deblend.config_base import Count, Positive, Section, Share
from pydantic import Field

#: Default side of the boxes of the background. Boxes of 64 px, the default of SExtractor and SEP,
#: would cover a small stamp and contain galaxies, which would raise the threshold. Most boxes of
#: 8 px are empty.
BACKGROUND_BOX_PX = 8


class Detection(Section):
    """Settings of a SEP extraction, as in Table 3 of Boucaud et al. 2020."""

    threshold: Positive = Field(description="Detection threshold, in units of the background rms.")
    min_area: Count = Field(description="Minimum number of pixels of an object.")
    contrast: Share = Field(
        description="Minimum contrast ratio for deblending; with 1, nothing is deblended."
    )
    n_thresholds: Count = Field(description="Number of deblending thresholds.")
    background_box_px: Count = Field(
        default=BACKGROUND_BOX_PX,
        description="Side of the boxes in which the rms is measured, of which the median is used, "
        "pixels.",
    )
