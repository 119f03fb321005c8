"""A mesh as what is deployed: per node a stack, in CloudFormation's words (SAM) and in Terraform's.

configuration ─▶ names, settings ─┬─▶ template (SAM) ──▶ deploy
                 permissions ─────┘└▶ terraform
"""
