"""Functions of pictures: [H, W] grey or [H, W, 3] RGB, uint8 (0 to 255) unless said otherwise."""

from typing import Any

from ._colormaps import array_gray_to_color, mpl_colorify_array, sequence_gray_to_color
from ._curves import (
    apply_lut,
    constrain,
    curve,
    gamma,
    make_lut_curve,
    make_lut_gamma,
    to_norm,
    to_uint,
)
from ._exposure import (
    automatic_brightness_and_contrast,
    binarize,
    contrast_brightness,
    convert_scale,
    find_best_exposure,
    get_array_minmax,
    gray_to_4_layer,
    gray_to_RBG_layers,
    rescale_to_8bit,
)
from ._filters import clahe, flat_field_correction, gaussian, grayscale, sharpen_img
from ._geometry import (
    affine_transform,
    compute_transform_matrix,
    crop,
    make_crop_params,
    null_image,
    pad,
)
from ._text import annotate_image, annotate_sequence


def __getattr__(name: str) -> Any:
    # easimage has the reader that uses these functions here too, which imports them.
    if name in ("TransformingReader", "available_transforms"):
        from . import readers

        return getattr(readers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "affine_transform",
    "annotate_image",
    "annotate_sequence",
    "apply_lut",
    "array_gray_to_color",
    "automatic_brightness_and_contrast",
    "binarize",
    "clahe",
    "compute_transform_matrix",
    "constrain",
    "contrast_brightness",
    "convert_scale",
    "crop",
    "curve",
    "find_best_exposure",
    "flat_field_correction",
    "gamma",
    "gaussian",
    "get_array_minmax",
    "gray_to_4_layer",
    "gray_to_RBG_layers",
    "grayscale",
    "make_crop_params",
    "make_lut_curve",
    "make_lut_gamma",
    "mpl_colorify_array",
    "null_image",
    "pad",
    "rescale_to_8bit",
    "sequence_gray_to_color",
    "sharpen_img",
    "to_norm",
    "to_uint",
]
