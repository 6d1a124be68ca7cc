"""What the tools of several models share: the people and their folds, the teacher, blocks of nets, ONNX files.

It may import `driver_monitor` and no other package of `tools`.
"""
