"""ONNX models: loading, checks of inputs and outputs, and the manifest with their hashes.

It may import `config` and `errors`. `perception` and `app` use it.
"""
