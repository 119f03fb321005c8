"""``Transform: AWS::Serverless-2016-10-31``, expanded by AWS's own translator."""

import copy
import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import boto3

from twinwall.emulator.iam.holders import aws_managed_arns
from twinwall.emulator.refusal import Refusal

SERVERLESS = "AWS::Serverless-2016-10-31"


def transforms_of(document: Mapping[str, Any]) -> list[str]:
    """Raises ``Refusal`` for a macro that is not there."""
    found = document.get("Transform") or []
    names = [found] if isinstance(found, str) else list(found)
    for name in names:
        if name != SERVERLESS:
            raise Refusal("ValidationError", f"No transform named {name} found.")
    return names


def expand(document: Mapping[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """The template without its transform. Raises ``Refusal``."""
    # Here and not above: the translator takes a second to import, and most who start a server expand nothing.
    translators = import_module("samtranslator.translator.translator")
    exceptions = import_module("samtranslator.model.exceptions")
    logging.getLogger("samtranslator.metrics").setLevel(
        logging.ERROR
    )  # it warns of figures that nobody collects
    session = boto3.session.Session(region_name=region)
    translator = translators.Translator(
        None, import_module("samtranslator.parser.parser").Parser(), boto_session=session
    )
    given = copy.deepcopy({key: part for key, part in document.items() if key != "Transform"})
    try:
        expanded = translator.translate(given, dict(parameters), get_managed_policy_map=aws_managed_arns)
    except exceptions.InvalidDocumentException as fault:
        why = "; ".join(str(cause.message) for cause in fault.causes)
        raise Refusal(
            "ValidationError",
            f"Transform {SERVERLESS} failed with: Invalid Serverless Application Specification document. {why}",
        ) from None
    return {key: part for key, part in expanded.items() if key not in ("Transform", "Globals")}
