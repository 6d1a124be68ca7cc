"""The net for telephone, hand, object at the mouth and mask: its training and its figures."""
