"""See backpropagation: the gates of a loss as numbers, pictures and flat code, and the health of a training."""

import importlib
from typing import TYPE_CHECKING

from gradgate.explain.flow import Flow, explain
from gradgate.explain.gate import Edge, Gate, Variable

if TYPE_CHECKING:
    from gradgate.explain.anomaly import AnomalyError, detect_anomaly, set_detect_anomaly
    from gradgate.explain.precision import PrecisionAudit, precision_audit
    from gradgate.explain.watching import TrainingWarning, Watch, watch

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
    "set_detect_anomaly",
    "watch",
]

# Imported at their first use, so that a program that only trains does not wait for them.
_HOMES = {
    "AnomalyError": "anomaly",
    "PrecisionAudit": "precision",
    "TrainingWarning": "watching",
    "Watch": "watching",
    "detect_anomaly": "anomaly",
    "precision_audit": "precision",
    "set_detect_anomaly": "anomaly",
    "watch": "watching",
}

if not TYPE_CHECKING:  # a checker would take every name for one of these

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
