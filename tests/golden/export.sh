#!/usr/bin/env bash
# The firewall of vpc-source in 111111111111/eu-west-1, written by twinwall export
# It makes everything anew and is meant to run once. Credentials, Region and endpoint are the AWS CLI's own:
# AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL.
set -euo pipefail
export AWS_PAGER=

ec2() { aws ec2 "$@" --output text; }

: "${VPC_ID:?the VPC that gets the firewall; it was vpc-source in 111111111111/eu-west-1}"

# EC2 lets everything out of a new group, over IPv6 too where the VPC has it.
revoke_egress() {
  local rules
  rules=$(ec2 describe-security-group-rules --filters "Name=group-id,Values=$1" \
    --query 'SecurityGroupRules[?IsEgress].SecurityGroupRuleId')
  # shellcheck disable=SC2086 # several ids are several words
  if [[ -n $rules ]]; then
    ec2 revoke-security-group-egress --group-id "$1" --security-group-rule-ids $rules >/dev/null
  fi
}

# A list is made and changed in the background; its version, once it is done.
list_version() {
  local state version
  while true; do
    read -r state version < <(ec2 describe-managed-prefix-lists --prefix-list-ids "$1" \
      --query 'PrefixLists[0].[State,Version]') || return 1
    case $state in
      *-complete) echo "$version"; return ;;
      *-failed) echo "prefix list $1: $state" >&2; return 1 ;;
      *) sleep 1 ;;
    esac
  done
}

pl_office=$(ec2 create-managed-prefix-list --cli-input-json '{"PrefixListName": "office", "AddressFamily": "IPv4", "MaxEntries": 5, "Entries": [{"Cidr": "198.51.100.0/24"}]}' \
  --query PrefixList.PrefixListId)
version=$(list_version "$pl_office")

sg_db=$(ec2 create-security-group --cli-input-json '{"GroupName": "db", "Description": "about db", "VpcId": "'"$VPC_ID"'", "TagSpecifications": [{"ResourceType": "security-group", "Tags": [{"Key": "a b", "Value": "c"}]}]}' \
  --query GroupId)
aws ec2 wait security-group-exists --group-ids "$sg_db"
revoke_egress "$sg_db"

sg_web=$(ec2 create-security-group --cli-input-json '{"GroupName": "web", "Description": "about web", "VpcId": "'"$VPC_ID"'"}' \
  --query GroupId)
aws ec2 wait security-group-exists --group-ids "$sg_web"
revoke_egress "$sg_web"

ec2 authorize-security-group-ingress --cli-input-json '{"GroupId": "'"$sg_db"'", "IpPermissions": [{"IpProtocol": "icmp", "FromPort": 8, "ToPort": 0, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}, {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "'"$pl_office"'"}]}, {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "'"$sg_web"'"}]}]}' >/dev/null

ec2 authorize-security-group-ingress --cli-input-json '{"GroupId": "'"$sg_web"'", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "customers"}]}, {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": "'"$sg_db"'"}]}]}' >/dev/null

ec2 authorize-security-group-egress --cli-input-json '{"GroupId": "'"$sg_web"'", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "'"$sg_db"'"}]}]}' >/dev/null

acl_edge=$(ec2 create-network-acl --cli-input-json '{"VpcId": "'"$VPC_ID"'", "TagSpecifications": [{"ResourceType": "network-acl", "Tags": [{"Key": "Name", "Value": "edge"}]}]}' \
  --query NetworkAcl.NetworkAclId)
ec2 create-network-acl-entry --cli-input-json '{"NetworkAclId": "'"$acl_edge"'", "RuleNumber": 100, "Protocol": "6", "RuleAction": "allow", "Egress": false, "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 443, "To": 443}}' >/dev/null
ec2 create-network-acl-entry --cli-input-json '{"NetworkAclId": "'"$acl_edge"'", "RuleNumber": 100, "Protocol": "-1", "RuleAction": "deny", "Egress": true, "Ipv6CidrBlock": "::/0"}' >/dev/null
