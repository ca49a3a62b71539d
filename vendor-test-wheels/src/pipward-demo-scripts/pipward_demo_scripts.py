"""A module beside the scripts, so that the wheel has one."""
