"""Configuration of SEP."""

from deblend.config_base import Count, Positive, Section, Share
from pydantic import Field


class Detection(Section):
    """Settings of a SEP extraction, as in Table 3 of Boucaud et al. 2020."""

    threshold: Positive = Field(description="Detection threshold, in units of the background rms.")
    min_area: Count = Field(description="Minimum number of pixels of an object.")
    contrast: Share = Field(
        description="Minimum contrast ratio for deblending; with 1, nothing is deblended."
    )
    n_thresholds: Count = Field(description="Number of deblending thresholds.")
