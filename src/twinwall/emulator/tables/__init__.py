"""DynamoDB: moto's tables, one call at a time, with streams of our own and transactions that know their token."""
