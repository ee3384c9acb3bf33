"""Dtypes, shapes, lazy tensors, kernels and their evaluation. The only home of torch, with storage."""
