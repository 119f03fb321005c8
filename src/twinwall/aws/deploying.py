"""What deploying needs of one account's Region: CloudFormation, a bucket, and a look at what the mesh is put upon.

Answers are documents in AWS's own shapes. Every method raises ``AwsError``'s children, nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from twinwall.aws.faults import error_code, faults
from twinwall.ec2.faults import Place as Side
from twinwall.model.members import Place

Document = dict[str, Any]

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)
_CAPABILITIES = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"]


class AwsGround:
    """``engine.deployment.ground.Ground``. ``session``: of the place's account."""

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

    def vpcs_of_subnets(self, subnet_ids: Sequence[str]) -> set[str]:
        filters = [{"Name": "subnet-id", "Values": list(subnet_ids)}]
        found = self._pages(
            "reading the subnets", subnet_ids[0], "ec2", "describe_subnets", "Subnets", Filters=filters
        )
        return {one["VpcId"] for one in found}

    def carried(self, scaling: Document) -> set[str] | None:
        """Groups of the instances that it launches; None where it does not say by a launch template. API:
        RequestLaunchTemplateData: those of the first interface, or beside them."""
        mixed = (scaling.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
        named = scaling.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification")
        if not named:
            return None
        found = self._call(
            "reading the launch template of",
            str(scaling["AutoScalingGroupName"]),
            "ec2",
            "describe_launch_template_versions",
            LaunchTemplateId=named["LaunchTemplateId"],
            Versions=[named.get("Version") or "$Default"],
        )["LaunchTemplateVersions"]
        data = found[0]["LaunchTemplateData"] if found else {}
        interfaces = data.get("NetworkInterfaces") or [{}]
        first = min(interfaces, key=lambda one: one.get("DeviceIndex", 0))
        return {*(data.get("SecurityGroupIds") or ()), *(first.get("Groups") or ())}

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

    def tag_group(self, group_id: str, key: str, value: str) -> None:
        tags = [{"Key": key, "Value": value}]
        self._call("marking the group", group_id, "ec2", "create_tags", Resources=[group_id], Tags=tags)

    # --- stacks

    def stack(self, name: str) -> Document | None:
        with faults("reading the stack", f"{name} at {self.place}", at=self._side):
            try:
                return dict(self._client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])
            except ClientError as error:
                if error_code(error) == "ValidationError" and "does not exist" in str(error):
                    return None
                raise

    def resources(self, name: str) -> list[Document]:
        return self._pages(
            "reading the stack",
            name,
            "cloudformation",
            "list_stack_resources",
            "StackResourceSummaries",
            StackName=name,
        )

    def events(self, name: str) -> list[Document]:
        """Newest first."""
        found = self._call(
            "reading the events of", name, "cloudformation", "describe_stack_events", StackName=name
        )
        return list(found["StackEvents"])

    def propose(
        self, name: str, change_set: str, template: Mapping[str, str], given: Mapping[str, str], *, anew: bool
    ) -> None:
        """``template``: TemplateBody or TemplateURL; ``given``: its parameters."""
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(given.items())]
        self._call(
            "proposing changes of the stack", name, "cloudformation", "create_change_set", StackName=name,
            ChangeSetName=change_set, ChangeSetType="CREATE" if anew else "UPDATE", Parameters=parameters,
            Capabilities=_CAPABILITIES, **template,
        )  # fmt: skip

    def proposal(self, name: str, change_set: str) -> Document:
        """With all its changes."""
        given: dict[str, Any] = {"StackName": name, "ChangeSetName": change_set}
        changes: list[Document] = []
        while True:
            page = self._call(
                "reading the proposal for", name, "cloudformation", "describe_change_set", **given
            )
            changes += page.get("Changes") or ()
            if not page.get("NextToken"):
                return {**page, "Changes": changes}
            given["NextToken"] = page["NextToken"]

    def withdraw(self, name: str, change_set: str) -> None:
        self._call(
            "withdrawing the proposal for", name, "cloudformation", "delete_change_set",
            StackName=name, ChangeSetName=change_set,
        )  # fmt: skip

    def execute(self, name: str, change_set: str) -> None:
        self._call(
            "changing the stack", name, "cloudformation", "execute_change_set",
            StackName=name, ChangeSetName=change_set,
        )  # fmt: skip

    def delete_stack(self, name: str) -> None:
        self._call("deleting the stack", name, "cloudformation", "delete_stack", StackName=name)

    # --- the package

    def has_bucket(self, bucket: str) -> bool:
        """Only if it is this account's own: bucket names are guessed by others too."""
        with faults("looking for the bucket", f"{bucket} at {self.place}", at=self._side):
            try:
                self._client("s3").head_bucket(Bucket=bucket, ExpectedBucketOwner=self.place.account)
            except ClientError as error:
                if error_code(error) in ("404", "NoSuchBucket"):
                    return False
                raise
        return True

    def make_bucket(self, bucket: str) -> None:
        where = {"LocationConstraint": self.place.region}
        more = {} if self.place.region == "us-east-1" else {"CreateBucketConfiguration": where}
        self._call("making the bucket", bucket, "s3", "create_bucket", Bucket=bucket, **more)
        doors = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        blocked = dict.fromkeys(doors, True)
        self._call(
            "closing the bucket", bucket, "s3", "put_public_access_block", Bucket=bucket,
            PublicAccessBlockConfiguration=blocked,
        )  # fmt: skip

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self._call(
            "putting the package into", bucket, "s3", "put_object", Bucket=bucket, Key=key, Body=body,
            ExpectedBucketOwner=self.place.account,
        )  # fmt: skip

    def keys(self, bucket: str) -> list[str]:
        """Oldest first."""
        found = self._pages("reading the bucket", bucket, "s3", "list_objects_v2", "Contents", Bucket=bucket)
        return [one["Key"] for one in sorted(found, key=lambda one: one["LastModified"])]

    def drop(self, bucket: str, keys: Sequence[str]) -> None:
        for key in keys:
            self._call("emptying the bucket", bucket, "s3", "delete_object", Bucket=bucket, Key=key)

    def delete_bucket(self, bucket: str) -> None:
        self.drop(bucket, self.keys(bucket))
        self._call("deleting the bucket", bucket, "s3", "delete_bucket", Bucket=bucket)

    # --- what goes, and what is called by hand

    def rules(self, group_id: str) -> list[Document]:
        filters = [{"Name": "group-id", "Values": [group_id]}]
        return self._pages(
            "reading the rules of", group_id, "ec2", "describe_security_group_rules", "SecurityGroupRules",
            Filters=filters,
        )  # fmt: skip

    def revoke(self, group_id: str, rule_ids: Sequence[str]) -> None:
        self._call(
            "revoking rules of", group_id, "ec2", "revoke_security_group_ingress", GroupId=group_id,
            SecurityGroupRuleIds=list(rule_ids),
        )  # fmt: skip

    def untag_group(self, group_id: str, key: str) -> None:
        self._call(
            "unmarking the group", group_id, "ec2", "delete_tags", Resources=[group_id], Tags=[{"Key": key}]
        )

    def delete_table(self, name: str) -> None:
        self._call(
            "unprotecting the table",
            name,
            "dynamodb",
            "update_table",
            TableName=name,
            DeletionProtectionEnabled=False,
        )
        self._call("deleting the table", name, "dynamodb", "delete_table", TableName=name)

    def invoke(self, function: str, event: Mapping[str, Any]) -> str:
        """What the function says if it fails, else nothing."""
        answer = self._call(
            "calling the function",
            function,
            "lambda",
            "invoke",
            FunctionName=function,
            Payload=json.dumps(event).encode(),
        )
        said = answer["Payload"].read().decode(errors="replace")
        return said[:300] if answer.get("FunctionError") else ""
