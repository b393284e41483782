"""Measurements that docs/ quotes: ``python -m benchmarks`` makes every figure and picture anew."""
