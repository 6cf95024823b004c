"""The report for readers, made of the JSON of one run: ``python -m benchmarks.report JSON``."""
