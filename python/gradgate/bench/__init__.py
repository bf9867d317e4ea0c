"""Measuring Gradgate against other libraries: what the command ``python -m gradgate bench`` and the programs of bench/ share.

Every measurement compares the results first, and then times all rivals in interleaved rounds, each in its best setting and in an
environment that holds none of them down.
"""
