"""Copies a VPC's firewall across accounts and Regions, keeps the copies in step, and proves it."""

__version__ = "0.1.0"
