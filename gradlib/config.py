"""Everything that determines a model and its training but the weights: configurations, stored as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from gradlib.errors import InputError

PaddingMode = Literal["border", "zeros"]


JitterPer = Literal["pixel", "batch"]


MemoryKind = Literal["grid", "vq", "attention", "none"]


FusionKind = Literal["basic", "mobile", "slim"]


class StoredConfig:
    """A dataclass with a `map_size`, as plain JSON types and back."""

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The configuration stored with a model. Raises InputError on fields that this version does not know."""
        unknown = sorted(set(fields) - set(cls.__dataclass_fields__))  # type: ignore[attr-defined]
        if unknown:
            raise InputError(
                f"The model's configuration has unknown fields {unknown}: it was saved by another version of gradlib."
            )
        return cls(**{**fields, "map_size": tuple(fields["map_size"])})

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        fields = asdict(self)  # type: ignore[call-overload]
        return {**fields, "map_size": list(fields["map_size"])}


@dataclass(frozen=True)
class GradConfig(StoredConfig):
    """Everything that determines a GRAD model but its weights; the defaults are the paper's (Appendix A)."""

    channels: int = 216  # C: the backbone's stages, concatenated
    map_size: tuple[int, int] = (28, 28)  # H, W
    local_dim: int = 2  # C_l
    global_dim: int = 2  # C_g
    local_resolution: int = 8  # R_l, knots on each axis
    global_resolution: int = 4  # R_g
    local_memory: MemoryKind = "grid"  # "vq", "attention": Table 1's; "none": the global one alone (Table 5)
    global_memory: MemoryKind = "grid"
    local_entries: int = 64  # of a discrete memory; a grid has R_l^C_l
    global_entries: int = 16
    memory_start: Literal["xavier", "features"] = "xavier"  # "features": entries and knots begin as training features
    fusion: FusionKind = "basic"  # psi
    blocks: int = 7
    width: int = 432  # psi's inner width, see fusion_network; the paper: 2C
    mse_threshold: float = 10.0  # k, in squared feature units
    lambda_mse: float = 0.3  # lambda_1
    lambda_cos: float = 0.7  # lambda_2
    jitter_std: float = 0.05  # in units of the coordinate range [-1, 1]
    jitter_fraction: float = 0.5
    jitter_per: JitterPer = "pixel"  # the released code: "batch"
    align_corners: bool = True  # v in [0, R-1], Eq. 1; the released code: False
    padding_mode: PaddingMode = "border"  # the released code: "zeros"
    concat: Literal["local_global", "global_local"] = "local_global"  # Eq. 4; the released code: "global_local"
    standardise: bool = False  # our departure: features in units of the training normals' spread


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the defaults are the paper's (Appendix A)."""

    epochs: int = 100
    batch_size: int = 64  # over all processes together
    lr_nets: float = 1e-3
    lr_grids: float = 1e-1
    weight_decay: float = 1e-2
    drops: tuple[float, ...] = (0.4, 0.8)  # shares of the epochs after which both rates fall tenfold
    clip_norm: float | None = None  # the released code: 0.1 over all parameters together
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise InputError(f"The epochs and batch_size must be at least 1, not {self.epochs} and {self.batch_size}.")

    def rate_factor(self, epoch: int) -> float:
        """What the learning rates are multiplied with in `epoch` (0-based)."""
        return 0.1 ** sum(epoch >= round(drop * self.epochs) for drop in self.drops)


# where both releases differ from the paper's words
RELEASED = GradConfig(jitter_per="batch", align_corners=False, padding_mode="zeros", concat="global_local")


def changed(config: Any, changes: Mapping[str, Any], where: str) -> Any:
    """A configuration with some fields replaced. Raises InputError for a field that it does not have."""
    unknown = sorted(set(changes) - set(config.__dataclass_fields__))
    if unknown:
        raise InputError(
            f"{where} has no field {', '.join(unknown)}: choose among {', '.join(config.__dataclass_fields__)}."
        )
    return replace(config, **changes)


def differences(saved: dict[str, Any], wanted: dict[str, Any]) -> Sequence[str]:
    """Names of the settings in which two nested dictionaries differ, in the order of `wanted`."""
    names: list[str] = []
    for key, value in wanted.items():
        other = saved.get(key)
        if other == value:
            continue
        if isinstance(value, dict) and isinstance(other, dict):
            names += differences(other, value)
        else:
            names.append(key)
    return names
