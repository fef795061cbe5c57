from .images import image_tensor as image_tensor
from .images import squashed as squashed
from .layout import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from .splits import ENOUGH as ENOUGH
from .splits import hold_out as hold_out
