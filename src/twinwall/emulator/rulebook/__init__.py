"""What EC2 would say to a request, as pure functions of (state, request).

Each takes a ``Call`` and returns an ``Answer`` (EC2's output shape and the effects on the state), or raises
``Refusal`` with EC2's code, and then nothing happens: every batch is all or nothing (aws-facts 1.6).
Sources: aws-facts.md chapters 1 to 4, botocore's service model ("API: Shape"); what they leave open is a
named switch in ``switches.py``.
"""
