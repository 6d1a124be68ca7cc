"""The verbs `fleet ...` of the operator, one module for each group of verbs.

They may import every folder.
"""
