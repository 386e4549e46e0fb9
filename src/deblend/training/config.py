"""What networks of several papers have in common in the configuration."""

from typing import Annotated, Literal

from deblend.config_base import Count, FromZero, NotNegative, Positive, Real, Section
from pydantic import Field

# Keys whose default each network has of its own.
Epochs = Annotated[Count, Field(description="Most epochs to train.")]
LearningRate = Annotated[Positive, Field(description="Adam's learning rate at the start.")]
AdamEpsilon = Annotated[Positive, Field(description="Adam's constant for numerical stability.")]
MinDelta = Annotated[
    NotNegative,
    Field(
        description="Smallest improvement of the validation loss that counts; the loss of "
        "fluxes is their MAPE (%)."
    ),
]
Dropout = Annotated[Real, Field(ge=0, lt=1, description="Share of features left out in training.")]
Precision = Annotated[
    Literal["float32", "bfloat16"], Field(description="Of the layers' arithmetic.")
]


class SteeringConfig(Section):
    """How training is steered.

    Attributes
    ----------
    schedule : {"plateau", "cosine"}
        plateau: multiply by `drop_factor` after `drop_patience` epochs without improvement, then
        wait `drop_cooldown` epochs (Boucaud et al. 2020, Sect. 3.1). cosine: from
        `learning_rate` at the first epoch down to a hundredth of it at the last.
    """

    epochs: Epochs
    learning_rate: LearningRate
    schedule: Literal["plateau", "cosine"] = Field(
        default="plateau", description="How the learning rate goes down."
    )
    drop_factor: Real = Field(default=0.5, gt=0, lt=1, description="plateau: factor of each drop.")
    drop_patience: Count = Field(
        default=5, description="plateau: epochs without improvement before a drop."
    )
    drop_cooldown: FromZero = Field(default=2, description="plateau: epochs to wait after a drop.")
    min_learning_rate: NotNegative = Field(
        default=0.0, description="plateau: lowest learning rate."
    )
    stop_patience: Count = Field(
        default=10, description="Epochs without improvement before training stops."
    )
    min_delta: MinDelta
