"""Hemmati et al. 2022: GANs that raise the resolution, and what that reveals of blends."""
