"""IAM policies, enforced when switched on: what a request asks for, whose policies speak, what they say.

``conditions`` and ``policies`` are pure: a policy document and a request in, a decision out. ``ec2`` and
``services`` say which rights a request needs; ``holders`` finds the caller's policies; ``enforcer`` joins them.
"""
