"""Ways to train, by the name that a recipe's `method` gives. To add one: a file, and a line
here."""

from typing import Annotated

from pydantic import Field

from mien.training.methods.categorical import Categorical
from mien.training.methods.conditional import Conditional
from mien.training.methods.recognition import Recognition
from mien.training.methods.sequence import Sequence
from mien.training.methods.wasserstein import Wasserstein

AnyMethod = Annotated[
    Recognition | Sequence | Categorical | Conditional | Wasserstein, Field(discriminator="name")
]
METHODS = ("recognition", "sequence", "categorical", "conditional", "wasserstein")
