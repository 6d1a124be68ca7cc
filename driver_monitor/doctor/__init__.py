"""Examines the machine, the configuration and the running daemon: what is wrong, and what to do about it.

`gather` asks the machine for facts, `verdicts` judges them (pure), and this folder puts both together. It may import
`app`, `config`, `gpio`, `messages`, `threads`, `errors` and `__version__`. `cli` uses it.
"""
