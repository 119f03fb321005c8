"""A request's template, parameters and capabilities into what a stack is to be."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from twinwall.emulator.refusal import Refusal
from twinwall.emulator.stacks import parameters, sam
from twinwall.emulator.stacks.kinds import KINDS
from twinwall.emulator.stacks.state import Stack, Wanted
from twinwall.emulator.stacks.template import MOST_BYTES, Template, malformed, parse, read

Params = Mapping[str, Any]


def text_of(given: Params, s3: Callable[[], Any]) -> str:
    """The template of a request. Raises ``Refusal``."""
    if given.get("TemplateBody") and given.get("TemplateURL"):
        raise Refusal("ValidationError", "Either Template URL or Template Body must be specified, not both.")
    if given.get("TemplateBody"):
        if len(given["TemplateBody"].encode()) > MOST_BYTES:
            raise Refusal(
                "ValidationError",
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
                f"length less than or equal to {MOST_BYTES}",
            )
        return str(given["TemplateBody"])
    if not given.get("TemplateURL"):
        raise Refusal("ValidationError", "Either Template URL or Template Body must be specified.")
    bucket, key = _place(given["TemplateURL"])
    try:
        return str(s3().get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    except ClientError as refused:
        raise Refusal("ValidationError", f"S3 error: {refused.response['Error']['Message']}") from None


def _place(url: str) -> tuple[str, str]:
    """Bucket and key of an S3 URL, by host or by path."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    named = re.match(r"(?P<bucket>.+)\.s3[.-][\w.-]*amazonaws\.com", host)
    bucket, _, key = (named["bucket"], "", path) if named else path.partition("/")
    if not bucket or not key:
        raise Refusal("ValidationError", f"TemplateURL must be a supported URL: {url}")
    return bucket, key


def wanted_of(
    given: Params, stack: Stack | None, region: str, s3: Callable[[], Any], *, expands: bool
) -> Wanted:
    """``expands``: may a transform be carried out without CAPABILITY_AUTO_EXPAND, as in a change set?"""
    before = stack.wanted if stack is not None else None
    text = before.text if before and given.get("UsePreviousTemplate") else text_of(given, s3)
    document = read(text)
    values = parameters.values(
        document.get("Parameters") or {}, given.get("Parameters") or [], before.parameters if before else {}
    )
    capabilities = tuple(given.get("Capabilities") or ())
    if sam.transforms_of(document):
        if not expands and "CAPABILITY_AUTO_EXPAND" not in capabilities:
            _lacks("CAPABILITY_AUTO_EXPAND")
        document = sam.expand(document, values, region)
    template = parse(document)
    _check_types(template)
    _check_capabilities(template, capabilities)
    tags = (
        {tag["Key"]: tag["Value"] for tag in given["Tags"]}
        if "Tags" in given
        else before.tags
        if before
        else {}
    )
    role = given.get("RoleARN") or (before.role if before else "")
    return Wanted(text, template, values, tags, capabilities, role)


def _check_types(template: Template) -> None:
    unknown = sorted({resource.type for resource in template.resources} - KINDS.keys())
    if unknown:
        raise malformed(f"Unrecognized resource types: [{', '.join(unknown)}]")


def _check_capabilities(template: Template, capabilities: tuple[str, ...]) -> None:
    """aws: a role or policy needs CAPABILITY_IAM, one with a name of its own CAPABILITY_NAMED_IAM."""
    iam = [(resource, KINDS[resource.type]) for resource in template.resources if KINDS[resource.type].iam]
    if any(kind.named_by and kind.named_by in resource.properties for resource, kind in iam):
        if "CAPABILITY_NAMED_IAM" not in capabilities:
            _lacks("CAPABILITY_NAMED_IAM")
    elif iam and not {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"} & set(capabilities):
        _lacks("CAPABILITY_IAM")


def _lacks(capability: str) -> None:
    raise Refusal("InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]")
