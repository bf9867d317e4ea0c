"""The explained graph as data: gates, variables and the edges between them, with their numbers, names and groups."""

from gradgate.explain.circuit.circuit import Circuit
from gradgate.explain.circuit.gate import Edge, Gate, Variable

__all__ = ["Circuit", "Edge", "Gate", "Variable"]
