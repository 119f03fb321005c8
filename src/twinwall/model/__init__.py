"""The nouns: frozen values, no boto3, no clock, no files."""
