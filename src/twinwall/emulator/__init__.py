"""The embedded AWS: moto, corrected by a rulebook of what EC2 documents, behind an HTTP endpoint.

``EmbeddedAws`` is in ``server``, what builds VPCs in it in ``seed``. Nothing is imported here: moto costs
half a second.
"""
