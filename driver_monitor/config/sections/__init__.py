"""Single sections of the configuration, and the base class of all sections. `config.schema` puts them together.

It may import `errors`, `mqtt` and `config.addresses`. `config.schema` uses it.
"""
