"""CloudTrail: every management call that was made, as a record that can be looked up."""
