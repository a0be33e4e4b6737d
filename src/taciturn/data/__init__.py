"""Sources of rows, their moments, splits, and rows on a device.

This file imports nothing, because some modules load torch: import the modules one by one.
"""
