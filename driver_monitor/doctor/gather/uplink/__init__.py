"""Looks at the connection to the operator: the files of the login, the certificate, and each broker.

It may import `config`, `disk`, `mqtt`, `outputs`, `errors`, `doctor.gather` and `doctor.verdicts`. `doctor` uses it.
"""
