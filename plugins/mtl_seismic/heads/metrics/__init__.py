"""How good a prediction is: plain numpy functions, the same code for sections and volumes.

Arrays are depth-first: (depth, x) or (depth, x2, x3). A NaN in the truth marks an unlabelled sample, which is
left out; a NaN in the estimate at a labelled sample makes the result NaN. A measure that is undefined for an
item (recall where there is no fault) is NaN too, so that ``numpy.nanmean`` over items is the mean over those
that have it.
"""

from mtl_seismic.heads.metrics.angles import axial_difference, axial_error, plane_angle, plane_normal
from mtl_seismic.heads.metrics.detection import (
    average_precision,
    calibration_error,
    everything_f1,
    precision_recall,
    thinned_precision_recall,
)
from mtl_seismic.heads.metrics.horizons import horizon_depth_error, share_not_increasing
from mtl_seismic.heads.metrics.image import peak_signal_to_noise, signal_to_noise, structural_similarity
from mtl_seismic.heads.metrics.thinning import thinned

__all__ = [
    "average_precision",
    "axial_difference",
    "axial_error",
    "calibration_error",
    "everything_f1",
    "horizon_depth_error",
    "peak_signal_to_noise",
    "plane_angle",
    "plane_normal",
    "precision_recall",
    "share_not_increasing",
    "signal_to_noise",
    "structural_similarity",
    "thinned",
    "thinned_precision_recall",
]
