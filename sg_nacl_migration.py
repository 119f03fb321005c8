#!/usr/bin/env python3
"""Copies security groups, or a network ACL, into another VPC: the first tool's command line.

A thin door: flags and help are in ``twinwall.cli.first_tool``, the work is that of ``twinwall migrate``.
"""

import sys
from pathlib import Path

try:
    from twinwall.cli.first_tool import main
except ModuleNotFoundError as missing:
    if missing.name != "twinwall":
        raise
    sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
    from twinwall.cli.first_tool import main

if __name__ == "__main__":
    main()
