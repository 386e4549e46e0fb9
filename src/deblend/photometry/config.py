"""Settings of SEP in the configuration."""

from deblend.config_base import Count, Positive, Section, Share
from pydantic import Field


class Detection(Section):
    """Settings of an extraction (Table 3's rows of Boucaud et al. 2020)."""

    threshold: Positive = Field(
        description="Detection threshold, in units of the background's rms."
    )
    min_area: Count = Field(description="Minimum number of pixels of an object.")
    contrast: Share = Field(
        description="Minimum contrast ratio for deblending; 1 does not deblend."
    )
    n_thresholds: Count = Field(description="Number of deblending thresholds.")
