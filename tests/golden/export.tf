# The firewall of vpc-source in 111111111111/eu-west-1, written by twinwall export

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "vpc_id" {
  description = "The VPC that gets the firewall; it was vpc-source in 111111111111/eu-west-1"
  type        = string
}

resource "aws_ec2_managed_prefix_list" "office" {
  name           = "office"
  address_family = "IPv4"
  max_entries    = 5

  entry {
    cidr = "198.51.100.0/24"
  }
}

resource "aws_security_group" "db" {
  name        = "db"
  description = "about db"
  vpc_id      = var.vpc_id

  tags = {
    "a b" = "c"
  }
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "about web"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "db_ingress_icmp_8_0_from_10_0_0_0_16" {
  security_group_id = aws_security_group.db.id
  cidr_ipv4         = "10.0.0.0/16"
  from_port         = 8
  to_port           = 0
  ip_protocol       = "icmp"
}

resource "aws_vpc_security_group_ingress_rule" "db_ingress_tcp_22_from_office" {
  security_group_id = aws_security_group.db.id
  prefix_list_id    = aws_ec2_managed_prefix_list.office.id
  from_port         = 22
  to_port           = 22
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "db_ingress_tcp_5432_from_web" {
  security_group_id            = aws_security_group.db.id
  referenced_security_group_id = aws_security_group.web.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "web_ingress_tcp_443_from_anywhere" {
  security_group_id = aws_security_group.web.id
  description       = "customers"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "web_ingress_tcp_8080_from_db" {
  security_group_id            = aws_security_group.web.id
  referenced_security_group_id = aws_security_group.db.id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "web_egress_tcp_5432_to_db" {
  security_group_id            = aws_security_group.web.id
  referenced_security_group_id = aws_security_group.db.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_network_acl" "edge" {
  vpc_id = var.vpc_id

  tags = {
    Name = "edge"
  }
}

resource "aws_network_acl_rule" "edge_ingress_100" {
  network_acl_id = aws_network_acl.edge.id
  rule_number    = 100
  egress         = false
  rule_action    = "allow"
  protocol       = "6"
  from_port      = 443
  to_port        = 443
  cidr_block     = "0.0.0.0/0"
}

resource "aws_network_acl_rule" "edge_egress_100" {
  network_acl_id  = aws_network_acl.edge.id
  rule_number     = 100
  egress          = true
  rule_action     = "deny"
  protocol        = "-1"
  ipv6_cidr_block = "::/0"
}
