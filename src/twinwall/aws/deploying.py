"""What deploying needs of one account's Region: CloudFormation, a bucket, and a look at what the mesh is put upon.

Answers are documents in AWS's own shapes. Every method raises ``AwsError``'s children, nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from twinwall.aws.faults import error_code, faults
from twinwall.aws.looking import AwsLook, Document

_CAPABILITIES = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"]


class AwsGround(AwsLook):
    """``engine.deployment.ground.Ground``."""

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

    def tag_group(self, group_id: str, key: str, value: str) -> None:
        tags = [{"Key": key, "Value": value}]
        self._call("marking the group", group_id, "ec2", "create_tags", Resources=[group_id], Tags=tags)

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
