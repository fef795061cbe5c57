from .images import image_array as image_array
from .images import squash as squash
from .layout import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from .samples import read_masks as read_masks
from .splits import MIN_HOLD_OUT as MIN_HOLD_OUT
from .splits import hold_out as hold_out
