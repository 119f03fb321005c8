"""A look at what a mesh is put upon, in one account's Region: groups, hooks, tables, quotas, and the caller's rights.

Answers are documents in AWS's own shapes. Every method raises ``AwsError``'s children, nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from twinwall.aws.faults import error_code, faults
from twinwall.ec2.faults import Place as Side
from twinwall.errors import NotFound
from twinwall.model.members import Place

Document = dict[str, Any]

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)


class AwsLook:
    """``session``: of the place's account."""

    def __init__(self, session: Session, place: Place) -> None:
        self._session, self.place = session, place
        self._side = Side(region=place.region)
        self._clients: dict[str, Any] = {}

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            make = self._session.create_client
            with faults("opening a client for", f"{service} at {self.place}", at=self._side):
                self._clients[service] = make(service, region_name=self.place.region, config=_CONFIG)
        return self._clients[service]

    def _call(self, doing: str, thing: str, service: str, operation: str, **given: Any) -> Document:
        change = not operation.startswith(("describe_", "get_", "head_", "list_"))
        with faults(doing, f"{thing} at {self.place}", at=self._side, mutation=change):
            answer: Document = getattr(self._client(service), operation)(**given)
        return answer

    def _pages(
        self, doing: str, thing: str, service: str, operation: str, key: str, **given: Any
    ) -> list[Document]:
        with faults(doing, f"{thing} at {self.place}", at=self._side):
            paginator = self._client(service).get_paginator(operation)
            return [item for page in paginator.paginate(**given) for item in page.get(key) or ()]

    # --- what it is put upon

    def account(self) -> str:
        return str(self._call("asking for", "the account", "sts", "get_caller_identity")["Account"])

    def caller(self) -> str:
        """The ARN of whoever calls."""
        return str(self._call("asking for", "the caller", "sts", "get_caller_identity")["Arn"])

    def role_arn(self, name: str) -> str:
        return str(self._call("reading the role", name, "iam", "get_role", RoleName=name)["Role"]["Arn"])

    def simulate(
        self,
        principal: str,
        actions: Sequence[str],
        resources: Sequence[str],
        keys: Mapping[str, Sequence[str]],
    ) -> list[Document]:
        """One result for each action, with those on each resource within (API: SimulatePrincipalPolicy)."""
        context = [
            {
                "ContextKeyName": key,
                "ContextKeyValues": list(values),
                "ContextKeyType": "stringList" if key == "aws:TagKeys" else "string",
            }
            for key, values in keys.items()
        ]
        return self._pages(
            "asking IAM for the rights of", principal, "iam", "simulate_principal_policy", "EvaluationResults",
            PolicySourceArn=principal, ActionNames=list(actions), ResourceArns=list(resources), ContextEntries=context,
        )  # fmt: skip

    def group(self, group_id: str) -> Document | None:
        filters = [{"Name": "group-id", "Values": [group_id]}]
        found = self._pages(
            "reading the group",
            group_id,
            "ec2",
            "describe_security_groups",
            "SecurityGroups",
            Filters=filters,
        )
        return found[0] if found else None

    def vpcs_of(self, group_id: str) -> set[str]:
        """VPCs that the group is associated with, beside its own."""
        found = self._pages(
            "reading the VPCs of", group_id, "ec2", "describe_security_group_vpc_associations",
            "SecurityGroupVpcAssociations", Filters=[{"Name": "group-id", "Values": [group_id]}],
        )  # fmt: skip
        return {one["VpcId"] for one in found if one.get("State") == "associated"}

    def scaling_group(self, name: str) -> Document | None:
        found = self._call(
            "reading the Auto Scaling group", name, "autoscaling", "describe_auto_scaling_groups",
            AutoScalingGroupNames=[name],
        )["AutoScalingGroups"]  # fmt: skip
        return found[0] if found else None

    def launch_groups(self, scaling_group: Document) -> list[set[str]] | None:
        """The groups that each interface of its launch template carries; None where it has none. API:
        RequestLaunchTemplateData: those of the interfaces, or, without interfaces, of the instance."""
        mixed = (scaling_group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
        named = scaling_group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or {}
        if not named.get("LaunchTemplateId"):
            return None
        [found] = self._call(
            "reading the launch template", named["LaunchTemplateId"], "ec2", "describe_launch_template_versions",
            LaunchTemplateId=named["LaunchTemplateId"], Versions=[str(named.get("Version") or "$Default")],
        )["LaunchTemplateVersions"]  # fmt: skip
        data = found["LaunchTemplateData"]
        carried = [one.get("Groups") for one in data.get("NetworkInterfaces") or ()] or [
            data.get("SecurityGroupIds")
        ]
        return [set(groups) for groups in carried if groups]

    def quota(self, code: str) -> int:
        """Of the service ``vpc``: the account's own value, else AWS's default (API: GetServiceQuota)."""
        asked = {"ServiceCode": "vpc", "QuotaCode": code}
        try:
            found = self._call("reading the quota", code, "service-quotas", "get_service_quota", **asked)
        except NotFound:
            found = self._call(
                "reading the quota", code, "service-quotas", "get_aws_default_service_quota", **asked
            )
        return int(found["Quota"]["Value"])

    def vpcs_of_subnets(self, subnet_ids: Sequence[str]) -> set[str]:
        filters = [{"Name": "subnet-id", "Values": list(subnet_ids)}]
        found = self._pages(
            "reading the subnets", subnet_ids[0], "ec2", "describe_subnets", "Subnets", Filters=filters
        )
        return {one["VpcId"] for one in found}

    def hooks(self, group: str) -> list[Document]:
        found = self._call(
            "reading the hooks of",
            group,
            "autoscaling",
            "describe_lifecycle_hooks",
            AutoScalingGroupName=group,
        )
        return list(found["LifecycleHooks"])

    def table(self, name: str) -> Document | None:
        with faults("reading the table", f"{name} at {self.place}", at=self._side):
            try:
                return dict(self._client("dynamodb").describe_table(TableName=name)["Table"])
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return None
                raise

    def rules(self, group_id: str) -> list[Document]:
        filters = [{"Name": "group-id", "Values": [group_id]}]
        return self._pages(
            "reading the rules of", group_id, "ec2", "describe_security_group_rules", "SecurityGroupRules",
            Filters=filters,
        )  # fmt: skip
