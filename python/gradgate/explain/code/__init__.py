"""Flat code: a circuit as straight-line NumPy, with the gradients or as a function to export."""

from gradgate.explain.code.source import CodeOptions, Data, code_of

__all__ = ["CodeOptions", "Data", "code_of"]
