"""See backpropagation: the gates of a loss as numbers, pictures and flat code, and the health of a training."""

from gradgate.explain.anomaly import AnomalyError, detect_anomaly
from gradgate.explain.flow import Flow, explain
from gradgate.explain.gate import Edge, Gate, Variable
from gradgate.explain.precision import PrecisionAudit, precision_audit
from gradgate.explain.watch import TrainingWarning, Watch, watch

__all__ = [
    "AnomalyError",
    "Edge",
    "Flow",
    "Gate",
    "PrecisionAudit",
    "TrainingWarning",
    "Variable",
    "Watch",
    "detect_anomaly",
    "explain",
    "precision_audit",
    "watch",
]
