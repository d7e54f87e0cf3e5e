"""Measurements, each with a peer beside us in the same run; never part of the tests.

``make bench`` runs them all and writes ``bench/RESULTS.md``; ``python -m bench word pdf`` runs
some. Machines are noisy: read the ratios first.
"""
