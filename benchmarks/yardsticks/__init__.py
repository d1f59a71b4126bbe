"""What figures are compared with. Nothing here imports anything of the hub's, nor its server command: the settings of
that are written out again in `serve.py`, and a test of the harness holds the two equal.
"""
