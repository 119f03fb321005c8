"""Service Quotas for the service ``vpc`` (aws-facts 1.7). Not EC2: JSON, and exceptions by name."""

from typing import Any

from twinwall.emulator.refusal import refuse
from twinwall.emulator.state import Call, partition
from twinwall.emulator.switches import QUOTAS

SERVICE = "vpc"
NAME = "Amazon Virtual Private Cloud (Amazon VPC)"


def get(call: Call, *, default: bool) -> dict[str, Any]:
    code = str(call.params.get("QuotaCode"))
    if call.params.get("ServiceCode") != SERVICE or code not in QUOTAS:
        refuse("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return {"Quota": _quota(call, code, default)}


def listed(call: Call, *, default: bool) -> dict[str, Any]:
    return {"Quotas": [_quota(call, code, default) for code in QUOTAS]}


def _quota(call: Call, code: str, default: bool) -> dict[str, Any]:
    name, documented = QUOTAS[code]
    return {
        "ServiceCode": SERVICE,
        "ServiceName": NAME,
        "QuotaArn": f"arn:{partition(call.region)}:servicequotas:{call.region}:{call.account}:vpc/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(documented if default else call.quota(code)),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
