"""A VPC as the desired state of another: what is selected, and how it is said in the target's terms. Pure."""
