"""The health of a training: its vital signs and their faults, the gate that makes a NaN, and what rounding costs."""

from gradgate.health.anomaly import AnomalyError, detect_anomaly, set_detect_anomaly
from gradgate.health.precision import PrecisionAudit, precision_audit
from gradgate.health.watching import TrainingWarning, Watch, watch

__all__ = [
    "AnomalyError",
    "PrecisionAudit",
    "TrainingWarning",
    "Watch",
    "detect_anomaly",
    "precision_audit",
    "set_detect_anomaly",
    "watch",
]
