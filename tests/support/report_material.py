"""Firewalls for the HTML report: a shop whose copy lags behind, and the same with every word of it hostile."""

from typing import Any

import firewalls as f

Json = dict[str, Any]
OUT = f.DEFAULT_EGRESS
HOSTILE = "</script><script>window.broken=1</script><img src=x onerror=window.broken=2>\"'&<!--<script>"


def source() -> Json:
    return f.source(
        f.group(
            "sg-edge", "edge", "in tcp 443 0.0.0.0/0 customers", "in tcp 443 ::/0", "out tcp 8080 sg-api"
        ),
        f.group("sg-api", "api", "in tcp 8080 sg-edge", "in tcp 9090 sg-jobs", "out tcp 5432 sg-db", OUT),
        f.group("sg-jobs", "jobs", "in tcp 9091 sg-api", OUT, tags={"team": "data"}),
        f.group("sg-db", "db", "in tcp 5432 sg-api the shop", "in tcp 22 pl-office", "in tcp 5432 sg-db"),
        f.group("sg-idle", "idle", OUT),
        lists=[f.prefix_list("pl-office", "office", "198.51.100.0/24", "203.0.113.0/25")],
        subnets=[
            f.subnet("subnet-s1", "10.0.1.0/24", "a", "public"),
            f.subnet("subnet-s2", "10.0.2.0/24", "b", "data"),
        ],
        acls=[
            f.acl(
                "acl-public",
                "in 100 allow -1 - 0.0.0.0/0",
                "in 200 deny tcp 22 0.0.0.0/0",
                "in 210 allow tcp 443 203.0.113.0/24",
                "out 100 allow -1 - 0.0.0.0/0",
                subnets=["subnet-s1"],
                tags={"Name": "public"},
            )
        ],
    )


def target() -> Json:
    """``db`` was opened by hand, ``jobs`` is described otherwise, ``edge`` and ``idle`` are not there yet."""
    return f.target(
        f.there("sg-t-api", "api", "in tcp 9090 sg-t-jobs", OUT, marked="sg-api"),
        f.there("sg-t-jobs", "jobs", "in tcp 9091 sg-t-api old words", OUT, marked="sg-jobs"),
        f.there("sg-t-db", "db", "in tcp 5432 sg-t-api the shop", "in tcp 22 0.0.0.0/0", marked="sg-db"),
        f.there("sg-t-other", "other", "in tcp 80 10.0.0.0/8", OUT),
        subnets=[
            f.subnet("subnet-t1", "10.20.1.0/24", "a", "public", f.TARGET_VPC),
            f.subnet("subnet-t2", "10.20.2.0/24", "b", "data", f.TARGET_VPC),
        ],
        default_subnets=["subnet-t1", "subnet-t2"],
    )


def hostile(document: Json) -> Json:
    """Every name, description and tag that somebody may choose says something hostile too."""
    for group in document["SecurityGroups"]:
        group["Description"] += HOSTILE
        group["Tags"] += [{"Key": f"key{HOSTILE}", "Value": f"value{HOSTILE}"}]
        if group["GroupName"] != "default":
            group["GroupName"] += HOSTILE
        for rule in (*group["IpPermissions"], *group["IpPermissionsEgress"]):
            for key in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds"):
                for item in rule.get(key, ()):
                    item["Description"] = f"{item.get('Description', '')}{HOSTILE}"
    for thing in (
        *document["NetworkAcls"],
        *document["Subnets"],
        *document["PrefixLists"],
        *document["Vpcs"],
    ):
        thing["Tags"] = [{"Key": "Name", "Value": f"{_name(thing)}{HOSTILE}"}, *_others(thing)]
    for item in document["PrefixLists"]:
        item["PrefixListName"] += HOSTILE
        for entry in item["Entries"]:
            entry["Description"] = HOSTILE
    return document


def _name(thing: Json) -> str:
    return next((tag["Value"] for tag in thing.get("Tags", ()) if tag["Key"] == "Name"), "")


def _others(thing: Json) -> list[Json]:
    return [tag for tag in thing.get("Tags", ()) if tag["Key"] != "Name"]


def many(groups: int) -> Json:
    """So many groups in a few layers, each naming two of the layer before; some name each other."""
    made = []
    for number in range(groups):
        earlier = (
            [f"in tcp {1000 + n} sg-m{max(0, number - 7 * n - 3):04}" for n in (1, 2)] if number > 20 else []
        )
        rules = earlier or ["in tcp 443 0.0.0.0/0"]
        back = [f"in tcp 7 sg-m{number + 5:04}"] if number % 40 == 30 else []
        made.append(f.group(f"sg-m{number:04}", f"service-{number}", *rules, *back, OUT))
    return f.source(*made)
