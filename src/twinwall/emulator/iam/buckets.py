"""What a request of S3 asks for: its action by method, path and query, and the bucket or object it is about.

Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3": IAM's actions are not always
named as the operations are. Paths have the bucket first, as clients write them for an address without a name.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from twinwall.emulator.http import Request

_OF_BUCKETS: Mapping[tuple[str, str], str] = {
    ("PUT", ""): "CreateBucket",
    ("HEAD", ""): "ListBucket",
    ("GET", ""): "ListBucket",
    ("DELETE", ""): "DeleteBucket",
    ("GET", "location"): "GetBucketLocation",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "encryption"): "PutEncryptionConfiguration",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("PUT", "tagging"): "PutBucketTagging",
    ("GET", "tagging"): "GetBucketTagging",
    ("PUT", "policy"): "PutBucketPolicy",
    ("GET", "policy"): "GetBucketPolicy",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("PUT", "lifecycle"): "PutLifecycleConfiguration",
    ("GET", "versions"): "ListBucketVersions",
    ("POST", "delete"): "DeleteObject",
}
"""(method, subresource)."""
_OF_OBJECTS = {
    "PUT": "PutObject",
    "GET": "GetObject",
    "HEAD": "GetObject",
    "DELETE": "DeleteObject",
    "POST": "PutObject",
}


def asked_of(request: Request) -> tuple[str, str]:
    """IAM's action without its prefix, and the resource's part of the ARN: ``bucket``, ``bucket/key``, ``*``."""
    bucket, _, key = unquote(request.path).lstrip("/").partition("/")
    if not bucket:
        return "ListAllMyBuckets", "*"
    if key:
        return _OF_OBJECTS.get(request.method, request.method.title()), f"{bucket}/{key}"
    names = {name for name, _ in parse_qsl(request.query, keep_blank_values=True)}
    words = sorted(names & {word for _, word in _OF_BUCKETS} - {""})
    word = words[0] if words else ""
    action = _OF_BUCKETS.get((request.method, word))
    return (
        action or f"{request.method.title()}Bucket{word.title()}",
        f"{bucket}/*" if word == "delete" else bucket,
    )
