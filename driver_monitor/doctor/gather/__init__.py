"""Asks the machine for facts: files, devices, programs and the running daemon. It judges nothing.

It may import every folder below `doctor`, and what it needs of numpy, OpenCV and onnxruntime only in functions: a
package that is broken must not end the program that names it. `doctor` uses it.
"""
