"""Configuration that networks of several papers have in common."""

from typing import Annotated, Literal

from deblend.config_base import Count, NonNegativeInteger, NotNegative, Positive, Real, Section
from pydantic import Field

# Types of keys whose default value depends on the network.
Epochs = Annotated[Count, Field(description="Largest number of epochs.")]
LearningRate = Annotated[
    Positive, Field(description="Learning rate of Adam at the start of training.")
]
AdamEpsilon = Annotated[
    Positive, Field(description="Epsilon of Adam, the constant for numerical stability.")
]
MinDelta = Annotated[
    NotNegative,
    Field(
        description="Smallest decrease of the validation loss that counts as an improvement; "
        "the loss of fluxes is their mean absolute percentage error (%)."
    ),
]
StopPatience = Annotated[
    Count | None,
    Field(
        description="Number of epochs without improvement before training stops; null: it does "
        "not stop early."
    ),
]
Dropout = Annotated[Real, Field(ge=0, lt=1, description="Dropout rate in training.")]
Precision = Annotated[
    Literal["float32", "bfloat16"],
    Field(description="Numerical precision of the layers' computations."),
]


class SteeringConfig(Section):
    """Learning rate, number of epochs and early stopping of a training.

    Attributes
    ----------
    schedule : {"plateau", "cosine"}
        plateau: the learning rate is multiplied by `drop_factor` after `drop_patience` epochs
        without improvement; the next `drop_cooldown` epochs are not considered (Boucaud et al.
        2020, Sect. 3.1). cosine: it decreases from `learning_rate` in the first epoch to a
        hundredth of that in the last one.
    """

    epochs: Epochs
    learning_rate: LearningRate
    schedule: Literal["plateau", "cosine"] = Field(
        default="plateau",
        description="How the learning rate decreases: plateau (when the validation loss no "
        "longer improves) or cosine.",
    )
    drop_factor: Real = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="plateau: factor by which the learning rate is multiplied at each drop.",
    )
    drop_patience: Count = Field(
        default=5, description="plateau: number of epochs without improvement before a drop."
    )
    drop_cooldown: NonNegativeInteger = Field(
        default=2,
        description="plateau: number of epochs after a drop in which no other drop is considered.",
    )
    min_learning_rate: NotNegative = Field(
        default=0.0, description="plateau: smallest learning rate."
    )
    stop_patience: StopPatience = 10
    min_delta: MinDelta
