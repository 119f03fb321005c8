"""Files in and out: configuration, snapshots, plans, journals. Everything written here is its owner's only."""
