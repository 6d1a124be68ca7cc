"""Fine-tune the eye net on a user's own labelled clips: `python -m tools.eyes.train --own DIR` (docs/your_own_data.md).

It may import `tools.own`, `tools.training`, the other tools of the eye net, and `driver_monitor`. Modules that do not
learn need no torch.
"""
