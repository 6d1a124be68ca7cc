"""The operator's side: collectors, the store, what people look at, keys of a depot, simulated vehicles.

It may import every folder of a lower layer. `cli` uses it.
"""
