"""
Tenant files that come with the emulator, by path for `load_tenant`: `SMALL` starts fast, `SAMPLE` looks like life.
"""

from pathlib import Path

SMALL = Path(__file__).with_name("small.yaml")
SAMPLE = Path(__file__).with_name("sample.yaml")

__all__ = ["SAMPLE", "SMALL"]
