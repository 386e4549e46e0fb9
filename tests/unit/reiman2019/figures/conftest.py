import numpy as np
import pandas as pd
import pytest
from deblend.reiman2019.metrics import score_images


@pytest.fixture(scope="session")
def scored():
    """True images, predictions and the scores of all methods."""
    rng = np.random.default_rng(6)
    true = rng.uniform(0, 0.9, (12, 2, 10, 10, 3)).astype(np.float32)
    noise = rng.normal(size=true.shape) * np.linspace(0.01, 0.1, 12)[:, None, None, None, None]
    answers = {
        "gan": np.clip(true + noise, 0, 1),
        "mse": np.clip(true + 2 * noise, 0, 1),
        "blend": np.repeat(true.max(axis=1, keepdims=True), 2, axis=1),
    }
    parts = [
        score_images(a.astype(np.float32), true).assign(method=method)
        for method, a in answers.items()
    ]
    return true, answers["gan"], pd.concat(parts, ignore_index=True)
