"""Rows and what is known of them: sources, moments, splits, rows on a device. Import its modules one by one."""
