"""The scripts behind every figure that the documentation shows; `python -m benchmarks.label_efficiency digits`."""

__all__: list[str] = []
