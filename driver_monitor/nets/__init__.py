"""Loads and runs ONNX models, checks their inputs and outputs, and compares their hashes with the manifest.

It may import `config` and `errors`. `perception` and `app` use it.
"""
