"""The graph of a loss as the lecture draws it: every gate with its numbers, as a table, a picture, a page or flat code."""

from gradgate.explain.circuit import Edge, Gate, Variable
from gradgate.explain.flow import Flow, explain

__all__ = ["Edge", "Flow", "Gate", "Variable", "explain"]
