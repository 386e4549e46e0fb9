"""Random generators that belong to an item, not to a loop."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, *item: object) -> np.random.Generator:
    """The generator of one item for one purpose.

    Parameters
    ----------
    seed : int
        The configuration's.
    purpose : str
        What is drawn, such as "noise": draws for different purposes are independent.
    *item
        What it is drawn for, such as the data set's name and the galaxy's number.

    Returns
    -------
    numpy.random.Generator
        The same whatever was drawn before, on whatever core.
    """
    return np.random.default_rng([seed, *_words(purpose, *item)])


def uniform(seed: int, purpose: str, *item: object) -> float:
    """One number in [0, 1) for an item."""
    high, low, *_ = _words(seed, purpose, *item)
    return (high * 2**32 + low) / 2**64


def _words(*parts: object) -> list[int]:
    # Lengths keep ("ab", "c") and ("a", "bc") apart.
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    digest = hashlib.sha256(text.encode()).digest()
    return np.frombuffer(digest, ">u4").tolist()
