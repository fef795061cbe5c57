"""The methods of the study by name, and what each needs; `methods.dispatch` says which function runs it."""

from dataclasses import dataclass

from gradlib.config import TrainConfig
from gradlib.errors import InputError

# You et al. 2022, Section 4.1
UNIAD_TRAINING = TrainConfig(epochs=1000, batch_size=64, lr_nets=1e-4, weight_decay=1e-4, drops=(0.8,), clip_norm=0.1)


@dataclass(frozen=True)
class Method:
    """What is known of a method before it runs."""

    schedule: TrainConfig | None = None  # None: the preset's
    needs_weights: bool = True  # of the backbone
    needs_anomalib: bool = False
    in_chapter: bool = False  # whether the training chapter can run it


METHODS = {
    "grad": Method(in_chapter=True),
    "uniad": Method(schedule=UNIAD_TRAINING),
    "knn": Method(),
    "patchcore": Method(needs_anomalib=True),
    "padim": Method(needs_anomalib=True),
    "reverse_distillation": Method(needs_anomalib=True),
    "draem": Method(needs_anomalib=True, needs_weights=False),
}


def named_method(name: str) -> Method:
    """A method by its name. Raises InputError for an unknown one."""
    if name not in METHODS:
        raise InputError(f'Method "{name}" is unknown: choose one of {", ".join(METHODS)}.')
    return METHODS[name]
