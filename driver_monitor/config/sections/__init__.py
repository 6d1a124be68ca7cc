"""Single sections of the configuration, and the base class of all sections. `config.schema` puts them together.

It may import `errors` and `mqtt`. `config.schema` uses it.
"""
