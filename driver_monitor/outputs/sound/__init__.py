"""Sounds on a loudspeaker: a chime for each sign, and words that tell the driver what to do. `aplay` plays them.

It may import `outputs.output`, `messages`, `gpio`, `threads`, `config`, `data` and `errors`. `app`, `cli` and `tools`
use it.
"""
