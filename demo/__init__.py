"""
The whole thing on this machine: the local Azure, the function app in its host, and one clock for both.

`make demo` tells the story on virtual time, `make serve` keeps it running in real time; tests and benchmarks
open the same `World`. Nothing of the product imports this.
"""
