"""See backpropagation: the gates of a loss with all their numbers, as pictures, a page, tables and flat code."""

from gradgate.explain.flow import Flow, explain
from gradgate.explain.gate import Edge, Gate, Variable

__all__ = ["Edge", "Flow", "Gate", "Variable", "explain"]
