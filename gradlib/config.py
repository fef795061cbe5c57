"""Everything that determines a model and its training except the weights, stored as plain JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from gradlib.errors import InputError

PaddingMode = Literal["border", "zeros"]
JitterPer = Literal["pixel", "batch"]
MemoryKind = Literal["grid", "vq", "attention", "none"]
MemoryStart = Literal["xavier", "features"]
FusionKind = Literal["basic", "mobile", "slim"]
ConcatOrder = Literal["local_global", "global_local"]

PROTOCOLS = ("paper", "released")  # of measuring: the paper's text, or what the released code does

Configuration = TypeVar("Configuration")


class StoredConfig:
    """A dataclass that converts to plain JSON types and back, and refuses values that are not among a field's choices.

    Raises InputError where a field with a fixed set of choices has another value.
    """

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            value = getattr(self, name)
            if get_origin(hint) is Literal and value not in get_args(hint):
                choices = ", ".join(f'"{choice}"' for choice in get_args(hint))
                raise InputError(f'{name} = "{value}" is unknown: choose one of {choices}.')

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The configuration stored with a model. Raises InputError for fields that this version does not know."""
        unknown = sorted(set(stored) - {field.name for field in fields(cls)})  # type: ignore[arg-type]
        if unknown:
            raise InputError(
                f"The model's configuration has unknown fields {unknown}: load it with the version that saved it."
            )
        return cls(**{**stored, "map_size": tuple(stored["map_size"])})

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON types."""
        stored = asdict(self)  # type: ignore[call-overload]
        return {**stored, "map_size": list(stored["map_size"])}


@dataclass(frozen=True)
class GradConfig(StoredConfig):
    """Everything that determines a GRAD model except its weights; the defaults are the paper's (Appendix A)."""

    channels: int = 216  # C: the backbone's stages, concatenated
    map_size: tuple[int, int] = (28, 28)  # H, W
    local_dim: int = 2  # C_l
    global_dim: int = 2  # C_g
    local_resolution: int = 8  # R_l, knots on each axis
    global_resolution: int = 4  # R_g
    local_memory: MemoryKind = "grid"  # "vq", "attention": Table 1; "none": the global memory alone (Table 5)
    global_memory: MemoryKind = "grid"
    local_entries: int = 64  # of a discrete memory; a grid has R_l^C_l
    global_entries: int = 16
    memory_start: MemoryStart = "xavier"  # "features": stored features start as training features
    fusion: FusionKind = "basic"  # psi
    blocks: int = 7  # of psi
    width: int = 432  # psi's inner width, see fusion_network; the paper: 2C
    mse_threshold: float = 10.0  # k, in squared feature units
    lambda_mse: float = 0.3  # lambda_1
    lambda_cos: float = 0.7  # lambda_2
    jitter_std: float = 0.05  # in units of the coordinate range [-1, 1]
    jitter_fraction: float = 0.5
    jitter_per: JitterPer = "pixel"  # the released code: "batch"
    align_corners: bool = True  # v in [0, R-1], Eq. 1; the released code: False
    padding_mode: PaddingMode = "border"  # the released code: "zeros"
    concat: ConcatOrder = "local_global"  # Eq. 4; the released code: "global_local"
    standardise: bool = False  # our departure: features in units of the training normals' spread

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local_memory == self.global_memory == "none":
            raise InputError('local_memory and global_memory are both "none": choose at least one memory.')


# where both releases of the authors' code (GRAD, later CRAD) differ from the paper's text
RELEASED = GradConfig(jitter_per="batch", align_corners=False, padding_mode="zeros", concat="global_local")


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
            raise InputError(f"epochs and batch_size must be at least 1, not {self.epochs} and {self.batch_size}.")

    def rate_factor(self, epoch: int) -> float:
        """The factor on the learning rates in `epoch`, counted from 0."""
        return 0.1 ** sum(epoch >= round(drop * self.epochs) for drop in self.drops)


def check_protocol(protocol: str) -> None:
    """Raise InputError unless the protocol is one of PROTOCOLS."""
    if protocol not in PROTOCOLS:
        raise InputError(f"Unknown protocol {protocol!r}: choose one of {', '.join(map(repr, PROTOCOLS))}.")


def replace_fields(config: Configuration, changes: Mapping[str, Any], where: str) -> Configuration:
    """A configuration with some fields replaced. Raises InputError, naming `where`, for unknown fields."""
    known = [field.name for field in fields(config)]  # type: ignore[arg-type]
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise InputError(f"{where} has no field {', '.join(unknown)}: choose among {', '.join(known)}.")
    return replace(config, **changes)  # type: ignore[type-var]


def differing_fields(saved: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Names of the settings in which two nested dictionaries differ, in the order of `expected`."""
    names: list[str] = []
    for key, value in expected.items():
        other = saved.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            names += differing_fields(other, value)
        elif other != value:
            names.append(key)
    return names
