"""Random generators that depend on an item, not on the order of a loop."""

import hashlib

import numpy as np


def generator(seed: int, purpose: str, *item: object) -> np.random.Generator:
    """Random generator of one item for one purpose.

    Parameters
    ----------
    seed : int
        Seed of the configuration.
    purpose : str
        What is drawn, such as "noise". Draws for different purposes are independent.
    *item
        What it is drawn for, such as the name of the data set and the number of the galaxy.

    Returns
    -------
    numpy.random.Generator
        It does not depend on earlier draws or on the process that draws.
    """
    return np.random.default_rng([seed, *_words(purpose, *item)])


def uniform(seed: int, purpose: str, *item: object) -> float:
    """Random number in [0, 1) of an item, from a uniform distribution."""
    high, low, *_ = _words(seed, purpose, *item)
    return (high * 2**32 + low) / 2**64


def _words(*parts: object) -> list[int]:
    # With the lengths, ("ab", "c") and ("a", "bc") differ.
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    digest = hashlib.sha256(text.encode()).digest()
    return np.frombuffer(digest, ">u4").tolist()
