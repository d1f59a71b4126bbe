"""The providers' side, for trying and testing the hub with no account anywhere. See docs/simulators.md.

Nothing of the hub imports this: only the `simulate` command and tests do.
"""
