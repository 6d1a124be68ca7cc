"""The limits of the objects net's probabilities, in one place. models/objects.md has the rates at each."""

from __future__ import annotations

HELD_FROM = 0.5
"""Probability from which something is there: more likely than not."""
PHONE_FROM = 0.8
"""The same for a telephone at an ear: on people the net has not learned from, 2 of 944 faces of drivers without one
reach it (one man in infrared) and 64 % of those with one. At even odds it is 7 and 79 %, and headsets count, too."""
FREE_UP_TO = 0.3
"""Probability up to which nothing is there. In between it cannot be told."""
MARGIN = 0.3
"""How far the probability of a thing must exceed the driver's own usual one (`state.objects.own_usual`)."""
