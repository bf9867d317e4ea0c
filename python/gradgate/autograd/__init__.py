"""Differentiation: gradients, custom gates, checks and derivatives of functions."""

from typing import Any

from gradgate.autograd import functional
from gradgate.autograd.function import Function, FunctionContext, once_differentiable
from gradgate.autograd.grad_mode import enable_grad, no_grad, set_grad_enabled
from gradgate.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from gradgate.autograd.gradients import backward, grad

__all__ = [
    "Function",
    "FunctionContext",
    "GradcheckError",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]

# These are defined in health, which is above this room; the package provides them at their first use.
detect_anomaly: Any
set_detect_anomaly: Any
