"""Does an AWS emulator answer as AWS documents it? One small function for each documented behaviour, run by boto3
against several emulators; ``python -m probes`` writes docs/fidelity.md.

A probe knows nothing of the emulator it runs against: it has clients for two accounts and any Region, makes what it
needs, and says what AWS would answer. Its source is a page, or a shape of an API model, as aws-facts spells them:
``B`` is botocore's service model, ``ERR`` EC2's page of error codes, ``VPC``, ``PEER``, ``ASG``, ``EB``… the user
guides.
"""
