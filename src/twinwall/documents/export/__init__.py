"""A firewall in another tool's words: Terraform, CloudFormation, or a script of AWS CLI calls.

    Snapshot, Plan  →  Exported (firewall)  →  Blueprint (blueprint)  →  terraform · cloudformation · script

What comes out makes the firewall anew, wherever its reader says: a VPC, a subnet or a group that the export
does not make is a variable without a default. The same firewall gives the same text.
"""
