"""
The words of Apimend as frozen values: standard library only, no input or output.

Everything above may import this package; it imports nothing of ours.
"""
