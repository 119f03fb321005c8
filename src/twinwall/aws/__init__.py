"""The real doors: boto3 and botocore stop here. What leaves is ``boundary``'s documents and ``errors``."""
