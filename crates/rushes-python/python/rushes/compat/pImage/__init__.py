"""easimage, as programs use its `pImage`: readers, writers and functions of pictures.

    import rushes.compat.pImage as pImage

    converter = pImage.Standard_Converter("foo/video.seq", "bar/video.avi")
    converter.start()

The names, parameters and defaults are easimage's. What differs is in docs/pimage.md; `compat=True`
brings back those of its ways that results may depend on.
"""

import importlib
from typing import Any

from . import (
    blend_modes,
    colors,
    converters,
    hiris,
    image,
    measurements,
    mosaics,
    ondemand,
    readers,
    transformations,
    video,
    writers,
)
from ._frames import Unsupported
from .blend_modes import (
    addition,
    darken_only,
    difference,
    divide,
    dodge,
    grain_extract,
    grain_merge,
    hard_light,
    lighten_only,
    multiply,
    normal,
    overlay,
    screen,
    soft_light,
    subtract,
)
from .colors import (
    Colormap,
    colorize_grayscale_image,
    colorize_grayscale_image_stack,
    get_default_stack_colors,
)
from .converters import Standard_Converter, StandardConverter
from .image import save_as_image
from .measurements import SiftComparison, correlation_2D
from .ondemand import OnDemandArray
from .readers import (
    DefaultReader,
    FFmpegReader,
    HirisReader,
    OpenCVReader,
    TransformingReader,
    VideoReader,
    available_transforms,
)
from .transformations import (
    affine_transform,
    annotate_image,
    annotate_sequence,
    apply_lut,
    array_gray_to_color,
    automatic_brightness_and_contrast,
    binarize,
    clahe,
    compute_transform_matrix,
    constrain,
    contrast_brightness,
    convert_scale,
    crop,
    curve,
    find_best_exposure,
    flat_field_correction,
    gamma,
    gaussian,
    get_array_minmax,
    gray_to_4_layer,
    gray_to_RBG_layers,
    grayscale,
    make_crop_params,
    make_lut_curve,
    make_lut_gamma,
    mpl_colorify_array,
    null_image,
    pad,
    rescale_to_8bit,
    sequence_gray_to_color,
    sharpen_img,
    to_norm,
    to_uint,
)
from .writers import (
    AviWriter,
    DefaultWriter,
    GifWriter,
    MKVWriter,
    MP4Writer,
    TiffWriter,
    VideoWriter,
)

# Pillow itself, where it is installed, and nothing of it here.
pillow: Any
pillow_draw: Any


def __getattr__(name: str) -> Any:
    place = {"pillow": "PIL.Image", "pillow_draw": "PIL.ImageDraw"}.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module(place)
    except ImportError:
        return None


__all__ = [
    "AviWriter",
    "Colormap",
    "DefaultReader",
    "DefaultWriter",
    "FFmpegReader",
    "GifWriter",
    "HirisReader",
    "MKVWriter",
    "MP4Writer",
    "OnDemandArray",
    "OpenCVReader",
    "SiftComparison",
    "StandardConverter",
    "Standard_Converter",
    "TiffWriter",
    "TransformingReader",
    "Unsupported",
    "VideoReader",
    "VideoWriter",
    "addition",
    "affine_transform",
    "annotate_image",
    "annotate_sequence",
    "apply_lut",
    "array_gray_to_color",
    "automatic_brightness_and_contrast",
    "available_transforms",
    "binarize",
    "blend_modes",
    "clahe",
    "colorize_grayscale_image",
    "colorize_grayscale_image_stack",
    "colors",
    "compute_transform_matrix",
    "constrain",
    "contrast_brightness",
    "convert_scale",
    "converters",
    "correlation_2D",
    "crop",
    "curve",
    "darken_only",
    "difference",
    "divide",
    "dodge",
    "find_best_exposure",
    "flat_field_correction",
    "gamma",
    "gaussian",
    "get_array_minmax",
    "get_default_stack_colors",
    "grain_extract",
    "grain_merge",
    "gray_to_4_layer",
    "gray_to_RBG_layers",
    "grayscale",
    "hard_light",
    "hiris",
    "image",
    "lighten_only",
    "make_crop_params",
    "make_lut_curve",
    "make_lut_gamma",
    "measurements",
    "mosaics",
    "mpl_colorify_array",
    "multiply",
    "normal",
    "null_image",
    "ondemand",
    "overlay",
    "pad",
    "readers",
    "rescale_to_8bit",
    "save_as_image",
    "screen",
    "sequence_gray_to_color",
    "sharpen_img",
    "soft_light",
    "subtract",
    "to_norm",
    "to_uint",
    "transformations",
    "video",
    "writers",
]
