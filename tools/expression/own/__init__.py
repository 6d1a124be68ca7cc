"""Fine-tune the head of the expression net on a user's own pictures: `python -m tools.expression.train --own DIR`.

It may import `tools.own`, the other tools of the expression net, and `driver_monitor`. It needs onnx and no torch.
"""
